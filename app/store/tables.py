"""Every table. The migrations make exactly these; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on both databases (SQLite keeps no offset)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without an offset: it would silently mean something else."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was about to be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored time with UTC as its offset."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(TypeDecorator[Any]):
    """JSON kept as the text that is sent: serving it costs no parsing. Filters never look into it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return the value as compact JSON."""
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return what the JSON says."""
        return None if value is None else orjson.loads(value)


Document = JSON().with_variant(JSONB(), "postgresql")

# ---------------------------------------------------------------- directory: what the IdP pushed

resources = Table(
    "resources",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("type", String(32), nullable=False),  # User, Group, ServiceAccount
    Column("name", Text, nullable=False),  # userName, displayName, name: as pushed
    Column("name_key", Text, nullable=False),  # the same, case-folded: what uniqueness and lookups use
    Column("external_id", Text),
    Column("active", Boolean, nullable=False),
    Column("document", JsonText, nullable=False),  # as sent: no meta, members, groups
    Column("compared", Document, nullable=False),  # in comparison form: what filters read
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    Column("deactivated_at", UtcDateTime),  # when active last went false; null while active
    Column("pushed_by", Text, nullable=False),  # the name of the token of the last change
    Column("first_pushed_by", Text),  # and of the first
    UniqueConstraint("type", "name_key"),
    Index("ix_resources_type_external_id", "type", "external_id"),
    Index("ix_resources_type_created_at_id", "type", "created_at", "id"),
)

group_members = Table(
    "group_members",
    metadata,
    Column("group_id", ForeignKey("resources.id", ondelete="CASCADE"), primary_key=True),
    Column("member_id", ForeignKey("resources.id", ondelete="CASCADE"), primary_key=True),
    Column("member_type", String(32), nullable=False),  # so that listing members reads no other table
    Index("ix_group_members_member_id", "member_id"),
)

clients = Table(
    "clients",
    metadata,
    # Since when a client, by the name of its token, is seen writing: the guards mistrust a new one.
    Column("name", Text, primary_key=True),
    Column("first_wrote_at", UtcDateTime, nullable=False),
)

departures = Table(
    "departures",
    metadata,
    # Who was deleted, and what they had: a return gives it back. No more of the person is kept than that.
    Column("id", String(64), primary_key=True),  # of the resource that was deleted
    Column("type", String(32), nullable=False),
    Column("name_key", Text, nullable=False),
    Column("external_id", Text),
    Column("group_ids", JsonText, nullable=False),  # of the groups it was in
    Column("roles", JsonText, nullable=False),  # its own `roles` and `entitlements`, as pushed
    Column("pushed_by", Text, nullable=False),  # who deleted it
    Column("first_pushed_by", Text),
    Column("deleted_at", UtcDateTime, nullable=False, index=True),
    Column("returned_at", UtcDateTime),
    Index("ix_departures_type_name_key", "type", "name_key"),
    Index("ix_departures_type_external_id", "type", "external_id"),
)

returned_members = Table(
    "returned_members",
    metadata,
    # Memberships that a return gave back, beside those that are pushed: until the provider pushes its own.
    Column("group_id", ForeignKey("resources.id", ondelete="CASCADE"), primary_key=True),
    Column("member_id", ForeignKey("resources.id", ondelete="CASCADE"), primary_key=True),
    Column("until", UtcDateTime),  # null: for good
    Index("ix_returned_members_member_id", "member_id"),
)

returned_roles = Table(
    "returned_roles",
    metadata,
    # The same for the roles that were pushed with a person.
    Column("resource_id", ForeignKey("resources.id", ondelete="CASCADE"), primary_key=True),
    Column("roles", JsonText, nullable=False),
    Column("until", UtcDateTime),
)

dirty = Table(
    "dirty",
    metadata,
    # One row per principal: who has to be looked at, never what happened.
    Column("kind", String(16), primary_key=True),  # user, group, service_account
    Column("id", String(300), primary_key=True),  # the resource id; it may be deleted by now
    Column("generation", BigInteger, nullable=False),  # moves with every push: a drain ends only what it saw
    Column("dirty_since", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("secret_hash", String(64), nullable=False, unique=True),  # SHA-256 of 256 random bits
    Column("scope", String(16), nullable=False),  # scim, admin
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)

oauth_clients = Table(
    "oauth_clients",
    metadata,
    Column("id", String(64), primary_key=True),  # the client_id that an IdP is given
    Column("name", String(128), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)

oauth_secrets = Table(
    "oauth_secrets",
    metadata,
    # Several of a client at a time: one is replaced while the other still works.
    Column("id", String(16), primary_key=True),  # to name it by; it tells nothing of the secret
    Column("client_id", ForeignKey("oauth_clients.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)

oauth_tokens = Table(
    "oauth_tokens",
    metadata,
    # Access tokens; revoking a secret or its client ends them.
    Column("token_hash", String(64), primary_key=True),
    Column("secret_id", ForeignKey("oauth_secrets.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("revoked_at", UtcDateTime),
)

# ---------------------------------------------------------------- Tecton, as seen and as made

links = Table(
    "links",
    metadata,
    # Correlation: which Tecton object is which principal of ours. A rename follows it.
    Column("kind", String(16), primary_key=True),
    Column("principal_id", String(300), primary_key=True),
    Column("tecton_id", String(128), nullable=False),
    Column("linked_at", UtcDateTime, nullable=False),
    Column("adopted", Boolean, nullable=False),  # found in Tecton, not created by the bridge
    UniqueConstraint("kind", "tecton_id"),
)

observed = Table(
    "observed",
    metadata,
    # One row per Tecton object, as last read; scopes hold their grants.
    Column("kind", String(16), primary_key=True),  # user, group, service_account, secret_scope
    Column("tecton_id", String(300), primary_key=True),
    Column("record", Document, nullable=False),
    Column("verified_at", UtcDateTime, nullable=False),
    # By the last sweep: who holds it can give access to others. The store's own default, kept by every upsert.
    Column("is_privileged", Boolean, nullable=False, server_default=false()),
    Column("modified", String(64)),  # what Tecton's list said, when the object was last read
)

last_applied = Table(
    "last_applied",
    metadata,
    # What the bridge last made true (or found true and wanted), per principal.
    Column("kind", String(16), primary_key=True),
    Column("principal_id", String(300), primary_key=True),
    Column("state", Document, nullable=False),
    Column("applied_at", UtcDateTime, nullable=False),
)

automatic_grants = Table(
    "automatic_grants",
    metadata,
    # Owner and manager roles that came with a new workspace or scope: its creator's, never removed.
    Column("kind", String(16), primary_key=True),
    Column("tecton_id", String(128), primary_key=True),
    Column("target", String(300), primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False),
)

known_targets = Table(
    "known_targets",
    metadata,
    Column("target", String(300), primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False),
)

drift = Table(
    "drift",
    metadata,
    Column("key", String(64), primary_key=True),  # digest of class, principal and difference
    Column("kind", String(16), nullable=False),
    Column("principal_id", String(300), nullable=False),
    Column("item", Document, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Index("ix_drift_kind_principal_id", "kind", "principal_id"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("purpose", String(16), nullable=False),  # sweep, drain, plan, apply, drift
    Column("requested_by", Text, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False, index=True),
    Column("approve", String(64)),  # the fingerprint that a person approves
    Column("status", String(16), nullable=False, index=True),  # requested, running, done, failed
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("fence", BigInteger),  # the fencing number of the leader that ran it
    Column("summary", Document),
    Column("error", Text),
)

plans = Table(
    "plans",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("made_at", UtcDateTime, nullable=False),
    Column("status", String(16), nullable=False),  # planned, held, applied, superseded
    Column("changes", Document, nullable=False),
    Column("objections", Document, nullable=False),
    Column("approved_by", Text),
)

held_removals = Table(
    "held_removals",
    metadata,
    # What guards hold until a person approves it, or the provider does not want it any more: not until time passes.
    Column("key", String(64), primary_key=True),  # digest of the item
    Column("item", Document, nullable=False),  # whose what: a principal, and a member, a grant, or nothing
    Column("guard", String(32), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("principal_id", String(300), nullable=False),
    Column("name", Text, nullable=False),
    Column("changes", Document, nullable=False),  # one sentence each
    Column("details", Document, nullable=False),  # the same changes as values
    Column("removal", Boolean, nullable=False),  # somebody can do less than before
    # What counts in the guards' window: not what a person approved.
    Column("removed_users", Integer, nullable=False),
    Column("removed_service_accounts", Integer, nullable=False, server_default="0"),
    Column("removed_members", Integer, nullable=False),
    Column("removed_roles", Integer, nullable=False),
    Column("status", String(16), nullable=False),  # intended, applied, failed, not_effective, skipped
    Column("error", Text),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("approved_by", Text),  # who approved removals among the changes; null: nobody had to
    Index("ix_outcomes_kind_principal_id_at", "kind", "principal_id", "at"),
)

sealed_keys = Table(
    "sealed_keys",
    metadata,
    # The newest one-time key of each service account, encrypted before anything else happens.
    Column("tecton_id", String(128), primary_key=True),
    Column("name", Text, nullable=False),
    Column("sealed", Text),  # null once it was handed over, unless a copy is kept for probes
    Column("created_at", UtcDateTime, nullable=False),
    Column("kind", String(16), nullable=False),  # api_key, client_secret
    Column("secret_id", String(128)),  # Tecton's id of a client secret
    Column("state", String(16), nullable=False),  # new, due, waiting, delivered, claimed
    Column("destination", Text),  # where it goes, or went, in words
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime),
    Column("last_error", Text),
    Column("handed_at", UtcDateTime),  # when it was delivered or claimed
    Column("claimed_by", Text),
    Column("is_kept", Boolean, nullable=False),  # a sealed copy stays, for probes
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    # Small facts of the installation, by name: the last full sweep, the policy in force.
    Column("name", String(64), primary_key=True),
    Column("value", Document, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

admins = Table(
    "admins",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

admin_sessions = Table(
    "admin_sessions",
    metadata,
    # Who is signed in; to sign out deletes the row.
    Column("secret_hash", String(64), primary_key=True),  # SHA-256 of the 256 random bits in the cookie
    Column("name", String(128), nullable=False),
    Column("stamp", String(16), nullable=False),  # of the password at that time: a session ends with it
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    # Tries that have not succeeded, per name and address, and per each alone; every process counts in the same rows.
    Column("name", String(128), primary_key=True),  # its SHA-256, or * for all names
    Column("address", String(64), primary_key=True),  # of IPv6 the network, or * for all addresses
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False, index=True),
)

sign_in_places = Table(
    "sign_in_places",
    metadata,
    # From where admins signed in: many tries from elsewhere do not keep them out there.
    Column("name", String(128), primary_key=True),
    Column("address", String(64), primary_key=True),
    Column("last_at", UtcDateTime, nullable=False),
)

# ---------------------------------------------------------------- credentials and probes

rotations = Table(
    "rotations",
    metadata,
    # The newest rotation of each OAuth account's client secret, step by step, so that a crash loses no step.
    Column("tecton_id", String(128), primary_key=True),
    Column("name", Text, nullable=False),
    Column("step", String(16), nullable=False),  # create, deliver, settle, retire, done
    Column("requested_by", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("since", UtcDateTime, nullable=False),  # when the step began
    Column("known", Document, nullable=False),  # ids of the secrets that were there before the new one
    Column("intended_at", UtcDateTime),  # when the new one was last asked for
    Column("new_id", String(128)),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime),
    Column("last_error", Text),
)

key_events = Table(
    "key_events",
    metadata,
    # What happened to keys and secrets, and by whom; rows are only added.
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("tecton_id", String(128), nullable=False),
    Column("name", Text, nullable=False),
    Column("event", String(32), nullable=False),
    Column("who", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_key_events_name_at", "name", "at"),
)

inactive_accounts = Table(
    "inactive_accounts",
    metadata,
    # Since when a service account in Tecton is seen deactivated: its grace before it is deleted.
    Column("tecton_id", String(128), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
)

probe_results = Table(
    "probe_results",
    metadata,
    # What each access probe found last.
    Column("name", String(200), primary_key=True),
    Column("service_account", Text, nullable=False),
    Column("probe", Document, nullable=False),  # as the policy wrote it: one of an account that left goes on
    Column("expected", String(16), nullable=False),  # can, cannot, revoked
    Column("answer", String(16), nullable=False),  # allowed, denied, key_refused, unclear, not_tried
    Column("is_as_expected", Boolean),  # null: it could not be found out
    Column("sentence", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),  # since when it is found so
    Column("checked_at", UtcDateTime, nullable=False),
)

# ---------------------------------------------------------------- audit

audit = Table(
    "audit",
    metadata,
    # What an auditor asks for. Triggers add most rows, in the transaction of what they tell of (migration 0005),
    # and refuse every change but the sealing. The leader seals rows afterwards, in one chain of hashes.
    # A migration that has SQLite copy a table (batch_alter_table) must make that table's trigger again.
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),  # its id
    Column("name", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("position", BigInteger),  # in the chain, from 1; null until it is sealed
    Column("hash", String(64)),  # of the row, and of the hash before it
    Index("ix_audit_position", "position", unique=True, postgresql_where=text("position IS NOT NULL"),
          sqlite_where=text("position IS NOT NULL")),
    Index("ix_audit_unsealed", "id", postgresql_where=text("position IS NULL"), sqlite_where=text("position IS NULL")),
    sqlite_autoincrement=True,
)  # fmt: skip
