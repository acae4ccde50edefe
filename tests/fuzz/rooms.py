"""Rooms: messages on the web sockets, operations of boards, and files of sessions that are taken in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from google.protobuf.message import DecodeError
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit.proto.BackMsg_pb2 import BackMsg

from simulator.app import news
from simulator.app.links import read
from simulator.app.news import Feed, Latest
from simulator.app.store.session_files import SessionFileError
from simulator.app.store.session_log import SessionLog
from simulator.app.widgets import plain
from simulator.board.board import Board
from simulator.board.board_content import BoardFigures, Reader, board_content
from simulator.board.case_drawing import compiled, drawn
from simulator.board.operations import hear_operations
from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.engine.plan import compile_plan
from simulator.limits import ADDRESS, FIELD_TEXT
from simulator.rooms.room_session import RoomSession, room_record
from simulator.serving.middleware import within_bounds
from simulator.session.session_record import record
from tests.fuzz.mutate import ANYTHING, changed_text, changed_tree
from tests.fuzz.mutate import drawn as examples
from tests.fuzz.runner import Kind, Refusal, Trial

_CASE = "retry-storm"


@cache
def _loaded() -> Scenario:
    return load(_CASE)


# ---- web sockets

_UNITS = ("\n", " ", "\r", "`", "~", "a:", "- ", "*", "\\", "[", "%0A", "&case=", "&x=", "é", "\x00", "1.")


def _text(random: Random) -> str:
    return random.choice(_UNITS) * random.choice((0, 1, 100, 5000, 16_384, 100_000)) + random.choice(("", "x", "="))


def message_trials(begin: int, count: int) -> Iterator[Trial]:
    """Messages of pages with odd and long addresses, names and texts, a third with changed bytes; and words to feeds."""
    random, extra = Random(begin), examples(ANYTHING, 100, begin)
    for number in range(count):
        said = BackMsg()
        said.rerun_script.query_string = random.choice((f"case={_text(random)}", _text(random), f"case={_CASE}"))
        said.rerun_script.page_name = random.choice(("", "explore", _text(random)))
        for place in range(random.choice((0, 1, 5))):
            field = said.rerun_script.widget_states.widgets.add(id=f"{place}{_text(random)[:50]}")
            setattr(field, random.choice(("string_value", "json_value", "json_trigger_value")), _text(random))
        page, how = said.SerializeToString(), "texts"
        if random.random() < 0.3:
            page, how = changed_text(page, random, (b"\x00", b"\xff" * 20))
        line, told = changed_tree({"token": "fuzz", "said": {"tab": "t", "operations": _operations(random)}}, random, extra)
        yield Trial(f"{number:05d}", {"page": page, "line": json.dumps(line).encode()}, changed=f"{how}; {told}")


def try_messages(trial: Trial, folder: Path) -> Refusal | None:
    """Bound the message and read its address as a page does; say the line on the socket of news."""
    data = within_bounds((folder / "page").read_bytes())
    try:
        said = BackMsg.FromString(data or b"").rerun_script
    except DecodeError:
        said = BackMsg().rerun_script
    assert len(said.query_string) <= ADDRESS.most
    texts = [field.string_value for field in said.widget_states.widgets]
    assert all(len(text) <= FIELD_TEXT.most for text in texts)
    for text in [*texts, said.query_string, said.query_string.replace("%0A", "\n")]:
        plain(text)
    read(_loaded(), {"case": [said.query_string], said.query_string: [said.query_string]})
    return _said((folder / "line").read_text(encoding="utf-8"), said_too_much=data is None)


def _said(line: str, said_too_much: bool) -> Refusal | None:
    desk, heard = _Desk(), list[Any]()

    def hear(data: Any) -> Any:
        heard.append(data)
        return desk.hear(data)

    news._FEEDS["fuzz"] = feed = Feed(lambda: Latest("1"), 0.0, hear)
    with TestClient(Starlette(routes=[news.ROUTE])) as client, client.websocket_connect(f"/{news.PATH}") as socket:
        socket.send_text(line)
        socket.send_text(json.dumps({"token": "fuzz", "said": {"tab": "last", "operations": []}}))
        try:
            replies = [json.loads(socket.receive_text())]
            while not heard or heard[-1] != {"tab": "last", "operations": []}:
                replies.append(json.loads(socket.receive_text()))
        except WebSocketDisconnect:
            return Refusal("the connection ends", placed=True)
    assert feed is not None and all(isinstance(reply, list) for reply in replies)
    return Refusal("the page's connection ends", placed=True) if said_too_much else None


# ---- boards


class _Desk:
    """A board that hears operations, as a page's does."""

    def __init__(self) -> None:
        self.board: Board = drawn(_loaded())
        self.taken: dict[str, int] = {}

    def hear(self, said: Any) -> dict[str, Any]:
        return hear_operations(said, self.taken, self._take)

    def _take(self, tab: str, number: int, operation: Any) -> None:
        self.board = self.board.after(operation)


def _operations(random: Random) -> list[dict[str, Any]]:
    boxes = [*drawn(_loaded()).boxes, "new", "nothing"]
    made = []
    for number in range(1, random.choice((2, 4, 12))):
        box, other = random.choice(boxes), random.choice(boxes)
        field = random.choice(("replicas", "max_queue", "max_batch", "to", "kind", "retry.attempts", "choice:replicas"))
        operation = random.choice((
            {"op": "add", "box": "new", "preset": random.choice(("preset:check", "kind:pool", "box:check")), "x": 0, "y": 0.5},
            {"op": "remove", "box": box}, {"op": "restore", "box": box}, {"op": "enter", "box": box},
            {"op": "rename", "box": box, "label": _text(random)[:150]}, {"op": "move", "box": box, "x": 1e5, "y": -7},
            {"op": "set", "box": box, "field": field, "value": random.choice((0, 1, 4, "x", -2.5, True, 1e15))},
            {"op": "connect", "box": box, "port": "to", "target": other}, {"op": "disconnect", "box": box, "port": "to"},
            {"op": "note", "note": "n", "text": _text(random)[:2000], "x": 1, "y": 1}, {"op": "erase", "note": "n"},
        ))  # fmt: skip
        made.append({"number": number, "op": operation})
    return made


def board_trials(begin: int, count: int) -> Iterator[Trial]:
    """Operations on a board, most of them with a value changed."""
    random, extra = Random(begin), examples(ANYTHING, 100, begin)
    for number in range(count):
        tree: dict[str, Any] = {"tab": "t" * 10, "operations": _operations(random)}
        said, how = changed_tree(tree, random, extra) if random.random() < 0.7 else (tree, "order")
        yield Trial(f"{number:05d}", {"said.json": json.dumps(said).encode()}, changed=how)


def try_board(trial: Trial, folder: Path) -> Refusal | None:
    """Hear them; what stands then is painted, and a board that compiles makes a plan."""
    desk, scenario = _Desk(), _loaded()
    reply = desk.hear(json.loads((folder / "said.json").read_text(encoding="utf-8")))
    drawing = compiled(desk.board, scenario)
    picks = scenario.defaults()
    plan = compile_plan(drawing.scenario, drawing.picks(picks)) if drawing.scenario else None
    json.dumps(board_content(desk.board, drawing, scenario, picks, BoardFigures(plan, None), Reader("candidate")))
    refused = "\n".join(reply["refused"].values())
    return Refusal(refused, placed=all(map(str.isdigit, reply["refused"]))) if refused else None


# ---- logs


def _events(random: Random) -> list[dict[str, Any]]:
    metric, design = "goodput", "0123456789ab"
    payloads = [
        ("phase_begun", {"phase": "frame"}), ("question_asked", {"question": 0}), ("question_asked", {"words": "who labels?"}),
        ("assumption_written", {"text": "all is well"}), ("assumption_removed", {"assumption": 0}),
        ("objectives_ranked", {"objectives": [{"words": "quick", "metric": metric}]}),
        ("pick_changed", {"choice": "replicas", "before": 2, "after": 4}),
        ("prediction_made", {"design": design, "metric": metric, "low": 0.1, "high": 0.9}),
        ("run_asked", {"picks": {"replicas": 4}, "seed": 1, "replications": 3}),
        ("run_ended", {"design": design, "run_hash": design, "figures": [{"metric": metric, "value": 0.5, "standing": "met"}]}),
        ("panel_opened", {"panel": "data"}), ("hint_taken", {"phase": "frame", "step": 1}),
        ("curveball_struck", {"curveball": "slow", "at_s": 60}), ("defence_answered", {"prompt": 0, "text": "because"}),
        ("self_rated", {"signal": "framing", "level": "weak"}), ("goal_set", {"signal": "framing"}),
        ("incident_action", {"action": {"kind": "look", "at_s": 1}}), ("session_ended", {}),
        ("room_opened", {"title": "a"}), ("task_set", {"text": "b", "minutes": 45}), ("message_sent", {"text": "c"}),
        ("question_answered", {"question": 1, "text": "d"}), ("tag_set", {"signal": "framing", "plus": True, "about": 1}),
        ("tag_removed", {"tag": 3}), ("probe_ticked", {"ask": "why?"}), ("notes_saved", {"text": "e"}),
        ("scratchpad_saved", {"text": "f"}), ("board_locked", {}), ("clock_paused", {}), ("bound_revealed", {"metric": metric}),
    ]  # fmt: skip
    changes = [one for one in _operations(random) if len(str(one["op"])) < 200]
    payloads += [("board_changed", {"operation": one["op"], "browser": "b" * 12, "number": one["number"]}) for one in changes]
    versions, roles = {"run_asked": 2, "tag_set": 2}, ("candidate", "interviewer", "system")
    chosen = random.choices(payloads, k=random.choice((1, 8, 40)))
    return [
        {"at": 1001.0 + at, "role": random.choice(roles), "kind": kind, "version": versions.get(kind, 1), "payload": payload}
        for at, (kind, payload) in enumerate(chosen)
    ]


def _file(random: Random) -> dict[str, Any]:
    head = {"case": _CASE, "version": 1, "scenario_hash": "0123456789ab", "begun_at": 1000.0}
    further = {"seed": 1, "minutes": 45, "nudges": True, "ended_at": random.choice((None, 2000.0))}
    secret = {"seed": "f" * 32, "cause": None, "shape": "gentle", "salt": "0" * 32}
    incident = {**head, "id": "i" * 22, "ended_at": 2000.0, "secret": secret, "events": _events(random)[:5]}
    attempt = head | {"seed": 1, "job": "0" * 12, "run_hash": "0" * 12, "picks": {"replicas": 4}, "strikes": {}, "at": 1000.0}
    attempt = {key: value for key, value in attempt.items() if key != "begun_at"} | {"replications": 20, "starred": False}
    attempt |= {"reached": [{"metric": "goodput", "value": 0.5, "standing": "met", "words": "50%"}]}
    logs = [{**head, **further, "id": letter * 22, "events": _events(random)} for letter in "ab"]
    rooms = {"format_version": 3, "rooms": logs[1:]} if random.random() < 0.5 else {"format_version": 2}
    return {"format": "casesim-sessions", "sessions": logs[:1], "incidents": [incident], "attempts": [attempt], **rooms}


def log_trials(begin: int, count: int) -> Iterator[Trial]:
    """Files of sessions, incidents, attempts and rooms: a third as they are, the others with values or bytes changed."""
    random, extra = Random(begin), examples(ANYTHING, 100, begin)
    for number in range(count):
        tree, how = _file(random), "order"
        if random.random() < 0.6:
            tree, how = changed_tree(tree, random, extra)
        text = json.dumps(tree).encode()
        if random.random() < 0.1:
            text, how = changed_text(text, random, (b"\x00", b"\xff", b"[" * 5000, b'"', b"9" * 5000))
        yield Trial(f"{number:05d}", {"sessions.json": text}, changed=how)


def try_log(trial: Trial, folder: Path) -> Refusal | None:
    """Take a file in twice, and write the record of each log in it."""
    log, content = SessionLog(f"sqlite:///{folder / 'log.db'}"), (folder / "sessions.json").read_bytes()
    try:
        log.take_in("o" * 22, content)
    except SessionFileError as error:
        return Refusal(str(error), str(error).startswith(("The file", "Session ")))
    assert log.take_in("o" * 22, content) == 0
    for stored in log.logs_of("o" * 22):
        state = RoomSession.of(stored.session, stored.events)
        record(_loaded(), state)
        room_record(_loaded(), state)
    log.export("o" * 22)
    return None


MESSAGE_KIND = Kind("messages", 500, message_trials, try_messages, prepare=_loaded)
BOARD_KIND = Kind("boards", 500, board_trials, try_board, prepare=_loaded)
LOG_KIND = Kind("logs", 500, log_trials, try_log, prepare=_loaded)
