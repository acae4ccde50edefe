"""The first layout: attempts."""

from sqlalchemy import JSON, Boolean, Column, Float, Integer, MetaData, String, Table, UniqueConstraint

from simulator.app.store.migrations.unnumbered import make_missing

revision, down_revision = "1", None

ATTEMPTS = Table(
    "attempts",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("trail", String(64), nullable=False),
    Column("case", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("scenario_hash", String(12), nullable=False),
    Column("job", String(12), nullable=False),
    Column("picks", JSON, nullable=False),
    Column("strikes", JSON, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("replications", Integer, nullable=False),
    Column("run_hash", String(12), nullable=False),
    Column("reached", JSON, nullable=False),
    Column("starred", Boolean, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("trail", "case", "job"),
)


def upgrade() -> None:
    make_missing(ATTEMPTS)
