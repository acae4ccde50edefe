"""The key that signs trails, and the trails that a database held before it had a key."""

from __future__ import annotations

from secrets import token_hex

from sqlalchemy import exists, select

from simulator.app.store.attempts import ATTEMPTS
from simulator.app.store.drawn_secrets import DrawnSecrets
from simulator.app.store.session_rows import SESSIONS, TRAIL_KEY


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
