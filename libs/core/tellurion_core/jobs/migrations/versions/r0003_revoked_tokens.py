"""Tokens of identity providers that were revoked."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "revoked_tokens",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("revoked", sa.Double, nullable=False),
    )
