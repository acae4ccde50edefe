"""The URL of a database: which ones are accepted, the time limits of a connection, and its form without the password."""

from __future__ import annotations

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from simulator.phrases import phrase

#: The environment variable that names another database by its URL.
VARIABLE = "CASESIM_DATABASE"

#: The most time (s) for a connection to PostgreSQL, and for a statement.
CONNECT_S, STATEMENT_S = 5, 10

#: The driver for every spelling of PostgreSQL's URL.
_DRIVER = "postgresql+psycopg"

#: A connection to a machine that has gone is given up after seconds instead of hours.
_LIMITS = {"connect_timeout": str(CONNECT_S), "keepalives_idle": "5", "tcp_user_timeout": str(STATEMENT_S * 1000)}

#: Parts of a query that hold a password.
_SECRET = ("password", "sslpassword")


def parsed(text: str) -> URL:
    """Return a URL that names its driver; raises ArgumentError for another kind of database and for anything else.

    The error quotes no part of the text: in a URL that is wrong, any part may be the password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise ArgumentError("write it as postgresql://user:password@host/name, with %40 %3A %2F for @ : / in a part") from error
    if url.get_backend_name() in {"postgres", "postgresql"}:
        url = url.set(drivername=_DRIVER)
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ArgumentError("CaseSim uses SQLite and PostgreSQL only")
    if is_postgres(url) and "@" in f"{url.host or ''}{url.database or ''}":
        raise ArgumentError("a part of it holds one of @ : / and needs %40 %3A %2F in its place")
    return url


def is_postgres(url: URL) -> bool:
    return url.get_backend_name() == "postgresql"


def limited(url: URL) -> URL:
    """Return a URL with limits of time; a limit that the URL names itself stays. SQLite needs none."""
    if not is_postgres(url):
        return url
    own = dict(url.query)
    options = " ".join(str(part) for part in (f"-c statement_timeout={STATEMENT_S}s", own.pop("options", "")) if part)
    return url.set(query=_LIMITS | own | {"options": options})


def without_password(text: str) -> str:
    """Return a URL for a sentence."""
    try:
        url = parsed(text)
    except ArgumentError:
        scheme, separator, _ = text.partition("://")
        return phrase("store.url" if separator else "store.no_url", variable=VARIABLE, scheme=scheme[:20])
    return url.difference_update_query(_SECRET).render_as_string(hide_password=True)


def passwords(text: str) -> set[str]:
    """Return the passwords that a URL holds, in every spelling."""
    try:
        url = parsed(text)
    except ArgumentError:
        return set()
    hidden = [url.password, *(url.query.get(name) for name in _SECRET)]
    return {str(part) for part in hidden if part}
