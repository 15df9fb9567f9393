"""Who the bridge is to Tecton: one header, set by `requests` as it sends."""

from __future__ import annotations

import requests
from requests.auth import AuthBase

from app.reconcile.ports import CredentialsRefused
from app.tecton.errors import CHECK_KEY

API_KEY_SCHEME = "Tecton-key"  # confirmed for every service; one of Tecton's own clients spells it Tecton-Key
SCIM_SCHEMES = (API_KEY_SCHEME, "Bearer")  # SCIM takes either, or only one of them (row 6 of the unknowns)


class Nobody(AuthBase):
    """No credential. Given explicitly, so that `requests` does not look for one in ~/.netrc."""

    hidden: tuple[str, ...] = ()  # what no message may show

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request


class Credential(Nobody):
    """`Authorization: SCHEME SECRET`: `Tecton-key` for an API key (confirmed), `Bearer` for an access token.

    The repr does not show the secret. Raise CredentialsRefused for one that no header can hold.
    """

    def __init__(self, scheme: str, secret: str) -> None:
        if not secret:
            raise CredentialsRefused(f"there is no key for Tecton; {CHECK_KEY}")
        if not (secret.isascii() and secret.isprintable()):
            raise CredentialsRefused(f"the key for Tecton holds characters that no key has; {CHECK_KEY}")
        self._scheme = scheme
        self._secret = secret
        self.hidden = (secret,)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header."""
        request.headers["Authorization"] = f"{self._scheme} {self._secret}"
        return request

    def __repr__(self) -> str:
        return f"Credential({self._scheme} …)"
