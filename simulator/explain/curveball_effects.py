"""Effects of curveballs: each objective against the calm run of the same design under the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from simulator.engine.compiled_plan import strikes_of, without_curveballs
from simulator.explain.claims import Claim, difference, on_metric, on_verdict, said
from simulator.metrics.comparisons import Difference, differences, in_pairs
from simulator.metrics.summary import Summary, Verdict
from simulator.units import listed

#: The metric that says in metres what a curveball took.
MARGIN = "margin_mean_m"


_ONE_OTHER = "The other objective changed by no more than chance."
_OTHERS = "The other objectives changed by no more than chance."


@dataclass(frozen=True)
class Toll:
    """One objective in the calm run and in the struck one.

    change: paired; None where one of them has no such figure; runs: the hashes of both runs
    """

    calm: Verdict
    struck: Verdict
    change: Difference | None
    runs: tuple[str, str]

    @property
    def beyond_chance(self) -> bool:
        """True for a significant change, and for a figure that only one of the two runs has."""
        if self.change is None:
            return (self.calm.estimate is None) != (self.struck.estimate is None)
        return self.change.significant

    @property
    def matters(self) -> bool:
        return self.calm.standing != self.struck.standing or self.beyond_chance

    @property
    def part(self) -> float:
        """The size of the change as a part of the larger value; 1 where one of the runs has no figure."""
        sides = [verdict.estimate for verdict in (self.calm, self.struck)]
        largest = max((abs(side.value) for side in sides if side), default=0.0)
        return abs(self.change.change.value) / largest if self.change and largest else 1.0

    @property
    def values(self) -> str:
        return " → ".join(self.sides)

    @property
    def sides(self) -> tuple[str, ...]:
        """The figures of both runs in words, on their true side of the bound."""
        calm, struck = self.calm.estimate, self.struck.estimate
        if self.change and calm and struck:
            return self.change.sides(calm, struck, self.struck.deciding_bound)
        return tuple(verdict.reached if verdict.estimate else "no figure" for verdict in (self.calm, self.struck))

    @property
    def verdicts(self) -> str:
        before, after = self.calm.standing, self.struck.standing
        return f"still {after}" if before == after else f"{before} → {after}"

    @property
    def claim(self) -> Claim:
        """Claim the change of the objective, whether it is beyond chance, and both verdicts."""
        change = "" if self.change is None else f" ({self.change.size}, 95% interval {self.change.interval})"
        chance = "" if self.beyond_chance else ", not significantly different"
        return self.said(f"“{self.struck.objective.label}”: {self.values}{change}{chance}, {self.verdicts}.")

    def said(self, words: str, *more: Claim) -> Claim:
        """Claim the same in other words; more: the claims that the words make besides."""
        sides = zip(self.runs, (self.calm, self.struck), strict=True)
        both = [replace(on_verdict(one, words=words), run=run) for run, one in sides]
        metric, found, pair = self.struck.metric, self.change.change if self.change else None, self._pair
        return difference(metric, found, words, parts=(self.chance(words), *both, *more), **pair)

    def chance(self, words: str) -> Claim:
        """Claim whether the change is beyond chance."""
        return on_metric(self.struck.metric, "beyond chance", self.beyond_chance, words, evidence="paired run", **self._pair)

    @property
    def _pair(self) -> dict[str, str]:
        return {"run": self.runs[1], "against": self.runs[0]}


def tolls(before: Summary, after: Summary) -> list[Toll]:
    """Compare every objective of a struck run with the calm one, `before`; raises ValueError for two designs or seeds.

    Values and verdicts are those of the runs; a change rests on the replications that both have.
    """
    twins = without_curveballs(after.plan).identity == before.plan.identity
    if not twins or before.seed != after.seed:
        raise ValueError("a struck run is compared with the calm run of the same design and seed")
    paired = in_pairs(before, after)
    changes = {one.metric.name: one for one in differences(paired[0].measures, paired[1].measures, paired)}
    pairs = zip(before.verdicts, after.verdicts, strict=True)
    return [Toll(old, new, changes.get(new.metric.name), (before.run_hash, after.run_hash)) for old, new in pairs]


def summed_up(struck: Summary, paid: Sequence[Toll]) -> str:
    """Describe the effect of the curveballs on the objectives, in a paragraph that names them."""
    return said(toll_claims(struck, paid))


def toll_claims(struck: Summary, paid: Sequence[Toll]) -> list[Claim]:
    """Claim the number of objectives that changed, then the change of each one that matters."""
    named = listed([f"“{strike.label}”" for strike in strikes_of(struck.plan)])
    changed, against = sum(toll.beyond_chance for toll in paid), "Against the calm run of the same design and seed,"
    count = "every objective" if changed == len(paid) else f"{changed} of {len(paid)} objectives" if changed else "no objective"
    words = f"{against} {named} changed {count} by more than chance."
    claims = [toll.claim for toll in paid if toll.matters]
    by_chance = tuple(toll.chance(words) for toll in paid if toll.change and not toll.beyond_chance)
    first = Claim("objectives", "differs", changed, population="beyond chance", words=words, parts=by_chance)
    rest = changed and len(claims) < len(paid)
    words = _ONE_OTHER if len(paid) - len(claims) == 1 else _OTHERS
    others = [Claim("objectives", "beyond chance", False, population="others", words=words)] if rest else []
    return _of_pair(paid, [first, *claims, *others])


def _of_pair(paid: Sequence[Toll], claims: Sequence[Claim]) -> list[Claim]:
    before, after = paid[0].runs if paid else ("", "")
    return [claim if claim.run else replace(claim, run=after, against=before) for claim in claims]


def largest_toll(paid: Sequence[Toll]) -> list[Claim]:
    """Claim the change of the objective that the curveballs changed most, and the number of others; empty for none."""
    changed = [toll for toll in paid if toll.beyond_chance]
    most = max(
        [toll for toll in paid if toll.matters] or paid,
        key=lambda toll: (toll.calm.standing != toll.struck.standing, toll.part),
        default=None,
    )
    if most is None:
        return []
    change = f", {most.change.with_interval}" if most.change else ""
    sentence = f"Against the calm run, “{most.struck.objective.label}” changed most: {most.values}{change}, {most.verdicts}."
    count, claims = len(changed), [most.said(sentence)]
    whole = Claim("objectives", "differs", count, population="beyond chance")
    if not changed:
        claims.insert(0, replace(whole, words="No objective changed by more than chance."))
    elif others := count - most.beyond_chance:
        claims.append(replace(whole, words=f"{_number_of(others, len(paid) - 1)} changed too."))
    return _of_pair(paid, claims)


def _number_of(others: int, rest: int) -> str:
    # `The other objective`, `All 3 other objectives`, `2 of the 3 other objectives`
    if others < rest:
        return f"{others} of the {rest} other objectives"
    return "The other objective" if rest == 1 else f"All {rest} other objectives"


def metres_taken(before: Summary, after: Summary) -> Claim | None:
    """Claim the metres that the curveballs took; None where one of the two runs has no encounters."""
    before, after = in_pairs(before, after)
    every = differences(before.measures, after.measures, (before, after), every=True)
    change = next((one for one in every if one.metric.name == MARGIN), None)
    if change is None:
        return None
    left = change.sides(before.metrics[MARGIN], after.metrics[MARGIN])
    what = "Metres left at standstill, on average (below 0: that many more were needed)"
    words = f"{what}: {left[0]} → {left[1]} ({change.words}, 95% interval {change.interval})."
    return difference(change.metric, change.change, words, run=after.run_hash, against=before.run_hash)


def toll_rows(paid: Sequence[Toll]) -> pd.DataFrame:
    """Tabulate the objectives: value calm and struck, the change with its 95% interval, both verdicts."""
    rows = [
        (
            toll.struck.objective.label,
            *toll.sides,
            toll.change.words if toll.change else "",
            toll.change.interval if toll.change else "",
            toll.verdicts,
        )
        for toll in paid
    ]
    return pd.DataFrame(rows, columns=["objective", "calm", "struck", "change", "95% interval", "verdict"])
