"""Who pushed first, since when a client writes, and what deleted people had."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables; whoever pushed a resource last counts as the first, and as known since then."""
    op.add_column("resources", sa.Column("first_pushed_by", sa.Text(), nullable=True))
    op.execute("UPDATE resources SET first_pushed_by = pushed_by")
    op.create_table(
        "clients",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_wrote_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_clients")),
    )
    op.execute(
        "INSERT INTO clients (name, first_wrote_at)"
        " SELECT pushed_by, min(modified_at) FROM resources GROUP BY pushed_by"
    )
    _create_departures()
    _create_returns()


def _create_departures() -> None:
    op.create_table(
        "departures",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("group_ids", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("pushed_by", sa.Text(), nullable=False),
        sa.Column("first_pushed_by", sa.Text(), nullable=True),
        sa.Column("deleted_at", TIME, nullable=False),
        sa.Column("returned_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departures")),
    )
    op.create_index(op.f("ix_departures_deleted_at"), "departures", ["deleted_at"], unique=False)
    op.create_index("ix_departures_type_name_key", "departures", ["type", "name_key"], unique=False)
    op.create_index("ix_departures_type_external_id", "departures", ["type", "external_id"], unique=False)


def _create_returns() -> None:
    op.create_table(
        "returned_members",
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.String(length=64), nullable=False),
        sa.Column("until", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"], ["resources.id"], name=op.f("fk_returned_members_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["resources.id"], name=op.f("fk_returned_members_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "member_id", name=op.f("pk_returned_members")),
    )
    op.create_index("ix_returned_members_member_id", "returned_members", ["member_id"], unique=False)
    op.create_table(
        "returned_roles",
        sa.Column("resource_id", sa.String(length=64), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("until", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_returned_roles_resource_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resource_id", name=op.f("pk_returned_roles")),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("returned_roles", "returned_members", "departures", "clients"):
        op.drop_table(table)
    op.drop_column("resources", "first_pushed_by")
