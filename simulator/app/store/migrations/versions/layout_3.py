"""The third layout holds equal values in SQLite and PostgreSQL: text of any length, numbers of 64 bits, JSON as text."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Integer, String, Table, Text

from simulator.app.store.migrations.versions.layout_1 import ATTEMPTS
from simulator.app.store.migrations.versions.layout_2 import ACTIONS, INCIDENTS

revision, down_revision = "3", "2"


def upgrade() -> None:
    for table in (ATTEMPTS, INCIDENTS, ACTIONS):
        with op.batch_alter_table(table.name, copy_from=table) as batch:
            for column in table.columns:
                wider = _wider(table, column)
                if wider is not None:
                    text = f'"{column.name}"::text' if isinstance(column.type, JSON) else None
                    batch.alter_column(column.name, existing_type=column.type, type_=wider, postgresql_using=text)


def _wider(table: Table, column: Column[object]) -> Text | BigInteger | None:
    """Return the new type of a column; None for one that stays. A key that SQLite counts up must stay an Integer."""
    if isinstance(column.type, JSON | String):
        return Text()
    if isinstance(column.type, Integer) and column.name != "id":
        return BigInteger()
    return None
