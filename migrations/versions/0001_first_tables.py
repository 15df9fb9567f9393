"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "admins",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_admins")),
    )
    op.create_table(
        "automatic_grants",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("tecton_id", sa.String(length=128), nullable=False),
        sa.Column("target", sa.String(length=300), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("kind", "tecton_id", "target", name=op.f("pk_automatic_grants")),
    )
    op.create_table(
        "dirty",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(length=300), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("dirty_since", TIME, nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_dirty")),
    )
    op.create_index(op.f("ix_dirty_next_at"), "dirty", ["next_at"], unique=False)
    op.create_table(
        "drift",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("principal_id", sa.String(length=300), nullable=False),
        sa.Column("item", DOCUMENT, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_drift")),
    )
    op.create_index("ix_drift_kind_principal_id", "drift", ["kind", "principal_id"], unique=False)
    op.create_table(
        "facts",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", DOCUMENT, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_facts")),
    )
    op.create_table(
        "known_targets",
        sa.Column("target", sa.String(length=300), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("target", name=op.f("pk_known_targets")),
    )
    op.create_table(
        "last_applied",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("principal_id", sa.String(length=300), nullable=False),
        sa.Column("state", DOCUMENT, nullable=False),
        sa.Column("applied_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("kind", "principal_id", name=op.f("pk_last_applied")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "links",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("principal_id", sa.String(length=300), nullable=False),
        sa.Column("tecton_id", sa.String(length=128), nullable=False),
        sa.Column("linked_at", TIME, nullable=False),
        sa.Column("adopted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "principal_id", name=op.f("pk_links")),
        sa.UniqueConstraint("kind", "tecton_id", name=op.f("uq_links_kind_tecton_id")),
    )
    op.create_table(
        "observed",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("tecton_id", sa.String(length=300), nullable=False),
        sa.Column("record", DOCUMENT, nullable=False),
        sa.Column("verified_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("kind", "tecton_id", name=op.f("pk_observed")),
    )
    op.create_table(
        "resources",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("compared", DOCUMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("modified_at", TIME, nullable=False),
        sa.Column("deactivated_at", TIME, nullable=True),
        sa.Column("pushed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resources")),
        sa.UniqueConstraint("type", "name_key", name=op.f("uq_resources_type_name_key")),
    )
    op.create_index("ix_resources_type_created_at_id", "resources", ["type", "created_at", "id"], unique=False)
    op.create_index("ix_resources_type_external_id", "resources", ["type", "external_id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("approve", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=True),
        sa.Column("summary", DOCUMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_requested_at"), "runs", ["requested_at"], unique=False)
    op.create_index(op.f("ix_runs_status"), "runs", ["status"], unique=False)
    op.create_table(
        "sealed_keys",
        sa.Column("tecton_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("secret_id", sa.String(length=128), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("destination", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", TIME, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("handed_at", TIME, nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("is_kept", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tecton_id", name=op.f("pk_sealed_keys")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", "address", name=op.f("pk_sign_in_failures")),
    )
    op.create_index(op.f("ix_sign_in_failures_last_at"), "sign_in_failures", ["last_at"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tokens")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_tokens_secret_hash")),
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.String(length=64), nullable=False),
        sa.Column("member_type", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["resources.id"], name=op.f("fk_group_members_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["resources.id"], name=op.f("fk_group_members_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "member_id", name=op.f("pk_group_members")),
    )
    op.create_index("ix_group_members_member_id", "group_members", ["member_id"], unique=False)
    op.create_table(
        "outcomes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("principal_id", sa.String(length=300), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("changes", DOCUMENT, nullable=False),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.Column("removal", sa.Boolean(), nullable=False),
        sa.Column("removed_users", sa.Integer(), nullable=False),
        sa.Column("removed_members", sa.Integer(), nullable=False),
        sa.Column("removed_roles", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_outcomes_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
    )
    op.create_index(op.f("ix_outcomes_at"), "outcomes", ["at"], unique=False)
    op.create_index("ix_outcomes_kind_principal_id_at", "outcomes", ["kind", "principal_id", "at"], unique=False)
    op.create_index(op.f("ix_outcomes_run_id"), "outcomes", ["run_id"], unique=False)
    op.create_table(
        "plans",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("changes", DOCUMENT, nullable=False),
        sa.Column("objections", DOCUMENT, nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_plans_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_plans")),
    )
    op.create_index(op.f("ix_plans_run_id"), "plans", ["run_id"], unique=False)

    op.create_table(
        "rotations",
        sa.Column("tecton_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("known", DOCUMENT, nullable=False),
        sa.Column("intended_at", TIME, nullable=True),
        sa.Column("new_id", sa.String(length=128), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", TIME, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tecton_id", name=op.f("pk_rotations")),
    )
    op.create_table(
        "key_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("tecton_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_events")),
    )
    op.create_index("ix_key_events_name_at", "key_events", ["name", "at"], unique=False)
    op.create_table(
        "inactive_accounts",
        sa.Column("tecton_id", sa.String(length=128), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("tecton_id", name=op.f("pk_inactive_accounts")),
    )
    op.create_table(
        "probe_results",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("service_account", sa.Text(), nullable=False),
        sa.Column("probe", DOCUMENT, nullable=False),
        sa.Column("expected", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("is_as_expected", sa.Boolean(), nullable=True),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("checked_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_probe_results")),
    )


def downgrade() -> None:
    """Drop every table."""
    op.drop_table("probe_results")
    op.drop_table("inactive_accounts")
    op.drop_table("key_events")
    op.drop_table("rotations")
    op.drop_table("plans")
    op.drop_table("outcomes")
    op.drop_table("group_members")
    op.drop_table("tokens")
    op.drop_table("sign_in_failures")
    op.drop_table("sealed_keys")
    op.drop_table("runs")
    op.drop_table("resources")
    op.drop_table("observed")
    op.drop_table("links")
    op.drop_table("leases")
    op.drop_table("last_applied")
    op.drop_table("known_targets")
    op.drop_table("facts")
    op.drop_table("drift")
    op.drop_table("dirty")
    op.drop_table("automatic_grants")
    op.drop_table("admins")
