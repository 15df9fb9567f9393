"""Which adapter puts a key where the policy says."""

from __future__ import annotations

from collections.abc import Callable

from app.core.policy_accounts import Delivery
from app.delivery.vault import Vault

PutInScope = Callable[[str, str, str], None]


class DeliveryPlaces:
    """Fits `app.credentials.ports.Places`: a secret scope of Tecton, or Vault.

    `put_in_scope` takes scope, key and value, and raises TectonError.
    """

    def __init__(self, put_in_scope: PutInScope, vault: Vault) -> None:
        self._put_in_scope, self._vault = put_in_scope, vault

    def put(self, place: Delivery, value: str) -> None:
        """Put a key there. Raise DeliveryError, TectonError."""
        if place.vault:
            self._vault.put(place.vault, value)
        elif place.secret_scope and place.key:
            self._put_in_scope(place.secret_scope, place.key, value)
        else:
            raise AssertionError("a delivery that loaded names a place")
