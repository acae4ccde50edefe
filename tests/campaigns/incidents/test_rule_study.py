"""The committed plays of rules are those that a replay gives, and careful play is not accused."""

from __future__ import annotations

import pandas as pd
import pytest

from campaigns.incidents.rule_study import RULE_COLUMNS, fired_in, rules_fired, wanted_plays
from simulator.errors import InputError
from simulator.incident.incident_signals import INCIDENT_RULES
from simulator.paths import INCIDENTS
from simulator.session.session_signals import LEVELS

CASE = "production-drift"
ROWS = pd.read_csv(INCIDENTS / CASE / "rules.csv", keep_default_na=False)
LOW = {rule.name for rule in INCIDENT_RULES if LEVELS.index(rule.level) < 2}


def committed() -> dict[tuple[str, str, str, int], str]:
    return {(row.player, row.cause, row.shape, row.seed): row.fired for row in ROWS.itertuples(index=False)}


def test_the_table_holds_an_incident_of_each_cause_and_shape() -> None:
    assert list(ROWS.columns) == RULE_COLUMNS
    assert set(committed()) == set(wanted_plays(CASE, 1)) and len(ROWS) == 4 * len(
        set(zip(ROWS["cause"], ROWS["shape"], strict=True))
    )


@pytest.mark.parametrize("player", ["naive", "guess", "methodical"])
def test_a_replayed_play_fires_the_rules_of_its_row(player: str) -> None:
    wanted = next(one for one in wanted_plays(CASE, 1) if one[0] == player and one[1] == "blurred_camera")
    assert fired_in(CASE, wanted)[-1] == committed()[wanted]


@pytest.mark.long
def test_every_row_is_that_of_a_replay() -> None:
    made = rules_fired(CASE, 1, workers=2)
    assert [tuple(row) for row in made.to_numpy().tolist()] == [tuple(row) for row in ROWS.to_numpy().tolist()]


def test_a_case_without_rehearsed_signs_is_refused() -> None:
    with pytest.raises(InputError, match="no `incident` section"):
        wanted_plays("retry-storm", 1)


@pytest.mark.parametrize("player", ["sensible", "methodical"])
def test_no_low_level_is_given_to_more_than_a_tenth_of_careful_plays(player: str) -> None:
    plays = ROWS[ROWS["player"] == player]["fired"].str.split()
    for rule in LOW:
        assert sum(rule in fired for fired in plays) <= len(plays) / 10, rule


@pytest.mark.parametrize("player", ["naive", "guess"])
def test_no_high_level_is_given_to_careless_plays(player: str) -> None:
    plays = ROWS[ROWS["player"] == player]["fired"].str.split()
    high = {rule.name for rule in INCIDENT_RULES} - LOW
    assert not [fired for fired in plays if high & set(fired)]
