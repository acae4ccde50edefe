"""Tables of a CaseSim without migrations: it numbered no layout, and made each table when that table was first used."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Table, inspect

from simulator.app.store.faults import LayoutError


def make_missing(table: Table) -> None:
    """Make a table unless the database has it; raises LayoutError for a table of another program with this name."""
    connection = op.get_bind()
    if not inspect(connection).has_table(table.name):
        table.create(connection)
        return
    columns = {column["name"] for column in inspect(connection).get_columns(table.name)}
    if columns != set(table.columns.keys()):
        raise LayoutError(f"it has a table “{table.name}” of another program or of an unknown CaseSim")
