"""What alembic runs: the steps, on the connection and inside the transaction that `open_engine` gives."""

from alembic import context

from tellurion_core.identity.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # The database may be one that other programs keep their tables in.
    version_table="jobs_version",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
