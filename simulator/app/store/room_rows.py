"""The table of the links that open rooms: a digest of each secret, never the secret itself."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import BigInteger, Column, Connection, Float, Table, insert, select, update

from simulator.app.store.database import METADATA, Words
from simulator.session.event_log import Role

ROOM_LINKS = Table(
    "room_links",
    METADATA,
    Column("digest", Words, primary_key=True),
    Column("room", Words, nullable=False, index=True),
    Column("role", Words, nullable=False),
    Column("made_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("revoked", BigInteger, nullable=False),
)

#: The characters of a code that is read aloud: Crockford's base 32, without letters that look like digits.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

#: Letters of a code in all, and in a group: 60 bits.
_CODE, _GROUP = 12, 4

#: Letters that are read as digits.
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})


@dataclass(frozen=True)
class RoomLink:
    """A link to a room; digest: of its secret; times in seconds since 1970."""

    digest: str
    room: str
    role: Role
    made_at: float
    expires_at: float
    revoked: bool

    def is_open(self, now: float) -> bool:
        return not self.revoked and now < self.expires_at


def new_token() -> str:
    """Return 22 random characters: 128 bits."""
    return secrets.token_urlsafe(16)


def new_code() -> str:
    """Return a random code of 60 bits in groups, to be read aloud."""
    letters = [secrets.choice(_LETTERS) for _ in range(_CODE)]
    return "-".join("".join(letters[at : at + _GROUP]) for at in range(0, _CODE, _GROUP))


def letters_of(key: str) -> str:
    """Return a token as it is, and the letters of a code however it is typed."""
    typed = key.strip()
    letters = typed.upper().translate(_READ_AS).replace("-", "").replace(" ", "")
    return letters if len(letters) == _CODE and set(letters) <= set(_LETTERS) else typed


def digest_of(key: str) -> str:
    """Return the digest of a token, or of a code however it is typed."""
    return sha256(letters_of(key).encode()).hexdigest()


def insert_link(connection: Connection, link: RoomLink) -> None:
    connection.execute(insert(ROOM_LINKS).values({**vars(link), "revoked": int(link.revoked)}))


def link_of(connection: Connection, digest: str) -> RoomLink | None:
    row = connection.execute(select(ROOM_LINKS).where(ROOM_LINKS.c.digest == digest)).mappings().first()
    return None if row is None else RoomLink(**{**row, "revoked": bool(row["revoked"])})


def links_of(connection: Connection, room: str) -> list[RoomLink]:
    rows = select(ROOM_LINKS).where(ROOM_LINKS.c.room == room).order_by(ROOM_LINKS.c.made_at, ROOM_LINKS.c.role)
    return [RoomLink(**{**row, "revoked": bool(row["revoked"])}) for row in connection.execute(rows).mappings()]


def revoke_links(connection: Connection, room: str, role: Role) -> int:
    """Revoke every link of a role to a room, and return their number."""
    chosen = ROOM_LINKS.c.room == room, ROOM_LINKS.c.role == role, ROOM_LINKS.c.revoked == 0
    return connection.execute(update(ROOM_LINKS).where(*chosen).values(revoked=1)).rowcount
