"""Where a person's changes went, beside what each choice would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from simulator.analysis.run.levers import Levers
from simulator.scenario.choices import Pick

#: From so many changes on it is told where they went.
ENOUGH = 3


def effort(designs: Sequence[Mapping[str, Pick]], levers: Levers) -> str:
    """To which choice most changes went, and where it ranks among the levers; empty where there are too few to say.

    designs: those that a person has run, in their order; levers: tried from the last of them
    """
    changed = Counter(name for before, after in pairwise(designs) for name in after if after[name] != before.get(name))
    ranked = _ranked(levers)
    told = [name for name, _ in changed.most_common() if name in ranked]
    if sum(changed.values()) < ENOUGH or not told or not levers.rows or levers.rows[0].best <= 0:
        return ""
    labels = {row.step.choice: row.step.label for row in levers.rows}
    most, first, count = told[0], ranked[0], sum(changed.values())
    went = f"Of your {count} changes, {changed[most]} went to “{labels[most]}”"
    if most == first:
        return f"{went}, the choice whose next step helps most."
    place = ranked.index(most) + 1
    other = f"number 1 is “{labels[first]}”, changed {_times(changed[first])}"
    return f"{went}, number {place} of {len(ranked)} choices by what a step helps; {other}."


def _ranked(levers: Levers) -> list[str]:
    """The choices by what their best step helps, the most first."""
    best: dict[str, float] = {}
    for row in levers.rows:
        best[row.step.choice] = max(best.get(row.step.choice, 0.0), row.best)
    return sorted(best, key=lambda name: -best[name])


def _times(count: int) -> str:
    return "never" if count == 0 else "once" if count == 1 else f"{count} times"
