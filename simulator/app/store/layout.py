"""The layout of the tables: its number is in the database, and older layouts are brought to the newest on first use.

Alembic and its migrations are imported for a database that is new or older, and for no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from sqlalchemy import Connection, Engine, inspect, text

from simulator.app.store.faults import LayoutError

#: Every layout that a migration makes, the oldest first.
LAYOUTS = ("1", "2", "3", "4", "5", "6")

#: The table that holds the number of the layout. Alembic's usual name could be taken by another program's tables.
VERSIONS = "casesim_layout"

#: The most time (s) for a migration, including that of another process that has come first.
MIGRATION_S = 60

#: The lock of a migration in PostgreSQL: any number that no other program takes.
_LOCK = 0x63617365_73696D

#: Alembic's environment is global in a process.
_ALEMBIC = Lock()


def bring_up_to_date(engine: Engine) -> None:
    """Make the tables or change them to the newest layout; raises LayoutError for tables that CaseSim cannot use.

    All is done in one transaction, and one process at a time does it.
    """
    with engine.connect() as connection:
        if _layout(connection) == LAYOUTS[-1]:
            return
    with engine.begin() as connection, _alone(connection):
        if _layout(connection) != LAYOUTS[-1]:
            _migrate(connection)


def _layout(connection: Connection) -> str | None:
    """Return the layout of a database; None for one without a number. Raises LayoutError for an unknown one."""
    if not inspect(connection).has_table(VERSIONS):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSIONS}")).scalar()  # noqa: S608
    if found is not None and found not in LAYOUTS:
        raise LayoutError(f"a newer CaseSim has written it (layout {found}; this one reads up to {LAYOUTS[-1]})")
    return found


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Wait until no other process migrates; the lock ends with the transaction."""
    if connection.dialect.name == "sqlite":
        usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {MIGRATION_S * 1000}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {usual}")
    else:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{MIGRATION_S}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        yield


def _migrate(connection: Connection) -> None:
    from alembic.command import upgrade
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "simulator.app.store:migrations")
    with _ALEMBIC:
        upgrade(config, "head")
