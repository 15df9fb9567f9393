"""What is privileged, and what Tecton's lists said of when an object was modified."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both to what is observed: until the next sweep, nothing is privileged."""
    op.add_column("observed", sa.Column("is_privileged", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("observed", sa.Column("modified", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Take both away."""
    op.drop_column("observed", "modified")
    op.drop_column("observed", "is_privileged")
