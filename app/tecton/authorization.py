"""authorization-service: the roles held directly on secret scopes (all routes confirmed).

Two vocabularies meet here: the service speaks of `read_scope_role`, SCIM and the CLI of
`secret_scope_reader`, the core of `reader`. Legacy ids are sent (the CLI does the same); either is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from app.core.identity import ROLES, Kind, Level
from app.core.records import ScopeGrant
from app.reconcile.ports import Conflict, NotFound, PermanentError, Refused, TectonError
from app.tecton.caller import Caller
from app.tecton.metadata import Metadata
from app.tecton.user_ids import UserIds
from app.tecton.wire import Json, operation, read, read_list, read_text

SCOPE_TYPE = "RESOURCE_TYPE_SECRET_SCOPE"
DIRECT = "ROLE_ASSIGNMENT_TYPE_DIRECT"

_LEGACY = {"reader": "read_scope_role", "writer": "write_scope_role", "manager": "manage_scope_role"}
_ROLES = {
    spelling: role for role in ROLES[Level.SECRET_SCOPE] for spelling in (role, _LEGACY[role], f"secret_scope_{role}")
}
_PRINCIPAL_TYPES = {
    Kind.USER: "PRINCIPAL_TYPE_USER",
    Kind.SERVICE_ACCOUNT: "PRINCIPAL_TYPE_SERVICE_ACCOUNT",
    Kind.GROUP: "PRINCIPAL_TYPE_GROUP",
    Kind.WORKSPACE: "PRINCIPAL_TYPE_WORKSPACE",
}
# Under which key a principal is shown, and which of its fields is its id.
_SHOWN = {
    "user": (Kind.USER, "okta_id"),
    "service_account": (Kind.SERVICE_ACCOUNT, "id"),
    "group": (Kind.GROUP, "id"),
    "workspace": (Kind.WORKSPACE, "name"),
}

_OFFERED = "Secrets must be switched on for this cluster by Tecton support"

_NO_LOOKUP = (
    "role assignments may know {} by another id than SCIM does, "
    "and this Tecton does not tell it (metadata-service/get-user)"
)


class Authorization:
    """The role assignments of one Tecton, for one run."""

    def __init__(self, caller: Caller, users: UserIds | None = None) -> None:
        self._caller = caller
        self._users = users or UserIds()

    def list_scope_grants(self, scope: str) -> frozenset[ScopeGrant]:
        """Return who holds which role on a scope directly (POST list-assigned-principals).

        Raise Refused or NotFound when there is no such scope (which of them: unknown, row 36).
        """
        body = {"resource_type": SCOPE_TYPE, "resource_id": scope}
        answer = self._post("list-assigned-principals", f"list the roles on secret scope {scope}", body)
        found: set[ScopeGrant] = set()
        for shown in read_list(answer, "assignments"):
            if principal := self._principal_of(read(shown, "principal")):
                found |= {grant for grant in _direct_grants(shown, *principal) if grant.scope == scope}
        return frozenset(found)

    def list_grants_of(self, kind: Kind, id_: str) -> frozenset[ScopeGrant]:
        """Return the roles that a principal holds directly, on any scope (POST list-assigned-roles).

        Raise Refused or NotFound when there is no such principal.
        """
        named = {"principal_type": _PRINCIPAL_TYPES[kind], "principal_id": self._wire_id(kind, id_)}
        asks = f"list the secret scope roles of {kind.words} {id_}"
        answer = self._post("list-assigned-roles", asks, {**named, "resource_type": SCOPE_TYPE})
        shown = {"role_assignments": read_list(answer, "assignments")}
        return frozenset(_direct_grants(shown, kind, id_))

    def assign(self, grants: Iterable[ScopeGrant]) -> None:
        """Grant roles, all in one call (POST assign-roles); no call for none.

        Raise TectonError; a role that is held already is no error (what Tecton says to it: row 32).
        """
        self._change("assign-roles", "assign", sorted(set(grants)), Conflict)

    def unassign(self, grants: Iterable[ScopeGrant]) -> None:
        """Revoke directly held roles, all in one call (POST unassign-roles); no call for none.

        Raise TectonError; a role that is not held is no error.
        """
        self._change("unassign-roles", "unassign", sorted(set(grants)), NotFound)

    def _change(self, route: str, verb: str, grants: list[ScopeGrant], done_already: type[TectonError]) -> None:
        """Change roles. When one was as wanted before, and that failed the batch, go one by one."""
        if not grants:
            return
        body = {"assignments": [self._assignment(grant) for grant in grants]}
        try:
            self._post(route, _words(verb, grants), body, write=True)
        except (Conflict, NotFound, Refused) as error:
            if isinstance(error, done_already) or _says_done(error):
                for grant in grants if len(grants) > 1 else ():
                    self._change(route, verb, [grant], done_already)
            elif self._learn_principal_ids(grants):
                self._change(route, verb, grants, done_already)
            elif unknown := self._unknown_ids(grants):
                raise type(error)(f"{error}; {_NO_LOOKUP.format(unknown)}") from error
            else:
                raise

    def _unknown_ids(self, grants: list[ScopeGrant]) -> str:
        """Return the users whose id as principals was never seen, as words; "" for none."""
        ids = sorted({g.id for g in grants if g.kind is Kind.USER and not self._users.is_paired(g.id)})
        return ", ".join(self._users.name_of(id_) or id_ for id_ in ids)

    def _learn_principal_ids(self, grants: list[ScopeGrant]) -> bool:
        """Look up users whose principal id was never seen; tell whether one differs from its SCIM id."""
        unseen = {grant.id for grant in grants if grant.kind is Kind.USER and not self._users.is_paired(grant.id)}
        for id_ in unseen:
            if (name := self._users.name_of(id_)) and (found := self._look_up(name)):
                self._users.pair(id_, found)
        return any(self._users.principal_id(id_) != id_ for id_ in unseen)

    def _look_up(self, name: str) -> str | None:
        try:
            found = Metadata(self._caller).find_user(name)
        except PermanentError:  # an internal route: the refusal that led here says more
            return None
        return found.id if found else None

    def _wire_id(self, kind: Kind, id_: str) -> str:
        return self._users.principal_id(id_) if kind is Kind.USER else id_

    def _assignment(self, grant: ScopeGrant) -> Json:
        return {
            "principal_type": _PRINCIPAL_TYPES[grant.kind],
            "principal_id": self._wire_id(grant.kind, grant.id),
            "resource_type": SCOPE_TYPE,
            "resource_id": grant.scope,
            "role": _LEGACY[grant.role],
        }

    def _principal_of(self, principal: Any) -> tuple[Kind, str] | None:
        for name, (kind, id_field) in _SHOWN.items():
            shown = read(principal, name)
            if id_ := read_text(shown, id_field):
                is_user = kind is Kind.USER
                return kind, self._users.scim_id(id_, read_text(shown, "login_email")) if is_user else id_
        return None

    def _post(self, name: str, asks: str, body: Json, *, write: bool = False) -> Any:
        path = f"{self._caller.config.paths.authorization}/{name}"
        return self._caller.call(operation(path, asks, body, write=write, offered_when=_OFFERED))


def _says_done(error: TectonError) -> bool:
    """Tell whether a refusal (400) says that the role is held already, or is not held."""
    return isinstance(error, Refused) and any(
        words in str(error) for words in ("already assigned", "already has", "is not assigned", "not assigned to")
    )


def _words(verb: str, grants: list[ScopeGrant]) -> str:
    scopes = ", ".join(sorted({grant.scope for grant in grants}))
    if len(grants) > 1:
        return f"{verb} {len(grants)} roles on secret scope {scopes}"
    grant = grants[0]
    return f"{verb} {grant.role} on secret scope {scopes}, {grant.kind.words} {grant.id}"


def _direct_grants(shown: Any, kind: Kind, id_: str) -> Iterator[ScopeGrant]:
    """Yield the direct roles of a principal; other resources and unknown roles are left out."""
    for on in read_list(shown, "role_assignments"):
        scope = read_text(on, "resource_id")
        if read_text(on, "resource_type") != SCOPE_TYPE or not scope:
            continue
        for granted in read_list(on, "roles_granted"):
            role = _ROLES.get(read_text(granted, "role"))
            if role and _is_direct(granted):
                yield ScopeGrant(kind, id_, scope, role)


def _is_direct(granted: Any) -> bool:
    """Tell whether a role is held directly: what comes from a group cannot be unassigned (documented)."""
    sources = read_list(granted, "role_assignment_sources")
    return any(read(source, "assignment_type") in (DIRECT, 1) for source in sources)
