"""A field for long text that saves itself while it is typed, on its own socket: no run of the script, nothing to press."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import Any

from simulator.app.component_files import component_beside
from simulator.app.news import FOLLOW_JS, Latest, component_key, offer
from simulator.errors import InputError

#: Time from the last key until a text is saved (ms): each text that is saved is an event of a log.
WAIT_MS = 1500

SCRIPT_BEFORE = f"{FOLLOW_JS}const WAIT_MS = {WAIT_MS};\n"
_component = component_beside(__file__, "autosave_text", SCRIPT_BEFORE)


#: One text at a time is compared and saved.
_SAVING = Lock()


def autosave_text(key: str, label: str, read: Callable[[], str], save: Callable[[str], None], most: int, rows: int = 6) -> None:
    """Show a field for text that is saved a moment after each change, and changes with the text of another tab.

    A tab that changes a text which it has not seen is refused, and joins both texts.

    read: returns the text as it is kept; save: keeps a text, and raises InputError with a sentence. Both are called in threads
    of the server, outside of any script
    most: the most characters
    """

    def hear(said: Any) -> Any:
        text, base = (said.get("text"), said.get("base")) if isinstance(said, dict) else (None, None)
        if not isinstance(text, str) or len(text) > most:
            return {"fault": f"At most {most:,} characters are kept."}
        with _SAVING:
            kept = read()
            if kept != text and _revision(kept) != base:
                return {"newer": kept, "base": _revision(kept)}
            try:
                if kept != text:
                    save(text)
            except InputError as error:
                return {"fault": str(error)}
        return {"saved": text, "base": _revision(text)}

    def look() -> Latest:
        text = read()
        return Latest(_revision(text), lambda: text)

    value = read()
    data = {"token": offer(f"text {key}", look, hear=hear), "seen": _revision(value), "value": value}
    _component(key=component_key("text", key), data=data | {"label": label, "most": most, "rows": rows})


def _revision(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()[:16]
