"""How many service accounts an outcome took away: they have a limit of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count; what was done before counts as none, since no limit looked at it."""
    op.add_column("outcomes", sa.Column("removed_service_accounts", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("outcomes", "removed_service_accounts")
