"""A column that this version does not know, on the table that all work is in."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds it, with a value for the rows that are there."""
    op.add_column("jobs", sa.Column("drill", sa.Text, nullable=False, server_default="before"))
