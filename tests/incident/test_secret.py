"""Secrets: what a seed draws, and what is told of a cause that is not there."""

import pytest
from scipy.stats import binomtest, kstest

from simulator.case.load import load
from simulator.incident.secret import DAY_S, SecretError, draw, quiet, spec_of
from tests.incident.plays import case

SEEDS = range(1, 1001)


@pytest.fixture(scope="module")
def drawn():
    return [draw(case(), seed) for seed in SEEDS]


def test_the_same_seed_holds_the_same_secret(drawn):
    assert drawn[:50] == [draw(case(), seed) for seed in SEEDS[:50]]
    assert len({secret.onset_s for secret in drawn}) == len(drawn)


def test_a_cause_and_a_shape_can_be_given(drawn):
    given = draw(case(), 1, "stale_model", "gentle")
    assert (given.cause, given.shape) == ("stale_model", "gentle") and given.onset_s == drawn[0].onset_s


def test_every_cause_comes_as_often_as_the_case_says(drawn):
    spec = spec_of(case())
    for cause in spec.causes:
        hits = sum(secret.cause == cause for secret in drawn)
        assert binomtest(hits, len(drawn), spec.prior[cause]).pvalue > 0.001, cause


def test_it_begins_evenly_between_the_two_days(drawn):
    first, last = spec_of(case()).onset_days
    days = [secret.onset_s / DAY_S for secret in drawn]
    assert kstest(days, "uniform", args=(first, last - first)).pvalue > 0.01


def test_other_causes_move_with_any_decoy_as_often_as_the_case_says(drawn):
    spec = spec_of(case())
    mine = [secret for secret in drawn if secret.cause and not spec.causes[secret.cause].decoys]
    lured = [secret.decoy for secret in mine if secret.decoy]
    assert binomtest(len(lured), len(mine), spec.decoy_share.value).pvalue > 0.001
    assert set(lured) == set(spec.decoys)


def test_a_gentle_one_is_whole_after_the_ramp():
    spec = spec_of(case())
    gentle, abrupt = (draw(case(), 1, "fog_season", shape) for shape in ("gentle", "abrupt"))
    assert gentle.full_s(spec) - gentle.onset_s == spec.ramp_days * DAY_S and abrupt.full_s(spec) == abrupt.onset_s


def test_quiet_weeks_have_nothing_behind_them():
    spec, calm = spec_of(case()), quiet(3)
    assert calm.cause is None and calm.effects(spec) == [] and calm.entries(spec) == []


def test_what_is_not_there_is_told_with_what_there_is():
    with pytest.raises(SecretError, match="there is no cause 'fogseason'; did you mean 'fog_season'"):
        draw(case(), 1, "fogseason")
    with pytest.raises(SecretError, match="'fog_season' comes abrupt or gentle, not 'sudden'"):
        draw(case(), 1, "fog_season", "sudden")
    with pytest.raises(SecretError, match=r"has no `incident` section"):
        draw(load("skin-cancer-triage"), 1)
