"""Whether this Tecton can be worked with: for `doctor`, a sentence each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from app.core.identity import Kind
from app.reconcile.ports import CredentialsRefused, PermanentError, TectonError, TemporaryError, Unreachable
from app.tecton.caller import Caller
from app.tecton.credentials import SCIM_SCHEMES, Credential
from app.tecton.errors import CHECK_KEY, SwitchedOff
from app.tecton.metadata import KeyOwner, Metadata
from app.tecton.scim import collection, offered_when
from app.tecton.wire import About, Request

Probe = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `ok` is None for what could not be found out, or does not matter."""

    ok: bool | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found out about a Tecton."""

    reachable: Check
    key: Check
    scim: Check
    service_accounts: Check
    secrets: Check

    @property
    def ok(self) -> bool:
        """Tell whether the bridge can work: secrets may be off."""
        return all(check.ok is not False for check in (self.reachable, self.key, self.scim, self.service_accounts))

    def __iter__(self) -> Iterator[tuple[str, Check]]:
        """Yield every check with its name."""
        for name in ("reachable", "key", "scim", "service_accounts", "secrets"):
            yield name, getattr(self, name)


def probe(caller: Caller) -> Preflight:
    """Ask Tecton for one entry of each kind that matters. Raise nothing that Tecton may answer."""
    scim = caller.calling_scim()
    users = _try(lambda: _first_page(scim, Kind.USER))
    if isinstance(users, TemporaryError):
        return _unreachable(users)
    accounts = _try(lambda: _first_page(scim, Kind.SERVICE_ACCOUNT))
    secrets = _try(lambda: _scopes(caller))
    owner = _try(Metadata(caller).introspect_key)
    return Preflight(
        Check(True, f"{caller.config.url} answers"),
        _key(owner, users, accounts, secrets),
        _scheme(caller, owner, users) or _scim(users, "SCIM is on", "SCIM"),
        _scim(accounts, "service accounts are served by SCIM", "service accounts"),
        _secrets(secrets),
    )


def _first_page(caller: Caller, kind: Kind) -> Any:
    path, query = collection(caller.config.paths, kind), {"startIndex": 1, "count": 1}
    return caller.call(Request("GET", path, f"list {kind.words}s", query=query, offered_when=offered_when(kind)))


def _scopes(caller: Caller) -> Any:
    return caller.call(Request("GET", caller.config.paths.scopes, "list secret scopes", about=About.ROUTE))


def _try(ask: Probe) -> Any:
    """Return an answer, or the error that came instead."""
    try:
        return ask()
    except TectonError as error:
        return error


def _unreachable(error: TemporaryError) -> Preflight:
    unknown = Check(None, "could not be found out: Tecton does not answer")
    what = "is not reachable" if isinstance(error, Unreachable) else "does not answer as it should"
    return Preflight(Check(False, f"Tecton {what}: {error}"), unknown, unknown, unknown, unknown)


def _key(owner: Any, *others: Any) -> Check:
    """Judge the key by what it could do; its owner is told by an internal route only."""
    if isinstance(owner, KeyOwner):
        return _owned(owner)
    refusals = [answer for answer in (owner, *others) if isinstance(answer, CredentialsRefused)]
    if refusals:
        return Check(False, str(refusals[0]))
    accepted = any(not isinstance(answer, TectonError) for answer in others)
    return Check(True, "the key is accepted") if accepted else Check(None, "whether the key is accepted is not known")


def _owned(owner: KeyOwner) -> Check:
    whose = f"the key of service account {owner.name} ({owner.id})"
    if owner.active and owner.is_admin:
        return Check(True, f"{whose} is accepted, and it is admin")
    lack = "is not admin" if owner.active else "is deactivated"
    return Check(False, f"{whose} {lack}; {CHECK_KEY}")


def _scheme(caller: Caller, owner: Any, users: Any) -> Check | None:
    """Return what to set when SCIM refuses a good key for the way in which it is shown (row 6 of the unknowns)."""
    is_good = isinstance(owner, KeyOwner) and owner.active and owner.is_admin
    if not (is_good and isinstance(users, CredentialsRefused)):
        return None
    other = next(scheme for scheme in SCIM_SCHEMES if scheme != caller.config.scim_auth_scheme)
    shown = caller.calling_as(lambda: Credential(other, caller.config.api_key))
    if isinstance(_try(lambda: _first_page(shown, Kind.USER)), TectonError):
        return Check(False, f"SCIM refuses the key that everything else takes: {users}")
    return Check(False, f"SCIM takes the key as {other} only: set BRIDGE_TECTON_SCIM_AUTH={other}")


def _scim(answer: Any, good: str, what: str) -> Check:
    if isinstance(answer, CredentialsRefused | TemporaryError):
        return Check(None, f"whether {what} can be used is not known: {answer}")
    return Check(False, str(answer)) if isinstance(answer, PermanentError) else Check(True, good)


def _secrets(answer: Any) -> Check:
    if isinstance(answer, SwitchedOff):
        return Check(None, "Secrets is switched off: roles on secret scopes are not reconciled")
    if isinstance(answer, TectonError):
        return Check(False, str(answer))
    return Check(True, "Secrets is on")
