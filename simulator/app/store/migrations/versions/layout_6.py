"""The sixth layout: sessions say whether a file brought them. Those of earlier layouts count as begun here."""

from alembic import op
from sqlalchemy import Boolean, Column, false

revision, down_revision = "6", "5"


def upgrade() -> None:
    op.add_column("case_sessions", Column("imported", Boolean, nullable=False, server_default=false()))
