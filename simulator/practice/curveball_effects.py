"""Effects of curveballs: each objective against the calm run of the same design under the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from simulator.engine.compiled_plan import strikes_of, without_curveballs
from simulator.explain.claims import Claim, difference, on_metric, on_verdict, said
from simulator.explain.judged_changes import JudgedChange
from simulator.metrics.comparisons import differences, in_pairs
from simulator.metrics.summary import Summary
from simulator.phrases import Slot, phrase

#: The metric that says in metres what a curveball took.
MARGIN = "margin_mean_m"


@dataclass(frozen=True)
class Toll(JudgedChange):
    """One objective in the calm run, before a strike, and in the struck one. runs: the hashes of both runs

    A figure that only one of the two runs has is beyond chance, too.
    """

    runs: tuple[str, str] = "", ""

    @property
    def matters(self) -> bool:
        return self.before.standing != self.after.standing or self.real

    @property
    def part(self) -> float:
        """The size of the change as a part of the larger value; 1 where one of the runs has no figure."""
        sides = [verdict.estimate for verdict in (self.before, self.after)]
        largest = max((abs(side.value) for side in sides if side), default=0.0)
        return abs(self.change.change.value) / largest if self.change and largest else 1.0

    @property
    def sides(self) -> tuple[str, ...]:
        """The figures of both runs in words, on their true side of the bound."""
        calm, struck = self.before.estimate, self.after.estimate
        if self.change and calm and struck:
            return self.change.sides_of(calm, struck, self.after.deciding_bound)
        return tuple(verdict.reached if verdict.estimate else "no figure" for verdict in (self.before, self.after))

    @property
    def verdicts(self) -> str:
        before, after = self.before.standing, self.after.standing
        return f"still {after}" if before == after else f"{before} → {after}"

    @property
    def claim(self) -> Claim:
        """Claim the change of the objective, whether it is beyond chance, and both verdicts."""
        slots = {"size": self.change.size, "interval": self.change.interval} if self.change else {"size": None}
        return self.said("changed", real=self.real, **slots)

    def said(self, key: str, **slots: Slot) -> Claim:
        """Claim the same in the text of a key."""
        calm, struck = self.sides
        was, now = self.before.standing, self.after.standing
        standings: dict[str, Slot] = {"was": was, "now": now, "turns": was != now}
        words = phrase(f"tolls.{key}", label=self.label, calm=calm, struck=struck, **standings, **slots)
        pairs = zip(self.runs, (self.before, self.after), strict=True)
        verdicts = [replace(on_verdict(verdict, words=words), run=run) for run, verdict in pairs]
        change = self.change.change if self.change else None
        return difference(self.after.metric, change, words, parts=(self.chance_claim(words), *verdicts), **self._pair)

    def chance_claim(self, words: str) -> Claim:
        """Claim whether the change is beyond chance."""
        return on_metric(self.after.metric, "beyond chance", self.real, words, evidence="paired run", **self._pair)

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
    changes = {change.metric.name: change for change in differences(*in_pairs(before, after))}
    runs = before.run_hash, after.run_hash
    paid = []
    for calm, struck in zip(before.verdicts, after.verdicts, strict=True):
        change = changes.get(struck.metric.name)
        real = change.significant if change else (calm.estimate is None) != (struck.estimate is None)
        paid.append(Toll(calm, struck, change, real=real, runs=runs))
    return paid


def summed_up(struck: Summary, paid: Sequence[Toll]) -> str:
    """Describe the effect of the curveballs on the objectives, in a paragraph that names them."""
    return said(toll_claims(struck, paid))


def toll_claims(struck: Summary, paid: Sequence[Toll]) -> list[Claim]:
    """Claim the number of objectives that changed, then the change of each one that matters."""
    strikes, changed = [strike.label for strike in strikes_of(struck.plan)], sum(toll.real for toll in paid)
    words = phrase("tolls.count", strikes=strikes, changed=changed, of=len(paid), every=changed == len(paid))
    claims = [toll.claim for toll in paid if toll.matters]
    by_chance = tuple(toll.chance_claim(words) for toll in paid if toll.change and not toll.real)
    first = Claim("objectives", "differs", changed, population="beyond chance", words=words, parts=by_chance)
    rest = changed and len(claims) < len(paid)
    words = phrase("tolls.others", others=len(paid) - len(claims))
    others = [Claim("objectives", "beyond chance", False, population="others", words=words)] if rest else []
    return _of_pair(paid, [first, *claims, *others])


def _of_pair(paid: Sequence[Toll], claims: Sequence[Claim]) -> list[Claim]:
    before, after = paid[0].runs if paid else ("", "")
    return [claim if claim.run else replace(claim, run=after, against=before) for claim in claims]


def largest_toll(paid: Sequence[Toll]) -> list[Claim]:
    """Claim the change of the objective that the curveballs changed most, and the number of others; empty for none."""
    changed = [toll for toll in paid if toll.real]
    most = max(
        [toll for toll in paid if toll.matters] or paid,
        key=lambda toll: (toll.before.standing != toll.after.standing, toll.part),
        default=None,
    )
    if most is None:
        return []
    count, claims = len(changed), [most.said("most", change=most.change.with_interval if most.change else None)]
    whole = Claim("objectives", "differs", count, population="beyond chance")
    if not changed:
        claims.insert(0, replace(whole, words=phrase("tolls.none")))
    elif others := count - most.real:
        rest = len(paid) - 1
        claims.append(replace(whole, words=phrase("tolls.too", others=others, rest=rest, all=others == rest, alone=rest == 1)))
    return _of_pair(paid, claims)


def metres_taken(before: Summary, after: Summary) -> Claim | None:
    """Claim the metres that the curveballs took; None where one of the two runs has no encounters."""
    every = differences(*in_pairs(before, after), every=True)
    change = next((change for change in every if change.metric.name == MARGIN), None)
    if change is None:
        return None
    calm, struck = change.sides
    words = phrase("tolls.metres", calm=calm, struck=struck, change=change.words, interval=change.interval)
    return difference(change.metric, change.change, words, run=after.run_hash, against=before.run_hash)


def toll_rows(paid: Sequence[Toll]) -> pd.DataFrame:
    """Tabulate the objectives: value calm and struck, the change with its 95% interval, both verdicts."""
    rows = [
        (
            toll.label,
            *toll.sides,
            toll.change.words if toll.change else "",
            toll.change.interval if toll.change else "",
            toll.verdicts,
        )
        for toll in paid
    ]
    return pd.DataFrame(rows, columns=["objective", "calm", "struck", "change", "95% interval", "verdict"])
