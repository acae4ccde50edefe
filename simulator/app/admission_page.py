"""The pages that ask for the server's token or for the code of a room: without a script, in the colours of the app."""

from __future__ import annotations

from html import escape

_STYLE = """
:root { color-scheme: light dark; --text: #0F171E; --back: #FCFCFB; --field: #F1F3F3; --line: #8A9399; --accent: #0072B2;
        --wrong: #B3261E; }
@media (prefers-color-scheme: dark) {
  :root { --text: #E2E7EB; --back: #030405; --field: #12181E; --line: #6B7882; --accent: #007ACA; --wrong: #FF9A8F; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 400 1rem/1.5 "Source Sans", system-ui, sans-serif; }
main { max-width: 32rem; margin: 12vh auto 2rem; padding: 0 1.25rem; }
h1 { margin: 0 0 .75rem; font-size: 1.6rem; line-height: 1.25; font-weight: 600; }
p { margin: 0 0 1rem; }
[role=alert] { padding: .5rem .75rem; border-left: 4px solid var(--wrong); background: var(--field); font-weight: 600; }
label { display: block; margin-bottom: .25rem; font-weight: 600; }
input { width: 100%; padding: .5rem .75rem; font: inherit; color: inherit; background: var(--field);
        border: 1px solid var(--line); border-radius: .25rem; }
button { margin-top: .75rem; padding: .5rem 1rem; font: inherit; font-weight: 600; color: #FFF; background: var(--accent);
         border: 0; border-radius: .25rem; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
code { font-size: .95em; }
"""


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
