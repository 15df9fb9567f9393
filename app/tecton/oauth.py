"""Access tokens of OAuth service accounts (token endpoint: documented).

A token lives for an hour and is used for everything but ingest and metrics, which reject it.
"""

from __future__ import annotations

import threading
from typing import Any

from app.reconcile.ports import TemporaryError
from app.tecton.caller import Caller
from app.tecton.credentials import Credential, Nobody
from app.tecton.wire import Request, read, read_text

_SCOPE = "everything"
_MARGIN = 60.0  # a token is renewed so long before its end: it must last for the call it is fetched for
_LIFETIME = 3600.0  # documented; for an answer that does not say
_CHECK = "check the client id and the client secret: a new secret may take a minute to work"


class Tokens:
    """The access token of one OAuth account, fetched when needed and kept for its lifetime.

    Its `credential` is what a transport asks before every call. Safe for many threads.
    """

    def __init__(self, caller: Caller, client_id: str, client_secret: str) -> None:
        self._caller = caller.calling_as(Nobody)
        self._client_id = client_id
        self._client_secret = client_secret
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def __repr__(self) -> str:
        return f"Tokens({self._client_id!r})"

    def credential(self) -> Credential:
        """Return the credential of a token that is good for a minute at least.

        Raise CredentialsRefused when client id or secret are not accepted, TemporaryError.
        """
        with self._lock:
            if not self._token or self._caller.config.clock() >= self._until:
                self._fetch()
            return Credential("Bearer", self._token)

    def forget(self) -> None:
        """Drop the token, so that the next call fetches another: for one that was refused early."""
        with self._lock:
            self._token = ""

    def _fetch(self) -> None:
        began = self._caller.config.clock()
        answer = self._caller.call(self._request())
        token = read_text(answer, "access_token")
        if not token:
            raise TemporaryError(f"could not get a token for client {self._client_id}: there is none in the answer")
        self._token, self._until = token, began + _lifetime(answer) - _MARGIN

    def _request(self) -> Request:
        form = {
            "scope": _SCOPE,
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        return Request(
            "POST",
            self._caller.config.paths.token,
            f"get a token for client {self._client_id}",
            form=form,
            accepted_when=_CHECK,
            offered_when="OAuth service accounts must be switched on for this cluster by Tecton support",
            hidden=(self._client_secret,),
        )


def _lifetime(answer: Any) -> float:
    seconds = read(answer, "expires_in")
    try:
        return float(seconds)
    except (TypeError, ValueError):
        return _LIFETIME
