"""Jobs, and the turns of tenants."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes both tables."""
    op.create_table(
        "jobs",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("tenant", sa.String(63), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("fraction", sa.Double, nullable=False),
        sa.Column("message", sa.String(200), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("result", sa.LargeBinary, nullable=False),
        sa.Column("error", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("started", sa.Double),
        sa.Column("finished", sa.Double),
        sa.Column("ready", sa.Double, nullable=False),
        sa.Column("cancelling", sa.Boolean, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.String(200)),
        sa.Column("lease_until", sa.Double),
        sa.UniqueConstraint("service", "tenant", "request_id", name="jobs_request"),
        sqlite_autoincrement=True,
    )
    queued, running = sa.text("state = 'QUEUED'"), sa.text("state = 'RUNNING'")
    first = [sa.text(column) for column in ("tenant", "kind", "priority DESC", "number")]
    op.create_index("jobs_queued", "jobs", first, sqlite_where=queued, postgresql_where=queued)
    op.create_index("jobs_running", "jobs", ["tenant", "lease_until"], sqlite_where=running, postgresql_where=running)
    op.create_index("jobs_listed", "jobs", ["service", "tenant", "number"])
    op.create_index("jobs_finished", "jobs", ["finished"])
    op.create_table(
        "job_turns",
        sa.Column("tenant", sa.String(63), primary_key=True),
        sa.Column("served", sa.Double, nullable=False),
    )
