"""What a pause goes back to, and the newest tick that `run --due` ran."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("control", sa.Column("paused_from", sa.Text(), nullable=True))
    op.add_column("control", sa.Column("ticked_at", sa.DateTime(timezone=True), nullable=True))
