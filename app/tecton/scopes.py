"""secrets-service: the names of secret scopes (route confirmed), and the keys that are delivered there.

The bridge never reads a value; it writes one only when policy says where a new key is to go.
"""

from __future__ import annotations

from typing import Any

from app.tecton.caller import Caller
from app.tecton.errors import SwitchedOff
from app.tecton.wire import About, Json, Request, read_list, read_text, segment

_OFFERED = "Secrets must be switched on for this cluster by Tecton support"


class Scopes:
    """The secret scopes of one Tecton, for one run."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._path = caller.config.paths.scopes

    def list_scopes(self) -> frozenset[str]:
        """Return the names of all scopes (GET scopes: confirmed; `{}` is none).

        None, too, when Tecton says clearly that secrets are switched off (how: unknown, row 5). Any
        other refusal raises: "no scopes" would read as all their grants being gone.
        """
        try:
            answer = self._call("GET", "", "list secret scopes")
        except SwitchedOff:
            return frozenset()
        return frozenset(name for row in read_list(answer, "scopes") if (name := read_text(row, "name")))

    def list_keys(self, scope: str) -> frozenset[str]:
        """Return the names of the keys in a scope (GET scopes/S/keys: confirmed). Raise Refused, NotFound."""
        answer = self._call("GET", f"/{segment(scope)}/keys", f"list the keys of secret scope {scope}")
        return frozenset(name for row in read_list(answer, "keys") if (name := read_text(row, "name")))

    def put_key(self, scope: str, key: str, value: str) -> None:
        """Add or overwrite a value (PUT scopes/S/keys/K: confirmed; an upsert, so it may be repeated).

        Needs the writer role on the scope: being admin is not enough. Raise Refused.
        """
        asks = f"put key {key} in secret scope {scope}"
        self._call("PUT", _key_path(scope, key), asks, {"value": value}, hidden=(value,))

    def delete_key(self, scope: str, key: str) -> None:
        """Delete a key (DELETE scopes/S/keys/K: confirmed). Raise Refused, NotFound."""
        self._call("DELETE", _key_path(scope, key), f"delete key {key} of secret scope {scope}")

    def _call(self, method: str, path: str, asks: str, body: Json | None = None, hidden: tuple[str, ...] = ()) -> Any:
        return self._caller.call(
            Request(
                method,
                self._path + path,
                asks,
                body,
                write=method != "GET",
                removal=method == "DELETE",
                about=About.RESTRICTED if path else About.ROUTE,
                offered_when=_OFFERED,
                hidden=hidden,
            )
        )


def _key_path(scope: str, key: str) -> str:
    return f"/{segment(scope)}/keys/{segment(key)}"
