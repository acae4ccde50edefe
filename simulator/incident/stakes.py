"""The money at stake in an incident: what each cause is expected to cost under each fix, and what a look is worth.

A look is worth the expected saving of the best fix after it, beside the best fix without it (the value of information: Howard
1966, Information value theory).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulator.arrays import Floats
from simulator.case.schema import Scenario
from simulator.evidence.evidence_tables import COUNT, Range, Table, columns
from simulator.incident.beliefs import FALSE_ALARM, Beliefs, entropy
from simulator.incident.fixes import UndoFix
from simulator.incident.player_actions import LookAction
from simulator.incident.section import Incident
from simulator.paths import INCIDENTS

#: A fix may do more harm than it takes away.
FIXES = Table(
    "fixes.csv",
    columns("cause fix") | columns("took_away took_low took_high", Range(-1000, 1000)) | columns("n", Range(1, 1e9)),
)
HARMS = Table("harms.csv", columns("cause shape") | columns("harm_a_day") | columns("n", COUNT))
#: A fix that takes away this share of the harm ends a cause; the chance that one at a single site goes to the right site.
_ENDS, _AIM = 0.9, 0.95
#: Looks complete each other: one is worth at least this part of its share of the open bits.
_AHEAD = 0.5
_MINUTES_A_DAY = 1440.0


@dataclass(frozen=True, eq=False)
class Stakes:
    """Expected costs of each fix (rows) under each cause and shape (columns, in the order of the beliefs), in USD.

    rate: the harm of a day, shape (places,); took: the share of it that a fix takes away, shape (fixes, places)
    price, daily, wait_days: of each fix: to ship it, of each further day, and until it is in force, shapes (fixes,)
    return_usd: the cost of an incident that comes back because its cause was not named
    """

    spec: Incident
    beliefs: Beliefs
    fixes: list[str]
    rate: Floats
    took: Floats
    price: Floats
    daily: Floats
    wait_days: Floats
    return_usd: float

    @classmethod
    def of(cls, scenario: Scenario, spec: Incident, beliefs: Beliefs) -> Stakes:
        """Read the measured effects and harms of a case; raises EvidenceError."""
        folder, made_by = INCIDENTS / scenario.id, "make incidents"
        effects, harms = FIXES.read(folder, made_by), HARMS.read(folder, made_by)
        shown = effects["took_away"].where((effects["took_low"] > 0) | (effects["took_high"] < 0), 0.0)
        took = dict(zip(zip(effects["fix"], effects["cause"], strict=True), shown, strict=True))
        a_day = harms.groupby("cause")["harm_a_day"].mean()
        names = [name for name, fix in spec.fixes.items() if name in set(effects["fix"]) and fix.kind != "threshold"]
        fixes = [spec.fixes[name] for name in names]
        return cls(
            spec,
            beliefs,
            names,
            np.array([a_day.get(cause, 0.0) for cause in beliefs.causes]) * spec.harm.usd.value,
            np.array([[took.get((name, cause), 0.0) for cause in beliefs.causes] for name in names]),
            np.array([fix.price(1) for fix in fixes]),
            np.array([fix.usd_a_day for fix in fixes]),
            np.array([fix.minutes / _MINUTES_A_DAY for fix in fixes]),
            spec.return_usd,
        )

    def without(self, fix: str) -> Stakes:
        """Return the stakes once a fix is shipped and a cause is named: one that puts back can be shipped again."""
        rest = [place for place, name in enumerate(self.fixes) if name != fix or isinstance(self.spec.fixes[name], UndoFix)]
        rows = {name: getattr(self, name)[rest] for name in ("took", "price", "daily", "wait_days")}
        left = np.where(self._ends(fix) > 0, 1.0, 1 - np.clip(self.took[self.fixes.index(fix)], 0, 1))
        return replace(self, rate=self.rate * left, fixes=[self.fixes[place] for place in rest], return_usd=0.0, **rows)

    def costs(self, now: Floats, days: float) -> Floats:
        """Return the expected cost of each fix, if the harm goes on for `days` without one.

        now: the probability of each place, (places, ...); the result has the fixes in place of the places.
        """
        acting = np.maximum(days - self.wait_days, 0.0)[:, None]
        left = self.rate * (days - self.took * acting)
        fixed = self.price + self.daily * acting[:, 0]
        return np.asarray(left @ now + (fixed if now.ndim == 1 else fixed[:, None]))

    def value(self, now: Floats, days: float) -> Floats:
        """Return the expected cost of the best fix, and of a cause that is not named; now: (places, ...)."""
        names, place = self.beliefs.names
        by_cause = np.zeros((len(names), *now.shape[1:]))
        np.add.at(by_cause, place, now)
        return np.asarray(self.costs(now, days).min(axis=0) + self.return_usd * (1 - by_cause.max(axis=0)))

    def gain(self, question: str, look: LookAction, now: Floats, days: float, ahead: bool) -> float:
        """Return the expected saving of a look, less its price and the harm while it lasts (USD).

        ahead: whether later looks are reckoned with: one is worth a part of its share of the open bits times the saving of all
        """
        joint = now[:, None] * self.beliefs.chances[question][1]
        chance = joint.sum(axis=0)
        minutes, usd = self.spec.look_cost(self.spec.looks[look.look], look.frames)
        waiting = float(self.rate @ now) * minutes / _MINUTES_A_DAY
        value, known = float(self.value(now, days)), float(self.costs(np.eye(len(now)), days).min(axis=0) @ now)
        open_bits = entropy(np.array([*self.beliefs.by_cause(now).values()]))
        part = self.beliefs.bits(question, now) / max(open_bits, 1e-9)
        saving = value - float(chance @ self.value(joint / chance, days))
        saving = max(saving, _AHEAD * part * (value - known)) if ahead else saving
        return saving - usd - waiting

    def best_fix(self, now: Floats, days: float) -> str:
        """Return the fix with the least expected cost."""
        return self.fixes[int(self.costs(now, days).argmin())]

    def presses(self, fix: str, now: Floats, days: float) -> bool:
        """Return whether a day of the harm that a fix spares exceeds its price, as far as it would be spent in vain."""
        place = self.fixes.index(fix)
        spared = self.rate * self.took[place]
        price = self.price[place] + self.daily[place] * days
        return bool(spared @ now >= now[spared * days < price].sum() * price)

    def after(self, fix: str, now: Floats) -> Floats:
        """Return the probability of each place once a fix is in force: what it ended counts as nothing."""
        kept = now * (1 - self._ends(fix)) * (self.rate > 0)
        alarm = np.array(self.beliefs.causes) == FALSE_ALARM
        return np.asarray(kept + (1 - kept.sum()) * alarm / alarm.sum())

    def _ends(self, fix: str) -> Floats:
        """Return the chance that a fix ends each cause, (places,): that of the right site, or none where it helps a little."""
        aimed = _AIM if self.spec.fixes[fix].by_site else 1.0
        return np.where(self.took[self.fixes.index(fix)] >= _ENDS, aimed, 0.0)
