"""Cookies that the server sets: no script reads them, and no page of another site sends them."""

from __future__ import annotations

from collections.abc import Mapping

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
