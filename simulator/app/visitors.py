"""Visitors of a page: their cookies, which no script reads, their browser, and whether they sit at this machine."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_hex
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from simulator.case.load import OWN_CASES

#: The begin of a name that a browser takes over https alone, and from no other host: not from one with a longer name either.
_HOST = "__Host-"


def cookie_line(name: str, value: str, age_s: float, *, https: bool, of_host: bool = False) -> str:
    """Return a Set-Cookie header; of_host: over https, have the browser refuse this cookie from every other host."""
    prefix, secure = (_HOST if of_host and https else ""), ("; Secure" if https else "")
    return f"{prefix}{name}={value}; Path=/; Max-Age={round(age_s)}; HttpOnly; SameSite=Lax{secure}"


def own_cookie(cookies: Mapping[str, str], name: str, *, https: bool = False) -> str:
    """Return the value of a cookie that was set with `of_host`; empty for none.

    https: whether the request surely came over https, so that a cookie without the prefix may be another host's
    """
    return cookies.get(f"{_HOST}{name}") or ("" if https else cookies.get(name, ""))


#: The cookie that identifies a browser; scripts of a page cannot read it.
COOKIE = "casesim_browser"

_TOKEN = re.compile(r"[0-9a-f]{64}")


def browser() -> str | None:
    """Return the token of the visitor's browser; None for one without cookies, and in tests without a browser."""
    return known(own_cookie(st.context.cookies, COOKIE))


def known(token: object) -> str | None:
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def person() -> str:
    """Return an id of the visitor for this server alone; it is never shown, and never part of a link.

    It identifies the browser, or the tab where the browser keeps no cookies.
    """
    token = browser()
    return sha256(token.encode()).hexdigest()[:32] if token else str(st.session_state.setdefault("person", token_hex(16)))


def clock(at: float) -> str:
    """Return a time (s since 1970) in the visitor's time zone: of today the hour, of another day the date too."""
    try:
        zone = ZoneInfo(str(st.context.timezone))
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    then, now = datetime.fromtimestamp(at, UTC).astimezone(zone), datetime.now(zone)
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then.day} {then:%b %H:%M}"


def at_the_machine() -> bool:
    """Return whether the visitor sits at the machine that serves the page, not behind a network or a proxy.

    An address alone does not show it: a proxy's is local, and so is that of a page whose name leads to this machine.
    """
    served = [st.get_option("server.address"), *st.get_option("server.allowedHosts")]
    host = urlsplit(f"//{st.context.headers.get('Host', '')}").hostname
    return st.context.ip_address is None and host in LOOPBACK and all(name in LOOPBACK for name in served)


def is_author() -> bool:
    """Return whether the visitor may write cases: the server was started with a folder of cases, and the visitor sits at it."""
    return bool(os.environ.get(OWN_CASES)) and at_the_machine()


#: Names of a machine for itself; they reach no other machine.
LOOPBACK = ("localhost", "127.0.0.1", "::1")


#: Addresses that stand for all addresses of a machine.
EVERY = ("0.0.0.0", "::")  # noqa: S104


def others_reach(address: str) -> list[str]:
    """Return the names by which others reach an address, as far as this machine knows; none if they cannot."""
    if address in LOOPBACK:
        return []
    if address not in EVERY:
        return [address]
    found = [socket.gethostname().lower()]
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: the system only says from which of its addresses it would
        found.insert(0, probe.getsockname()[0])
    return found


def url(name: str, port: int) -> str:
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"
