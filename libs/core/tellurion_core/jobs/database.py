"""The database of jobs: SQLite in a file, shared by the processes of one machine, or PostgreSQL."""

from __future__ import annotations

import fcntl
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import (
    URL,
    Connection,
    Double,
    Engine,
    Executable,
    FunctionElement,
    Table,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles

from tellurion_core.errors import InvalidInput, Unavailable

BUSY_SECONDS = 30
"""How long a process waits for its turn to write a SQLite file."""
_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 5,
    "application_name": "tellurion-jobs",
    # A host that is gone is noticed well within a lease, and a client that is gone keeps no lock.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": "-c lock_timeout=10s -c statement_timeout=60s -c idle_in_transaction_session_timeout=10s",
}
_MIGRATION_LOCK, _CLAIM_LOCK = 7_311_958_001, 7_311_958_002
"""Keys of PostgreSQL's advisory locks; SQLite has one writer at a time."""


class now(FunctionElement[float]):  # noqa: N801 -- a function of SQL
    """The database's clock, seconds since 1970."""

    type = Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite_now(element: now, compiler: Any, **options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql_now(element: now, compiler: Any, **options: Any) -> str:
    # When the statement began: within one it is constant, so that an index can be used with it.
    return "CAST(EXTRACT(EPOCH FROM statement_timestamp()) AS double precision)"


def open_engine(url: str) -> Engine:
    """Opens the database and brings its tables up to date; several processes may do so at once.

    Raises:
        InvalidInput: no such database can be used, or a newer version of this software has changed its tables.
        Unavailable: it cannot be reached.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    # Parameters are what tenants said, and no errors of ours are to repeat it.
    engine = create_engine(parsed, connect_args=_POSTGRESQL, pool_pre_ping=True, hide_parameters=True)
    with writing(engine) as connection:
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        _migrate(connection)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads.

    Raises:
        Unavailable: the database cannot be reached, or is too busy to answer.
    """
    with _reached(), engine.connect().execution_options(tellurion_reads=True) as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction; committed where the block ends without an error.

    Raises:
        Unavailable: the database cannot be reached, or is too busy to answer; it may or may not have committed.
    """
    with _reached(), engine.begin() as connection:
        yield connection


def one_claim_at_a_time(connection: Connection) -> None:
    """Makes this transaction the only one that claims, so that each sees whom the others served."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_CLAIM_LOCK)))


def insert_or(connection: Connection, table: Table, values: dict[str, Any], *, key: str, otherwise: str | None) -> Any:
    """An INSERT; where a row has the same `key` (columns, separated by spaces), that one's `otherwise` is set instead.

    Nothing is done to the other row where `otherwise` is None.
    """
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[connection.dialect.name]
    statement = insert(table).values(values)
    columns = key.split()
    if otherwise is None:
        return statement.on_conflict_do_nothing(index_elements=columns)
    return statement.on_conflict_do_update(index_elements=columns, set_={otherwise: values[otherwise]})


def first_unlocked(query: Any) -> Executable:
    """The first row of a query that no other transaction holds, held by this one from now on."""
    limited: Executable = query.limit(1).with_for_update(skip_locked=True)  # SQLite has one writer, and no such clause
    return limited


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is not None and parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed is not None and parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    received = "something else" if parsed is None else parsed.render_as_string(hide_password=True)
    accepted = "sqlite:////path of a file, or postgresql://user@host/database"
    raise InvalidInput.of("TELLURION_JOBS_DATABASE", received=received, accepted=accepted)


def _open_sqlite(url: URL) -> Engine:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("a")
    except OSError as error:
        accepted = "a file in a folder that can be written"
        raise InvalidInput.of(
            "TELLURION_JOBS_DATABASE", received=f"{path}: {error.strerror}", accepted=accepted
        ) from None
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    with lock:
        # SQLite does not wait for others while it changes the journal's mode.
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _reached(), engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.rollback()
            driver.execute("PRAGMA journal_mode = WAL")
        with writing(engine) as connection:
            _migrate(connection)
    # Whoever closes it last takes its log into the file, which then is all that there is to copy.
    weakref.finalize(engine, engine.pool.dispose)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # Python's module would begin transactions by itself, as late as it can.
    connection.isolation_level = None
    # What was submitted stays, even where the power fails.
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    # Whoever means to write says so at once: two that have read first could not both go on.
    reads = connection.get_execution_options().get("tellurion_reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "tellurion_core.jobs:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        accepted = "tables that this version or an earlier one made"
        raise InvalidInput.of("TELLURION_JOBS_DATABASE", received=str(error), accepted=accepted) from None


@contextmanager
def _reached() -> Iterator[None]:
    """Says that the database is unavailable where it did not do its part; faults of ours stay what they are."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("the database of jobs is too busy; try again later") from error
    except DBAPIError as error:
        if not error.connection_invalidated and not isinstance(error, (OperationalError, InterfaceError)):
            raise
        raise Unavailable("the database of jobs cannot be reached now; try again later") from error
