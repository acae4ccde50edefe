"""The fourth layout: one log of sessions and their events. Incidents become sessions, and their actions become events.

The earlier layout kept no time of an action, and none of a reveal: the begin of the incident stands for both. Actions
without an incident, which no page could show, are left out.
"""

import sqlalchemy as sa
from alembic import op

from simulator.app.store.faults import LayoutError

revision, down_revision = "4", "3"

SESSIONS = sa.Table(
    "case_sessions",
    sa.MetaData(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("case", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("scenario_hash", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False, index=True),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("minutes", sa.BigInteger, nullable=False),
    sa.Column("nudges", sa.Boolean, nullable=False),
    sa.Column("begun_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("secret", sa.Text),
)
EVENTS = sa.Table(
    "session_events",
    sa.MetaData(),
    sa.Column("session", sa.Text, primary_key=True),
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
)
_INCIDENTS = sa.table("incidents", *map(sa.column, ("id", "case", "version", "scenario_hash", "secret", "revealed", "at")))
_ACTIONS = sa.table("incident_actions", *map(sa.column, ("incident", "place", "action")))


def upgrade() -> None:
    for new in (SESSIONS, EVENTS):
        if sa.inspect(op.get_bind()).has_table(new.name):
            raise LayoutError(f"it has a table “{new.name}” of another program")
        new.create(op.get_bind())
    _carry_incidents()
    _carry_actions()
    op.drop_table("incident_actions")
    op.drop_table("incidents")


def _carry_incidents() -> None:
    old = _INCIDENTS.c
    count = sa.select(sa.func.count()).where(_ACTIONS.c.incident == old.id).scalar_subquery()
    carried = {
        "id": old.id,
        "purpose": sa.literal("incident"),
        "case": old.case,
        "version": old.version,
        "scenario_hash": old.scenario_hash,
        "owner": sa.literal(""),
        "seed": sa.literal(0),
        "minutes": sa.literal(0),
        "nudges": sa.literal(False),
        "begun_at": old.at,
        "ended_at": sa.case((old.revealed, old.at)),
        "length": count,
        "secret": old.secret,
    }
    op.execute(sa.insert(SESSIONS).from_select(list(carried), sa.select(*carried.values())))


def _carry_actions() -> None:
    """Carry the actions over, numbered anew from 0 in case a place is missing."""
    old = _ACTIONS.c
    carried = {
        "session": old.incident,
        "place": sa.func.row_number().over(partition_by=old.incident, order_by=old.place) - 1,
        "at": _INCIDENTS.c.at,
        "role": sa.literal("candidate"),
        "kind": sa.literal("incident_action"),
        "version": sa.literal(1),
        "payload": sa.literal('{"action": ') + sa.func.coalesce(old.action, "{}") + sa.literal("}"),
    }
    joined = sa.select(*carried.values()).select_from(_ACTIONS.join(_INCIDENTS, old.incident == _INCIDENTS.c.id))
    op.execute(sa.insert(EVENTS).from_select(list(carried), joined))
