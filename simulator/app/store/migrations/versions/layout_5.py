"""The fifth layout: links to rooms."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, MetaData, Table, Text, inspect

from simulator.app.store.faults import LayoutError

revision, down_revision = "5", "4"

LINKS = Table(
    "room_links",
    MetaData(),
    Column("digest", Text, primary_key=True),
    Column("room", Text, nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("made_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("revoked", BigInteger, nullable=False),
)


def upgrade() -> None:
    if inspect(op.get_bind()).has_table(LINKS.name):
        raise LayoutError(f"it has a table “{LINKS.name}” of another program")
    LINKS.create(op.get_bind())
