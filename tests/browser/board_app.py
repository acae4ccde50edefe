"""A page with a whiteboard, and a board in memory behind it: the server that the tests of the component draw on.

`python -m tests.browser.board_app PORT` serves it, with the headers of the app.
"""

from __future__ import annotations

import sys
from collections import Counter
from copy import deepcopy
from pathlib import Path
from threading import Lock
from typing import Any

import streamlit as st
import uvicorn

from simulator.app import bundles, news
from simulator.app.board_component import whiteboard
from simulator.app.news import Latest, offer
from simulator.serving.server import Guard

PALETTE = [
    {"name": "preset:classifier", "label": "Classifier", "group": "This task"},
    {"name": "preset:upload", "label": "Upload", "group": "This task"},
    {"name": "kind:link", "label": "Upload", "group": "Kinds"},
    *({"name": f"kind:other{one}", "label": f"Another kind, number {one}", "group": "Kinds"} for one in range(21)),
    {"name": "kind:pool", "label": "Pool", "group": "Kinds"},
    {"name": "kind:gate", "label": "Gate", "group": "Kinds"},
    {"name": "kind:end", "label": "End", "group": "Kinds"},
]


def port(name: str, label: str, to: str | None = None, **more: bool) -> dict[str, Any]:
    return {"name": name, "label": label, "to": to, "needed": True, "fallback": False} | more


def fields() -> list[dict[str, Any]]:
    models = [["lite0", "EfficientNet-Lite0"], ["lite1", "EfficientNet-Lite1"]]
    number = {"name": "replicas", "label": "Replicas", "type": "number", "value": 2, "min": 1, "max": 64, "step": 1}
    return [
        {"name": "model", "label": "Model", "type": "choice", "value": "lite0", "options": models, "by": ""},
        number | {"unit": "", "by": ""},
        {"name": "hardware", "label": "Hardware", "type": "text", "value": "one core", "by": ""},
        {"name": "warm", "label": "Warm start", "type": "switch", "value": False, "by": ""},
    ]


def box(name: str, label: str, x: float, y: float, **more: Any) -> dict[str, Any]:
    plain = {"id": name, "kind": "pool", "kind_words": "Pool", "label": label, "x": x, "y": y, "end": False, "start": False}
    rest = {"words": [], "load": None, "flow": "", "faults": [], "fields": [], "settings": {}, "ports": []}
    return plain | rest | more


def first(stretch: float = 1) -> list[dict[str, Any]]:
    """Return the first boxes; stretch: how many times as far apart they stand as usual, from left to right."""
    return [one | {"x": stretch * one["x"]} for one in _first()]


def _first() -> list[dict[str, Any]]:
    busy = {"share": 0.83, "words": "83% busy", "tone": "busy"}
    over = {"share": 1.4, "words": "40% too much work", "tone": "over"}
    full = port("on_full", "if full", "lost", needed=False, fallback=True)
    return [
        box(
            "upload",
            "Upload",
            0,
            60,
            kind_words="Link",
            start=True,
            ports=[port("to", "then", "classifier")],
            flow="12,000 photos",
        ),
        box(
            "classifier",
            "Classifier",
            300,
            40,
            words=["EfficientNet-Lite0 fp32", "2 replicas"],
            load=busy,
            flow="12,000 photos, 3 lost",
            fields=fields(),
            ports=[port("to", "then", "triage"), full],
        ),
        box(
            "triage",
            "Triage",
            620,
            20,
            kind_words="People",
            load=over,
            ports=[port("to", "then")],
            faults=["leads nowhere yet."],
        ),
        box("done", "Answered", 940, 60, kind_words="End", end=True),
        box("lost", "Lost", 620, 330, kind_words="End", end=True),
    ]


class RefusedError(Exception):
    pass


class BoardInMemory:
    """A board that takes operations one after the other; the last one wins."""

    def __init__(self, stretch: float) -> None:
        self.lock = Lock()
        self.editable = True
        self.place = 0
        self.seen: Counter[str] = Counter()
        self.said: dict[str, str] = {}
        self.boxes = {one["id"]: one for one in first(stretch)}
        self.notes: dict[str, dict[str, Any]] = {}
        self.removed: dict[str, tuple[dict[str, Any], list[list[str]]]] = {}

    def hear(self, role: str, message: Any) -> dict[str, Any]:
        with self.lock:
            refused: dict[str, str] = {}
            tab = f"{role}/{message['tab']}"
            for one in message["operations"]:
                if one["number"] <= self.seen[tab]:
                    continue
                self.seen[tab] = one["number"]
                try:
                    if not self.editable or role == "observer":
                        raise RefusedError("The board is locked.")
                    self.take(role, one["op"])
                except RefusedError as error:
                    refused[str(one["number"])] = str(error)
            return {"acknowledged": self.seen[tab], "refused": refused, "place": self.place}

    def take(self, role: str, op: dict[str, Any]) -> None:
        self.place += 1
        act = getattr(self, op["op"])
        if "box" in op and op["op"] not in ("add", "restore") and op["box"] not in self.boxes:
            raise RefusedError("This box is not on the board any more.")
        act(role, **{name: value for name, value in op.items() if name != "op"})
        for other in {"candidate", "interviewer", "observer"} - {role}:
            self.said[other] = f"The {role} changed “{op.get('box', 'a note')}”."

    def add(self, _: str, box: str, preset: str, x: float, y: float) -> None:
        if preset.startswith("box:"):
            source = deepcopy(self.boxes[preset.removeprefix("box:")])
            ports = [way | {"to": None} for way in source["ports"]]
            self.boxes[box] = source | {"id": box, "x": x, "y": y, "start": False, "ports": ports}
            return
        [entry] = [one for one in PALETTE if one["name"] == preset]
        end = preset == "kind:end"
        ports = [] if end else [port("to", "then")]
        more = {"kind_words": entry["label"], "end": end, "ports": ports, "fields": [] if end else fields()}
        self.boxes[box] = globals()["box"](box, entry["label"], x, y, **more)

    def remove(self, _: str, box: str) -> None:
        gone = self.boxes.pop(box)
        into = [[one["id"], way["name"]] for one in self.boxes.values() for way in one["ports"] if way["to"] == box]
        for one, name in into:
            self.way(one, name)["to"] = None
        self.removed[box] = gone, into

    def restore(self, _: str, box: str) -> None:
        self.boxes[box], into = self.removed[box]
        for one, name in into:
            self.way(one, name)["to"] = box

    def rename(self, _: str, box: str, label: str) -> None:
        if not label.strip() or len(label) > 80:
            raise RefusedError("A name has 1 to 80 characters.")
        self.boxes[box]["label"] = label

    def move(self, _: str, box: str, x: float, y: float) -> None:
        self.boxes[box] |= {"x": x, "y": y}

    def set(self, role: str, box: str, field: str, value: Any) -> None:
        [found] = [one for one in self.boxes[box]["fields"] if one["name"] == field]
        if field == "replicas" and not 1 <= value <= 64:
            raise RefusedError("Replicas: 1 to 64.")
        found |= {"value": value, "by": role}

    def way(self, box: str, name: str) -> Any:
        return next(one for one in self.boxes[box]["ports"] if one["name"] == name)

    def connect(self, _: str, box: str, port: str, target: str) -> None:
        self.way(box, port)["to"] = target

    def disconnect(self, _: str, box: str, port: str) -> None:
        self.way(box, port)["to"] = None

    def enter(self, _: str, box: str) -> None:
        for one in self.boxes.values():
            one["start"] = one["id"] == box

    def note(self, _: str, note: str, text: str, x: float, y: float) -> None:
        self.notes[note] = {"id": note, "x": x, "y": y, "text": text}

    def erase(self, _: str, note: str) -> None:
        self.notes.pop(note, None)

    def content(self, role: str) -> dict[str, Any]:
        with self.lock:
            words = {"upload/to": "3.4 a second", "classifier/on_full": "2% lost"}
            head = {"place": self.place, "editable": self.editable and role != "observer", "you": role}
            body = {
                "boxes": list(self.boxes.values()),
                "most": 12,
                "edge_words": words,
                "notes": list(self.notes.values()),
                "palette": PALETTE,
            }
            tail = {"said": self.said.get(role, ""), "verdict": "2 met, 1 not met", "running": False, "message": ""}
            return head | body | tail


@st.cache_resource
def board(room: str, stretch: float) -> BoardInMemory:
    return BoardInMemory(stretch)


def page() -> None:
    """Draw the page: `?room=a&role=candidate&stretch=1`."""
    st.set_page_config(page_title="Board", layout="wide")
    room, role = st.query_params.get("room", "a"), st.query_params.get("role", "candidate")
    shared = board(room, float(st.query_params.get("stretch", "1")))

    def look() -> Latest:
        return Latest(f"{shared.place} {shared.editable}", lambda: shared.content(role))

    st.title("Board")
    whiteboard(room, offer("board", look, hear=lambda said: shared.hear(role, said)))
    if st.button("Lock"):
        shared.editable = not shared.editable
        news.bell().ring()
    st.button("Draw the page again")


if __name__ == "__main__":
    st_app = st.App(Path(__file__).with_name("board_page.py"), routes=[news.ROUTE, bundles.ROUTE])
    uvicorn.run(Guard(st_app), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", timeout_graceful_shutdown=1)
