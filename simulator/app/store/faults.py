"""Errors of a database as one sentence: which database, the fault, and a remedy. No password is shown."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from simulator.app.store.address import STATEMENT_S, VARIABLE, is_postgres, parsed, passwords, without_password
from simulator.errors import InputError
from simulator.phrases import phrase

_ANOTHER = f"Set {VARIABLE} to the URL of a database that can be written, such as sqlite:////home/me/casesim.db."


class StoreError(InputError):
    """The database cannot be read or written; the message says which, why, and what would help."""


class LayoutError(SQLAlchemyError):
    """The tables are not those of this CaseSim."""


@dataclass(frozen=True)
class _Kind:
    """A kind of fault: codes of PostgreSQL (SQLSTATE) or words of the error that reveal it, its name and its remedy."""

    codes: tuple[str, ...]
    words: tuple[str, ...]
    name: str
    remedy: str

    def fits(self, code: str, text: str) -> bool:
        return any(code.startswith(prefix) for prefix in self.codes) or any(word in text for word in self.words)


_LOST = _Kind(
    ("08", "57P"),
    ("server closed the connection", "connection is closed", "connection is lost"),
    "the connection was lost",
    "The last change may be missing. Try again: CaseSim connects anew.",
)
_KINDS = (
    _Kind(
        ("57014",),
        (),
        "the database was too slow",
        f"Try again. Locks or load delay a statement, which has {STATEMENT_S} s unless the URL sets another limit.",
    ),
    _Kind(
        ("28",),
        ("password authentication failed", "no password supplied", "no pg_hba.conf entry"),
        "the server refuses this user or password",
        f"Correct both in {VARIABLE}.",
    ),
    _Kind(("42501",), (), "the user lacks a right", "The user of the URL must be able to make tables in the schema."),
    _Kind(("40",), ("database is locked",), "another process was writing at the same time", "Try again."),
    _Kind((), ("starting up", "shutting down", "in recovery mode"), "the server is starting or stopping", "Try again soon."),
    _Kind(
        (),
        ("connection failed", "connection is bad", "connection timeout"),
        "no connection",
        f"Start the server, or correct host, port and name in {VARIABLE}.",
    ),
    _LOST,
)


def store_error(text: str, error: Exception) -> StoreError:
    """Return the sentence of an error at a URL."""
    reason, remedy = _explained(text, error)
    for secret in sorted(passwords(text), key=len, reverse=True):
        reason = reason.replace(quote(secret, safe=""), "***").replace(secret, "***")
    return StoreError(f"{without_password(text)}: {reason}. {remedy}")


def _explained(text: str, error: Exception) -> tuple[str, str]:
    """Return the reason and the remedy."""
    if isinstance(error, ImportError) and is_postgres(parsed(text)):
        return "PostgreSQL needs the package psycopg", "Install it: pip install 'casesim[postgres]'."
    if isinstance(error, LayoutError):
        return str(error), phrase("store.newest", variable=VARIABLE)
    kind = _kind(error)
    if kind is None:
        return _brief(error), _ANOTHER
    return f"{kind.name} ({_brief(error)})", kind.remedy


def _kind(error: Exception) -> _Kind | None:
    if not isinstance(error, DBAPIError):
        return None
    code, text = getattr(error.orig, "sqlstate", None) or "", str(error.orig)
    known = next((kind for kind in _KINDS if kind.fits(code, text)), None)
    return known or (_LOST if error.connection_invalidated else None)


def _brief(error: Exception) -> str:
    if isinstance(error, OverflowError):
        return "a number has more than 64 bits"
    cause = error if isinstance(error, ArgumentError) else getattr(error, "orig", None) or error
    return " ".join(str(cause).split())[:200].rstrip(".?")
