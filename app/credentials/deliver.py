"""Delivering one-time keys, again and again until each is where the policy says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from app.core.credentials import Credential, backoff, route
from app.core.policy import Policy
from app.core.policy_accounts import Delivery
from app.credentials.ports import CredentialError, DeliveryError, Holdings, KeyStore, Places
from app.reconcile.ports import TectonError

log = structlog.get_logger("credentials")


class Deliverer:
    """Takes keys where the policy says they go."""

    def __init__(self, store: KeyStore, places: Places, clock: Callable[[], datetime]) -> None:
        self.store, self.places, self.clock = store, places, clock

    def route_all(self, policy: Policy, holdings: Holdings) -> None:
        """Note where each key goes by the policy in force, and wipe the copies that it keeps no more."""
        for credential in holdings.credentials.values():
            is_there = credential.tecton_id in holdings.accounts
            routing = route(credential, destination_of(credential, policy))
            keep = is_kept(credential, policy, is_there=is_there)
            if (routing, keep) != ((credential.state, credential.destination), credential.is_kept):
                self.store.reroute(credential, routing, keep=keep)
            if routing.state.is_handed_over and credential.is_sealed and not keep:
                self.store.wipe(credential, "it is not needed for probes any more")

    def deliver_due(self, policy: Policy, holdings: Holdings) -> None:
        """Deliver the keys whose time has come, of accounts that are in Tecton; one that fails waits."""
        for credential in holdings.credentials.values():
            place = destination_of(credential, policy)
            is_there = credential.tecton_id in holdings.accounts
            if place and is_there and credential.is_due(self.clock()):
                self._deliver(credential, place)

    def _deliver(self, credential: Credential, place: Delivery) -> None:
        try:
            self.places.put(place, self.store.unseal(credential))
        except (DeliveryError, TectonError, CredentialError) as error:
            self._note(credential, str(error))
            return
        self.store.note_delivered(credential)
        log.info("key delivered", account=credential.name, to=str(place))

    def _note(self, credential: Credential, error: str) -> None:
        next_at = self.clock() + backoff(credential.attempts + 1)
        self.store.note_undelivered(credential, error, next_at)
        log.warning("key not delivered", account=credential.name, error=error, next_at=next_at.isoformat())


def destination_of(credential: Credential, policy: Policy) -> Delivery | None:
    """Return where the policy sends an account's keys, None for those that people claim."""
    declared = policy.declared(credential.name)
    return declared.deliver_to if declared else None


def is_kept(credential: Credential, policy: Policy, *, is_there: bool = True) -> bool:
    """Tell whether a copy is kept for probes: of an account that left the policy, as it was until then.

    Of one that was deleted in Tecton, and is made anew, the new key serves.
    """
    declared = policy.declared(credential.name)
    return declared.keep_for_probes and is_there if declared else credential.is_kept
