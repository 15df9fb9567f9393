"""The service accounts whose keys are looked after: those that are linked, and in Tecton."""

from __future__ import annotations

from sqlalchemy import Connection, select

from app.core.identity import Kind
from app.credentials.ports import Account
from app.store.tables import links, observed


def list_accounts(connection: Connection) -> list[Account]:
    """Return the service accounts that are linked and in Tecton, as last seen."""
    is_same = (observed.c.kind == links.c.kind) & (observed.c.tecton_id == links.c.tecton_id)
    columns = (links.c.tecton_id, observed.c.record, links.c.linked_at)
    listed = select(*columns).join(observed, is_same).where(links.c.kind == Kind.SERVICE_ACCOUNT.value)
    return [
        Account(tecton_id, record["name"], record["active"] is not False, linked_at)
        for tecton_id, record, linked_at in connection.execute(listed)
    ]
