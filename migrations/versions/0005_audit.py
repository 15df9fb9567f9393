"""The audit log. The database itself adds its rows, in the transaction of what they tell of.

By triggers, and not by the code that writes: no path can forget it, and a push costs no statement more.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


class Trigger(NamedTuple):
    """What is noted when a row of a table comes or changes: the values of `_COLUMNS`, as SQL."""

    name: str
    table: str
    when: str  # INSERT, or UPDATE with its columns
    values: tuple[str, str, str, str, str, str, str]
    condition: str = ""


_COLUMNS = "at, who, event, kind, subject, name, detail"
_PUSHED = """CASE WHEN OLD.active AND NOT NEW.active THEN 'deactivated'
 WHEN NEW.active AND NOT OLD.active THEN 'activated'
 WHEN NEW.name <> OLD.name THEN 'renamed from ' || OLD.name WHEN NEW.document = OLD.document THEN 'members changed'
 ELSE 'changed' END"""
_CLIENT = "(SELECT c.name FROM oauth_clients AS c WHERE c.id = NEW.client_id)"
_REVOKED = "NEW.revoked_at IS NOT NULL AND OLD.revoked_at IS NULL"
_TRIGGERS = (
    Trigger(
        "audit_pushed",
        "resources",
        "INSERT",
        (
            "NEW.created_at", "NEW.pushed_by", "'pushed'", "NEW.type", "NEW.id", "NEW.name",
            "CASE WHEN NEW.active THEN 'created' ELSE 'created, not active' END",
        ),
    ),
    Trigger(
        "audit_pushed_again",
        "resources",
        "UPDATE",
        ("NEW.modified_at", "NEW.pushed_by", "'pushed'", "NEW.type", "NEW.id", "NEW.name", _PUSHED),
    ),
    Trigger(
        "audit_outcome",
        "outcomes",
        "INSERT",
        (
            "NEW.at", "COALESCE('bridge, approved by ' || NEW.approved_by, 'bridge')", "NEW.status", "NEW.kind",
            "NEW.principal_id", "NEW.name", "CAST(NEW.changes AS TEXT) || COALESCE(' ' || NEW.error, '')",
        ),
        "NEW.status NOT IN ('intended', 'skipped')",
    ),
    Trigger(
        "audit_key",
        "key_events",
        "INSERT",
        ("NEW.at", "NEW.who", "NEW.event", "'key'", "NEW.tecton_id", "NEW.name", "NEW.detail"),
    ),
    Trigger(
        "audit_approval",
        "runs",
        "INSERT",
        ("NEW.requested_at", "NEW.requested_by", "'approved'", "'plan'", "NEW.approve", "NEW.approve", "''"),
        "NEW.approve IS NOT NULL",
    ),
    Trigger(
        "audit_token",
        "tokens",
        "INSERT",
        ("NEW.created_at", "'command'", "'token created'", "'token'", "NEW.name", "NEW.name", "NEW.scope"),
    ),
    Trigger(
        "audit_token_revoked",
        "tokens",
        "UPDATE OF revoked_at",
        ("NEW.revoked_at", "'command'", "'token revoked'", "'token'", "NEW.name", "NEW.name", "NEW.scope"),
        _REVOKED,
    ),
    Trigger(
        "audit_secret",
        "oauth_secrets",
        "INSERT",
        ("NEW.created_at", "'command'", "'token created'", "'oauth secret'", "NEW.id", _CLIENT, "'scim'"),
    ),
    Trigger(
        "audit_secret_revoked",
        "oauth_secrets",
        "UPDATE OF revoked_at",
        ("NEW.revoked_at", "'command'", "'token revoked'", "'oauth secret'", "NEW.id", _CLIENT, "'scim'"),
        _REVOKED,
    ),
    Trigger(
        "audit_client_revoked",
        "oauth_clients",
        "UPDATE OF revoked_at",
        ("NEW.revoked_at", "'command'", "'token revoked'", "'oauth client'", "NEW.id", "NEW.name", "'scim'"),
        _REVOKED,
    ),
)  # fmt: skip

# Rows come unsealed. Sealing sets position and hash, once; nothing else of a row ever changes, and none goes.
_CHANGED = " OR ".join(
    f"NEW.{name} <> OLD.{name}" for name in ("id", "at", "who", "event", "kind", "subject", "name", "detail")
)
_FORGED = "NEW.position IS NOT NULL OR NEW.hash IS NOT NULL"
_FROZEN = (
    ("audit_unforged", "INSERT", _FORGED),
    ("audit_unchanged", "UPDATE", f"OLD.hash IS NOT NULL OR {_CHANGED}"),
    ("audit_undeleted", "DELETE", ""),
)
# OR REPLACE deletes the row in the way without firing DELETE. An id that was not given reads as -1 here.
_FROZEN_SQLITE = (
    ("audit_unreplaced", "INSERT", "NEW.id > 0 AND EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)"),
    ("audit_unreplaced_place", "UPDATE", "EXISTS (SELECT 1 FROM audit WHERE position = NEW.position)"),
)
_FROZEN_POSTGRESQL = (("audit_untruncated", "TRUNCATE", ""),)
_REFUSAL = "the audit log is only added to"


def upgrade() -> None:
    """Make the table, what fills it, and what guards it."""
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("hash", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    sealed, unsealed = sa.text("position IS NOT NULL"), sa.text("position IS NULL")
    op.create_index(
        op.f("ix_audit_position"), "audit", ["position"], unique=True, postgresql_where=sealed, sqlite_where=sealed
    )
    op.create_index("ix_audit_unsealed", "audit", ["id"], postgresql_where=unsealed, sqlite_where=unsealed)
    for trigger in _TRIGGERS:
        _create(trigger)
    for name, when, condition in _frozen():
        _freeze(name, when, condition)


def downgrade() -> None:
    """Take all of it away."""
    for trigger in _TRIGGERS:
        _drop(trigger.name, trigger.table)
    for name, _, _ in _frozen():
        _drop(name, "audit")
    op.drop_table("audit")


def _frozen() -> tuple[tuple[str, str, str], ...]:
    return _FROZEN + (_FROZEN_SQLITE if _is_sqlite() else _FROZEN_POSTGRESQL)


def _create(trigger: Trigger) -> None:
    note = f"INSERT INTO audit ({_COLUMNS}) VALUES ({', '.join(trigger.values)})"  # noqa: S608 - words of ours only
    _on(trigger.name, f"AFTER {trigger.when} ON {trigger.table}", trigger.condition, note, returns="NULL")


def _freeze(name: str, when: str, condition: str) -> None:
    refuse = f"SELECT RAISE(ABORT, '{_REFUSAL}')" if _is_sqlite() else f"RAISE EXCEPTION '{_REFUSAL}'"
    _on(name, f"BEFORE {when} ON audit", condition, refuse, returns="NEW")


def _on(name: str, event: str, condition: str, statement: str, *, returns: str) -> None:
    """Make a trigger. SQLite writes the statement in it, PostgreSQL in a function of its own."""
    when = f"WHEN ({condition})" if condition else ""
    if _is_sqlite():
        op.execute(sa.text(_literal(f"CREATE TRIGGER {name} {event} FOR EACH ROW {when} BEGIN {statement}; END")))
        return
    body = f"BEGIN {statement}; RETURN {returns}; END"
    op.execute(sa.text(_literal(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")))
    each = "STATEMENT" if "TRUNCATE" in event else "ROW"
    op.execute(sa.text(_literal(f"CREATE TRIGGER {name} {event} FOR EACH {each} {when} EXECUTE FUNCTION {name}()")))


def _literal(sql: str) -> str:
    return sql.replace(":", r"\:")


def _drop(name: str, table: str) -> None:
    if _is_sqlite():
        op.execute(sa.text(f"DROP TRIGGER {name}"))
        return
    op.execute(sa.text(f"DROP TRIGGER {name} ON {table}"))
    op.execute(sa.text(f"DROP FUNCTION {name}()"))


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
