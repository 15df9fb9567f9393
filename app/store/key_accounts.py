"""The service accounts whose keys are looked after: those that are linked, and in Tecton."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from app.core.identity import Kind, Principal
from app.credentials.ports import Account
from app.reconcile.ports import Step
from app.store.facts import read_fact
from app.store.knowledge import AWAITED_KEYS, write_step
from app.store.tables import links, observed


def list_accounts(connection: Connection) -> list[Account]:
    """Return the service accounts that are linked and in Tecton, as last seen."""
    is_same = (observed.c.kind == links.c.kind) & (observed.c.tecton_id == links.c.tecton_id)
    columns = (links.c.tecton_id, observed.c.record, links.c.linked_at)
    listed = select(*columns).join(observed, is_same).where(_OF_ACCOUNTS)
    return [
        Account(tecton_id, record["name"], record["active"] is not False, linked_at)
        for tecton_id, record, linked_at in connection.execute(listed)
    ]


def list_lost(connection: Connection) -> frozenset[str]:
    """Return the Tecton ids of the accounts that the bridge created, and whose key never arrived."""
    awaited = read_fact(connection, AWAITED_KEYS) or []
    found = select(links.c.tecton_id).where(_OF_ACCOUNTS, links.c.principal_id.in_(awaited))
    return frozenset(connection.execute(found).scalars())


def note_found(connection: Connection, tecton_id: str, now: datetime) -> None:
    """Note that a key of an account is here, so that none is missed any more."""
    whose = select(links.c.principal_id).where(_OF_ACCOUNTS, links.c.tecton_id == tecton_id)
    found = [Principal(Kind.SERVICE_ACCOUNT, id_) for id_ in connection.execute(whose).scalars()]
    write_step(connection, Step(awaited_keys=dict.fromkeys(found, False)), now)


_OF_ACCOUNTS = links.c.kind == Kind.SERVICE_ACCOUNT.value
