"""Finding principals by a part of their name: pushed, in Tecton, or both. Only reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select

from app.core.identity import DECLARED, FOREIGN, Kind, Principal
from app.core.policy import Policy
from app.store.leavers import leavers_called, leavers_named_like
from app.store.snapshot import read_part
from app.store.tables import links, observed, resources
from app.store.vicinity import NAME_IN_TECTON


class Found(NamedTuple):
    """A principal with the name by which it was found; `where` says who knows it so."""

    principal: Principal
    name: str
    where: str  # pushed, declared in the policy, in Tecton; or who deleted it
    is_gone: bool = False  # nobody has the name any more

    @property
    def kind(self) -> str:
        """The kind, for a person."""
        return self.principal.kind.words


def search_principals(connection: Connection, policy: Policy, text: str, *, limit: int) -> list[Found]:
    """Return principals whose name contains a text, in any case: those pushed first, each once, by name.

    Those who were deleted are among them; after a while only by their whole name, and where nothing else is found.
    """
    found: dict[Principal, Found] = {}
    for one in (*_pushed(connection, policy, text, limit), *_declared(policy, text), *_seen(connection, text, limit)):
        found.setdefault(one.principal, one)
    names = {one.name.casefold() for one in found.values()}
    gone = leavers_named_like(connection, text, limit=limit) or ([] if found else leavers_called(connection, text))
    for leaver in gone:
        if leaver.name.casefold() not in names:
            found.setdefault(leaver.principal, Found(leaver.principal, leaver.name, leaver.fate, is_gone=True))
    return sorted(found.values(), key=lambda one: (one.name.casefold(), one.principal))[:limit]


def _pushed(connection: Connection, policy: Policy, text: str, limit: int) -> Iterator[Found]:
    named = resources.c.name_key.contains(text.casefold(), autoescape=True)
    ids = list(
        connection.execute(select(resources.c.id).where(named).order_by(resources.c.name_key).limit(limit)).scalars()
    )
    part = read_part(connection, policy, ids)
    for person in part.people.values():
        yield Found(person.principal, person.pushed_name, "pushed")
    for group in part.groups.values():
        yield Found(group.principal, group.pushed_name, "pushed")


def _declared(policy: Policy, text: str) -> Iterator[Found]:
    for account in policy.service_accounts:
        if text.casefold() in account.name.casefold():
            yield Found(
                Principal(Kind.SERVICE_ACCOUNT, DECLARED + account.name), account.name, "declared in the policy"
            )


def _seen(connection: Connection, text: str, limit: int) -> Iterator[Found]:
    linked = and_(links.c.kind == observed.c.kind, links.c.tecton_id == observed.c.tecton_id)
    columns = (observed.c.kind, observed.c.tecton_id, links.c.principal_id, NAME_IN_TECTON)
    listed = select(*columns).select_from(observed.outerjoin(links, linked)).where(observed.c.kind.in_(_KINDS))
    matching = (
        listed.where(NAME_IN_TECTON.icontains(text, autoescape=True)).order_by(func.lower(NAME_IN_TECTON)).limit(limit)
    )
    for kind, tecton_id, principal_id, called in connection.execute(matching):
        yield Found(Principal(Kind(kind), principal_id or FOREIGN + tecton_id), called, "in Tecton")


_KINDS = (Kind.USER.value, Kind.GROUP.value, Kind.SERVICE_ACCOUNT.value)
