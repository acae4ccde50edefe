"""The fourth layout: one log of sessions and their events. Incidents become sessions, and their actions become events.

The earlier layout kept no time of an action, and none of a reveal: the begin of the incident stands for both. Actions
without an incident, which no page could show, are left out.
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    MetaData,
    Table,
    Text,
    case,
    column,
    func,
    insert,
    inspect,
    literal,
    select,
    table,
)

from simulator.app.store.faults import LayoutError

revision, down_revision = "4", "3"

SESSIONS = Table(
    "case_sessions",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("case", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("scenario_hash", Text, nullable=False),
    Column("owner", Text, nullable=False, index=True),
    Column("seed", BigInteger, nullable=False),
    Column("minutes", BigInteger, nullable=False),
    Column("nudges", Boolean, nullable=False),
    Column("begun_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("length", BigInteger, nullable=False),
    Column("secret", Text),
)
EVENTS = Table(
    "session_events",
    MetaData(),
    Column("session", Text, primary_key=True),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("role", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
)
_INCIDENTS = table("incidents", *map(column, ("id", "case", "version", "scenario_hash", "secret", "revealed", "at")))
_ACTIONS = table("incident_actions", *map(column, ("incident", "place", "action")))


def upgrade() -> None:
    for new in (SESSIONS, EVENTS):
        if inspect(op.get_bind()).has_table(new.name):
            raise LayoutError(f"it has a table “{new.name}” of another program")
        new.create(op.get_bind())
    _carry_incidents()
    _carry_actions()
    op.drop_table("incident_actions")
    op.drop_table("incidents")


def _carry_incidents() -> None:
    old = _INCIDENTS.c
    count = select(func.count()).where(_ACTIONS.c.incident == old.id).scalar_subquery()
    carried = {
        "id": old.id,
        "purpose": literal("incident"),
        "case": old.case,
        "version": old.version,
        "scenario_hash": old.scenario_hash,
        "owner": literal(""),
        "seed": literal(0),
        "minutes": literal(0),
        "nudges": literal(False),
        "begun_at": old.at,
        "ended_at": case((old.revealed, old.at)),
        "length": count,
        "secret": old.secret,
    }
    op.execute(insert(SESSIONS).from_select(list(carried), select(*carried.values())))


def _carry_actions() -> None:
    """Carry the actions over, numbered anew from 0 in case a place is missing."""
    old = _ACTIONS.c
    carried = {
        "session": old.incident,
        "place": func.row_number().over(partition_by=old.incident, order_by=old.place) - 1,
        "at": _INCIDENTS.c.at,
        "role": literal("candidate"),
        "kind": literal("incident_action"),
        "version": literal(1),
        "payload": literal('{"action": ') + func.coalesce(old.action, "{}") + literal("}"),
    }
    joined = select(*carried.values()).select_from(_ACTIONS.join(_INCIDENTS, old.incident == _INCIDENTS.c.id))
    op.execute(insert(EVENTS).from_select(list(carried), joined))
