"""Secrets that all servers of a database share: the first that needs one draws it, at random."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from secrets import token_hex
from time import time
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError

from simulator.app.store.attempts import ATTEMPTS
from simulator.app.store.database import Database
from simulator.app.store.session_rows import SESSIONS, TRAIL_KEY, insert_session
from simulator.session.event_log import Session


class DrawnSecrets(Database):
    """Secrets among the sessions of a database, each under a name and a purpose of its own."""

    def _drawn(
        self, name: str, purpose: str, draw: Callable[[], Any], case: str = "", scenario_hash: str = ""
    ) -> tuple[Any, float]:
        """Return a secret as plain data, and the time at which it was drawn; of several requests at once one draws it."""
        head = Session(name, case, 1, scenario_hash, "", seed=0, minutes=0, nudges=False, begun_at=time())
        stored = select(SESSIONS.c.secret, SESSIONS.c.begun_at).where(SESSIONS.c.id == name, SESSIONS.c.purpose == purpose)
        with self._connected() as connection:
            row = connection.execute(stored).first()
        if row is None:
            # A failed insertion means that another server was faster.
            with self._connected() as connection, suppress(IntegrityError), connection.begin_nested():
                insert_session(connection, head, purpose, secret=draw())
            with self._connected() as connection:
                row = connection.execute(stored).one()
        return row.secret, row.begun_at


class TrailStore(DrawnSecrets):
    """Every method raises StoreError for a database that cannot be used."""

    def key(self) -> tuple[bytes, float]:
        """Return the key of this database, which the first server draws, and the time at which it was drawn."""
        secret, drawn_at = self._drawn("trails", TRAIL_KEY, lambda: {"key": token_hex(32)})
        return bytes.fromhex(secret["key"]), drawn_at

    def has_before(self, trail: str, at: float) -> bool:
        """Return whether a session, an incident or an attempt of a trail is older than a time."""
        session = exists().where(SESSIONS.c.owner == trail, SESSIONS.c.begun_at < at)
        attempt = exists().where(ATTEMPTS.c.trail == trail, ATTEMPTS.c.at < at)
        with self._connected() as connection:
            return bool(connection.execute(select(session | attempt)).scalar())
