"""The second layout adds incidents and their actions."""

from sqlalchemy import JSON, Boolean, Column, Float, Integer, MetaData, String, Table

from simulator.app.store.migrations.unnumbered import make_missing

revision, down_revision = "2", "1"

INCIDENTS = Table(
    "incidents",
    MetaData(),
    Column("id", String(32), primary_key=True),
    Column("case", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("scenario_hash", String(12), nullable=False),
    Column("secret", JSON, nullable=False),
    Column("revealed", Boolean, nullable=False),
    Column("at", Float, nullable=False),
)
ACTIONS = Table(
    "incident_actions",
    MetaData(),
    Column("incident", String(32), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("action", JSON, nullable=False),
)


def upgrade() -> None:
    make_missing(INCIDENTS)
    make_missing(ACTIONS)
