"""Five incidents in a row: one budget of monitors has to last for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.app.store.incident_log import StoredIncident
from simulator.errors import InputError
from simulator.incident.monitoring import priced
from simulator.incident.player_actions import Action, WatchAction, read_actions
from simulator.incident.section import Incident
from simulator.incident.watches import Watch

#: The number of incidents, and the sum of their monitors' prices a week that they may reach together (USD).
FIVE, BUDGET_USD = 5, 1500.0


class BudgetError(InputError):
    """The monitors cost more than the incidents in a row have left."""


def dearest_watches(spec: Incident, actions: Sequence[Action]) -> float:
    """Return the price a week (USD) of an incident's dearest monitors; those of the case count unless others came first.

    Before the first action nothing is watched.
    """
    if not actions:
        return 0.0
    sets = [action.watches for action in actions if isinstance(action, WatchAction)]
    if not isinstance(actions[0], WatchAction):
        sets.append(spec.watches)
    return max(priced(list(each), spec.prices) for each in sets)


def affordable(spec: Incident, usd: float) -> list[Watch]:
    """Return the monitors of the case that a price a week allows, in its order; a dearer one is left out."""
    chosen: list[Watch] = []
    for watch in spec.watches:
        if priced([*chosen, watch], spec.prices) <= usd:
            chosen.append(watch)
    return chosen


@dataclass(frozen=True)
class FiveInARow:
    """Incidents of one row in their order; left_usd: of the budget after all of them."""

    incidents: tuple[StoredIncident, ...]
    left_usd: float

    @classmethod
    def of(cls, spec: Incident, own: Iterable[StoredIncident], series: str) -> FiveInARow:
        """Choose the incidents of a row among a visitor's own."""
        row = sorted((incident for incident in own if incident.hidden.series == series), key=lambda one: one.hidden.place)
        spent = sum(dearest_watches(spec, read_actions(incident.actions)) for incident in row)
        return cls(tuple(row), BUDGET_USD - spent)

    @property
    def over(self) -> bool:
        return len(self.incidents) >= FIVE and self.incidents[-1].revealed

    @property
    def next_place(self) -> int | None:
        """The place of the next incident; None while the last one goes on, and after the fifth."""
        ready = not self.incidents or self.incidents[-1].revealed
        return len(self.incidents) + 1 if ready and len(self.incidents) < FIVE else None

    def check(self, spec: Incident, one: StoredIncident, action: Action) -> None:
        """Raise BudgetError if the monitors of an action go beyond the budget of the row."""
        if not isinstance(action, WatchAction):
            return
        before = dearest_watches(spec, read_actions(one.actions))
        more = priced(list(action.watches), spec.prices) - before
        if more > self.left_usd:
            raise BudgetError(
                f"these monitors cost {before + more:,.0f} USD a week, and {self.left_usd + before:,.0f} USD a week are left "
                "for this incident and those that follow; remove some"
            )
