"""By which names a server is reached, and by which by nobody but a person at its machine."""

from __future__ import annotations

import socket
from contextlib import suppress

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
