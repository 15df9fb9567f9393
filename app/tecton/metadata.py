"""metadata-service: internal routes (confirmed for an older release; may change), for reading only."""

from __future__ import annotations

from typing import Any, NamedTuple

from app.reconcile.ports import CredentialsRefused, NotFound, PermanentError, TemporaryError
from app.tecton.caller import Caller
from app.tecton.wire import Json, operation, read, read_list, read_text


class KeyOwner(NamedTuple):
    """Whose an API key is."""

    id: str
    name: str
    active: bool
    is_admin: bool


class TectonUser(NamedTuple):
    """A user as the metadata server shows it; `is_admin` where it says so."""

    id: str
    email: str
    is_admin: bool = False


class AdminInfo(NamedTuple):
    """Who is admin, and whether the caller is."""

    caller_is_admin: bool
    admins: tuple[TectonUser, ...]


class Metadata:
    """The metadata service of one Tecton, for one run."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def introspect_key(self) -> KeyOwner | None:
        """Return whose the key in use is (POST introspect-api-key).

        None when this Tecton does not tell. Raise CredentialsRefused when the key is not accepted,
        TemporaryError.
        """
        key = self._caller.config.api_key
        try:
            answer = self._post("introspect-api-key", "find out whose the key is", {"api_key": key})
        except CredentialsRefused:
            raise
        except PermanentError:
            return None
        owner = read_text(answer, "id")
        return (
            KeyOwner(owner, read_text(answer, "name"), _flag(answer, "active"), _flag(answer, "is_admin"))
            if owner
            else None
        )

    def find_user(self, email: str) -> TectonUser | None:
        """Return the user who signs in with an address (POST get-user), None when there is none."""
        try:
            answer = self._post("get-user", f"look up user {email}", {"email": email})
        except NotFound:
            return None
        return _user(read(answer, "user"))

    def list_workspaces(self) -> frozenset[str]:
        """Return the names of all workspaces (POST list-workspaces). Raise Refused, Unsupported."""
        answer = self._post("list-workspaces", "list workspaces", {})
        return frozenset(name for row in read_list(answer, "workspaces") if (name := read_text(row, "name")))

    def admin_info(self) -> AdminInfo:
        """Return who is admin (POST get-cluster-admin-info). Raise Refused, Unsupported."""
        answer = self._post("get-cluster-admin-info", "list admins", {})
        if not isinstance(read(answer, "caller_is_admin"), bool):
            raise TemporaryError("could not list admins: Tecton's answer does not say whether the caller is one")
        admins = (_user(row) for row in read_list(answer, "admins"))
        return AdminInfo(_flag(answer, "caller_is_admin"), tuple(admin for admin in admins if admin))

    def _post(self, name: str, asks: str, body: Json) -> Any:
        # Internal routes may be closed to a key that is good for all else.
        return self._caller.call(operation(f"{self._caller.config.paths.metadata}/{name}", asks, body))


def _user(row: Any) -> TectonUser | None:
    id_ = read_text(row, "okta_id")
    return TectonUser(id_, read_text(row, "login_email"), _flag(row, "is_admin")) if id_ else None


def _flag(document: Any, name: str) -> bool:
    return read(document, name) is True
