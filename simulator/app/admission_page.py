"""The pages that ask for the server's token or for the code of a room: without a script, in the colours of the app."""

from __future__ import annotations

from html import escape
from pathlib import Path

_STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")


def admission_page(reason: str = "") -> str:
    """Return the page in HTML; reason: a sentence on the token that was refused."""
    words = (
        "This server opens by a link with a token. Open the link that the administrator gave you, or paste its token here.\n"
        "The token stands after <code>token=</code> in the link."
    )
    field = '<input id="token" name="token" type="password" autocomplete="off" required autofocus>'
    return _page("CaseSim: token needed", "CaseSim needs a token", reason, words, "Token", "token", field, "Open CaseSim")


def door_page(reason: str = "") -> str:
    """Return the page that asks for the code of a room, in HTML; reason: a sentence on the code that was refused."""
    words = "An interviewer has given you a link or a code such as 7K2M-Q9XR-4TDV. Open the link, or type the code here."
    field = '<input id="key" name="key" autocomplete="off" autocapitalize="characters" spellcheck="false" required autofocus>'
    return _page("CaseSim: enter a room", "Enter a room", reason, words, "Code", "key", field, "Enter")


def _page(title: str, heading: str, reason: str, words: str, label: str, name: str, field: str, button: str) -> str:
    alert = f'<p role="alert">{escape(reason)}</p>' if reason else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{heading}</h1>
{alert}
<p>{words}</p>
<form method="post">
<label for="{name}">{label}</label>
{field}
<button>{button}</button>
</form>
</main>
</body>
</html>
"""
