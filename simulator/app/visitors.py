"""Who looks at a page: with which browser, and whether from this machine."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from hashlib import sha256
from secrets import token_hex
from urllib.parse import urlsplit

import streamlit as st

#: The cookie by which a browser is known again; scripts of a page cannot read it.
COOKIE = "casesim_browser"

_TOKEN = re.compile(r"[0-9a-f]{64}")


def browser() -> str | None:
    """What tells the browser of a page from all others; None for one that keeps no cookies, and in tests without a browser."""
    return known(st.context.cookies.get(COOKIE))


def known(token: object) -> str | None:
    """The token, if it is one that a server gave."""
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def person() -> str:
    """Identifies whoever looks at a page to this server, so that what is theirs stays theirs; never shown, never in a link.

    It is their browser, or the tab where that keeps no cookies.
    """
    token = browser()
    return sha256(token.encode()).hexdigest()[:32] if token else str(st.session_state.setdefault("person", token_hex(16)))


def at_the_machine() -> bool:
    """Whether a page is looked at by a person at the machine that serves it, as opposed to over a network or a proxy.

    An address alone does not tell: a proxy's is local, and so is that of a page whose name leads to this machine.
    """
    served = [st.get_option("server.address"), *st.get_option("server.allowedHosts")]
    asked = urlsplit(f"//{st.context.headers.get('Host', '')}").hostname
    return st.context.ip_address is None and asked in LOOPBACK and all(name in LOOPBACK for name in served)


#: What a machine calls itself; it reaches nobody else.
LOOPBACK = ("localhost", "127.0.0.1", "::1")


#: Addresses that stand for all of a machine's.
EVERY = ("0.0.0.0", "::")  # noqa: S104


def others_reach(address: str) -> list[str]:
    """The names by which others reach what is served at an address, as far as this machine knows; none if they cannot."""
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
    """The address of the app for a browser."""
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"
