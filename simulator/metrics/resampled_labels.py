"""The labelled people behind a plan: the items of each class and group, and how often each resample draws them."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from threading import RLock

import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray
from scipy.special import betaincinv

from simulator.case.attributes import item_values
from simulator.engine.plan import Plan
from simulator.engine.stages.gate import Gate
from simulator.evidence.score_tables import Published, ScoreTable
from simulator.limits import MIB
from simulator.metrics.exact_draws import LabelledClass
from simulator.records.streams import cache_per_plan

Floats = NDArray[np.float64]

#: Resamples of the labelled for what is a sum over people.
RESAMPLES = 1000

SEED = 0


def item_gates(plan: Plan) -> dict[str, Gate]:
    return plan.scenario.item_gates() if plan.tables else {}


def weights_of(table: ScoreTable) -> Floats:
    """Return the number of draws of each labelled item in each resample, positives first, shape (RESAMPLES, items).

    A published curve has no patients: as many points are drawn of each class as people stand behind it.
    """
    if isinstance(table.about, Published):
        return _published_weights(len(table.positives), round(table.positive_evidence))
    return _weights(tuple(np.concatenate([table.positive_patients, table.negative_patients]).tolist()))


@lru_cache(maxsize=8)
def _weights(patients: tuple[int, ...]) -> Floats:
    codes = np.unique(np.array(patients), return_inverse=True)[1]
    people, rng = int(codes.max()) + 1, np.random.default_rng(SEED)
    drawn = rng.multinomial(people, np.full(people, 1 / people), RESAMPLES).astype(float)
    return np.ascontiguousarray(drawn[:, codes])


@lru_cache(maxsize=8)
def _published_weights(points: int, evidence: int) -> Floats:
    rng = np.random.default_rng(SEED)
    classes = [rng.multinomial(evidence, np.full(points, 1 / points), RESAMPLES) for _ in range(2)]
    return np.concatenate(classes, axis=1).astype(float)


def _class_of(table: ScoreTable, of_class: int) -> Hashable:
    return table.content, of_class


def _group_of(table: ScoreTable, of_class: int, members: NDArray[np.bool_]) -> Hashable:
    return table.content, of_class, members.tobytes()


@cached(LRUCache(8), _class_of, RLock())
def labelled_class(table: ScoreTable, of_class: int) -> LabelledClass:
    """Return the labelled items of a class: 0 the negatives, 1 the positives."""
    negative, positive = np.split(weights_of(table), [len(table.positives)], axis=1)[::-1]
    if of_class:
        return LabelledClass(table.positives, table.positive_patients, positive, table.positive_evidence)
    return LabelledClass(table.negatives, table.negative_patients, negative, table.negative_evidence)


#: The groups that were asked for last, in so many bytes: every design with equal scores asks for the same.
_GROUPS: LRUCache[Hashable, LabelledClass] = LRUCache(48 * MIB, lambda group: group.nbytes)


@cached(_GROUPS, _group_of, RLock())
def labelled_group(table: ScoreTable, of_class: int, members: NDArray[np.bool_]) -> LabelledClass:
    """Return the items of a group in a class; members: those of the class that belong to it, shape (items,)."""
    whole = labelled_class(table, of_class)
    return whole if members.all() else whole.of(members)


@cache_per_plan
def item_groups(plan: Plan) -> dict[str, NDArray[np.bool_]]:
    """Return the labelled items of each group that metrics are reported of, by its key, positives first, shape (items,)."""
    scenario = plan.scenario
    reported = dict.fromkeys(metric.group for metric in scenario.metrics.values() if metric.group)
    of_items = [name for name, attribute in scenario.attributes.items() if plan.tables and attribute.of_items]
    values = {name: item_values(plan, name) for name in of_items}
    return {
        group.key: values[group.attribute] == scenario.attributes[group.attribute].categories.index(group.value)
        for group in reported
        if group.attribute in values
    }


def labelled_people(table: ScoreTable, members: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the number of labelled people behind the negatives and the positives of a group; members: shape (items,)."""
    positive = len(table.positives)
    counts = []
    for patients, part, evidence in (
        (table.negative_patients, members[positive:], table.negative_evidence),
        (table.positive_patients, members[:positive], table.positive_evidence),
    ):
        counts.append(min(len(np.unique(patients[part])), round(evidence)))
    return counts[0], counts[1]


def never_seen(people: int) -> Floats:
    places = np.random.default_rng(SEED).permutation(RESAMPLES) + 0.5
    return np.asarray(betaincinv(1, max(people, 1), places / RESAMPLES))
