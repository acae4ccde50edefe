"""Incidents played beforehand, to count the signs of each cause at the time of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import pandas as pd

from campaigns.over_processes import over_processes
from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.incident.beliefs import EARLY, FALSE_ALARM, FIRST, IN_TIME, SIGNS, answered, questions
from simulator.incident.play import Play
from simulator.incident.player_actions import WaitAction
from simulator.incident.secret import draw, spec_of

#: Seeds from here on are for rehearsals; those below are for players and studies of them.
FIRST_SEED = 1_000_000


def rehearse(case: str, seeds: int, workers: int = 1, tick: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """Count the signs of each cause and shape over `seeds` seeds, as rows of `SIGNS`; one tick an incident.

    All causes of a round share its seed, so that one run of the servers does for them.
    """
    wanted = to_rehearse(case, seeds)
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for cause, shape, signs in over_processes(partial(_signs, case), wanted, workers):
        counts.update((cause, shape, question, sign) for question, sign in signs)
        tick()
    rows = [(*key, count) for key, count in sorted(counts.items())]
    return pd.DataFrame(rows, columns=SIGNS.names)


def to_rehearse(case: str, seeds: int) -> list[tuple[str, str, int]]:
    """Return every incident to rehearse: its cause, shape and seed."""
    causes = spec_of(case_of(case)).causes
    return [(name, shape, FIRST_SEED + k) for k in range(seeds) for name, cause in causes.items() for shape in cause.shapes]


def _signs(case: str, wanted: tuple[str, str, int]) -> tuple[str, str, list[tuple[str, str]]]:
    cause, shape, seed = wanted
    scenario = case_of(case)
    play = Play(scenario, draw(scenario, seed, cause, shape))
    paged = until_paged(play)
    if paged is None or play.now_s >= play.end_s:
        return cause, shape, []
    now, signs = play.now_s, [paged]
    if cause != FALSE_ALARM:
        signs.append((FIRST, EARLY if len(play.notes) > 1 else IN_TIME))
    for look in questions(play.spec).values():
        sign = answered(play.spec, play.act(look))
        signs += [] if sign is None else [sign]
        play.now_s = now  # every look is taken at the time of the page
        play.canaries.clear()  # and of the stream without the look before
    return cause, shape, signs


def until_paged(play: Play) -> tuple[str, str] | None:
    """Wait for an alarm at or after the onset, at any time if nothing happens, and return its sign; None without one."""
    note = play.act(WaitAction(kind="wait"))
    happens = any(play.spec.causes[name].effects for name in play.secret.causes)
    while happens and note.until_s < play.secret.onset_s and play.now_s < play.end_s:
        note = play.act(WaitAction(kind="wait"))
    return answered(play.spec, note)


_CASES: dict[str, Scenario] = {}


def case_of(name: str) -> Scenario:
    """Return a case, read once in each process."""
    if name not in _CASES:
        _CASES[name] = load(name)
    return _CASES[name]
