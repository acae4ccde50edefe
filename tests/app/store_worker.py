"""Processes that use a database as servers do: each works through the tasks that come through its pipe."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import Engine, event

from simulator.app.live_session import LiveSession
from simulator.app.store.attempts import Attempt, Attempts
from simulator.app.store.faults import StoreError
from simulator.app.store.incident_log import Incidents
from simulator.app.store.session_log import SessionLog
from simulator.app.store.session_rows import OvertakenError
from simulator.case.load import load
from simulator.session.event_log import EventError
from simulator.session.session_events import AssumptionWritten, PickChanged


def attempt(trail: str, job: str, **other: Any) -> Attempt:
    """An attempt at some case."""
    usual = {"case": "some-case", "version": 1, "scenario_hash": "0" * 12, "picks": {"replicas": 4}, "strikes": {}, "seed": 1}
    rest = {"replications": 20, "run_hash": "1" * 12, "reached": []}
    return Attempt(**{"trail": trail, "job": job} | usual | rest | other)


def opened(url: str) -> str:
    Attempts(url).of("any", "any")
    Incidents(url).get("any")
    return "opened"


def written(url: str, trail: str, incident: str, own: str, count: int) -> int:
    """Store attempts, star each, and act in an incident that others act in too; returns how often they were faster."""
    attempts, incidents, overtaken = Attempts(url), Incidents(url), 0
    for number in range(count):
        job = f"{own}-{number}"
        attempts.add(attempt(trail, job))
        attempts.star(trail, "some-case", job)
        while True:
            stored = incidents.get(incident)
            assert stored is not None
            try:
                incidents.add(incident, len(stored.actions), {"by": job})
                break
            except OvertakenError:
                overtaken += 1
    return overtaken


def appended(url: str, session: str, own: str, count: int) -> list[int]:
    """Append to a session that others append to; returns the places."""
    log = SessionLog(url)
    return [log.append(session, "candidate", AssumptionWritten(text=f"{own}-{number}")) for number in range(count)]


def picked(url: str, session: str, count: int) -> int:
    """Change a pick of a session that others change too, each time from the value that it has by then."""
    scenario = load("retry-storm")
    live, done = LiveSession(SessionLog(url), scenario, session), 0
    while done < count:
        live.refresh()
        now = live.state.picks(scenario)["replicas"]
        try:
            live.take("candidate", PickChanged(choice="replicas", before=now, after=3 if now == 2 else 2))
            done += 1
        except EventError:  # the other process has changed it between the two lines
            continue
    return done


def killed(url: str, words: str) -> str:
    """Be killed at the first statement that begins with these words."""

    @event.listens_for(Engine, "before_cursor_execute")
    def end(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.strip().startswith(words):
            os.kill(os.getpid(), signal.SIGKILL)

    return opened(url)


TASKS = {"opened": opened, "written": written, "appended": appended, "picked": picked, "killed": killed}


class Crew:
    """Several such processes."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    def all_do(self, *tasks: Sequence[object]) -> list[Any]:
        """Give each process a task at once; one task is for all of them."""
        each = tasks * len(self._pipes) if len(tasks) == 1 else tasks
        for pipe, task in zip(self._pipes, each, strict=True):
            pipe.send(task)
        return [pipe.recv() for pipe in self._pipes]


@contextmanager
def crew(count: int) -> Iterator[Crew]:
    """Fork processes from one that has imported this file: each import would take a second."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    pairs = [context.Pipe() for _ in range(count)]
    processes = [context.Process(target=serve, args=(theirs,), daemon=True) for _, theirs in pairs]
    for process, (_, theirs) in zip(processes, pairs, strict=True):
        process.start()
        theirs.close()  # so that the end of a process is noticed
    try:
        yield Crew([ours for ours, _ in pairs])
    finally:
        for process, (ours, _) in zip(processes, pairs, strict=True):
            with suppress(OSError):
                ours.send(None)
            process.join(30)


def serve(pipe: Connection) -> None:
    while (task := pipe.recv()) is not None:
        name, *words = task
        try:
            pipe.send(TASKS[name](*words))
        except StoreError as error:
            pipe.send(str(error))
