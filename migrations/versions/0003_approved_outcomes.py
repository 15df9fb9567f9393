"""Who approved the removals of an outcome."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was done until now counts as done without anybody's approval."""
    op.add_column("outcomes", sa.Column("approved_by", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("outcomes", "approved_by")
