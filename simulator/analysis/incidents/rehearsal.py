"""Incidents played beforehand: which signs each cause brings at the moment when somebody is paged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

import pandas as pd

from simulator.analysis.incidents.actions import WaitAction
from simulator.analysis.incidents.beliefs import COLUMNS, answered, questions
from simulator.analysis.incidents.play import Play
from simulator.analysis.incidents.secret import draw, spec_of
from simulator.scenario import Scenario, load

Given = TypeVar("Given")
Found = TypeVar("Found")

#: Seeds from here on are for rehearsals; those below are for players and studies of them.
FIRST_SEED = 1_000_000


def rehearse(case: str, seeds: int, workers: int = 1, tick: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """How often each cause, as it comes, brings each sign, over so many seeds: rows of `COLUMNS`; one tick an incident."""
    causes = spec_of(load(case)).causes.items()
    wanted = [(name, shape, FIRST_SEED + k) for name, cause in causes for shape in cause.shapes for k in range(seeds)]
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for cause, shape, signs in over_processes(partial(_signs, case), wanted, workers):
        counts.update((cause, shape, question, sign) for question, sign in signs)
        tick()
    rows = [(*key, count) for key, count in sorted(counts.items())]
    return pd.DataFrame(rows, columns=COLUMNS)


def over_processes(work: Callable[[Given], Found], wanted: Sequence[Given], workers: int) -> Iterator[Found]:
    """What comes of each, in order; on so many processes, or in this one."""
    if workers == 1:
        yield from map(work, wanted)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, wanted, chunksize=4)


def _signs(case: str, wanted: tuple[str, str, int]) -> tuple[str, str, list[tuple[str, str]]]:
    cause, shape, seed = wanted
    play = Play(case_of(case), draw(case_of(case), seed, cause, shape))
    paged = until_paged(play)
    now, found = play.now_s, [paged]
    for look in questions(play.spec).values():
        found.append(answered(play.spec, play.act(look)))
        play.now_s = now  # every question is asked at the same time
    return cause, shape, [sign for sign in found if sign is not None]


def until_paged(play: Play) -> tuple[str, str] | None:
    """Wait until something rings at or after the onset; what rang."""
    note = play.act(WaitAction(kind="wait"))
    while note.until_s < play.secret.onset_s and play.now_s < play.end_s:
        note = play.act(WaitAction(kind="wait"))
    return answered(play.spec, note)


_CASES: dict[str, Scenario] = {}


def case_of(name: str) -> Scenario:
    """Read a case once in each process."""
    if name not in _CASES:
        _CASES[name] = load(name)
    return _CASES[name]
