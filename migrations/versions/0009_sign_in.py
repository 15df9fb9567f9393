"""Sessions of admins, recorded, and from where they sign in."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables: sessions from before are in none, so everybody signs in anew.

    Tries are counted by the digest of the name from now on.
    """
    op.create_table(
        "admin_sessions",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("stamp", sa.String(length=16), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_admin_sessions")),
    )
    op.create_index(op.f("ix_admin_sessions_expires_at"), "admin_sessions", ["expires_at"], unique=False)
    op.create_table(
        "sign_in_places",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "address", name=op.f("pk_sign_in_places")),
    )
    op.execute("DELETE FROM sign_in_failures")


def downgrade() -> None:
    """Drop them."""
    op.drop_table("sign_in_places")
    op.drop_table("admin_sessions")
