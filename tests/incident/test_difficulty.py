"""Three difficulties: the terms of each on a case, on complaints, and on the money for looks."""

from collections import Counter

import pytest

from simulator.incident.play import Play
from simulator.incident.player_actions import ActionError, read_actions
from simulator.incident.secret import DAY_S, DIFFICULTIES, LevelError, at_level, draw, level_of
from tests.incident.plays import ONSET, case, look, secret_of, wait

SPEC = case().incident
LEVELS = list(DIFFICULTIES)
SEEDS = range(1, 400)


def drawn(level):
    return [draw(case(), seed, level=level) for seed in SEEDS]


def test_the_usual_difficulty_is_the_case_itself():
    assert at_level(case(), "usual") is case()
    assert [draw(case(), seed) for seed in range(9)] == [draw(case(), seed, level="usual") for seed in range(9)]


def test_an_easy_incident_has_the_most_frequent_cause_of_each_place():
    easy = at_level(case(), "easy").incident
    places = [cause.enters_at for cause in easy.causes.values()]
    assert sorted(map(str, places)) == sorted({str(cause.enters_at) for cause in SPEC.causes.values()})
    for name, cause in SPEC.causes.items():
        [chosen] = [one for one, other in easy.causes.items() if other.enters_at == cause.enters_at]
        assert chosen in (name, SPEC.nothing) or cause.often <= SPEC.causes[chosen].often
    secrets = drawn("easy")
    assert {secret.cause for secret in secrets} == set(easy.causes) and easy.nothing in easy.causes
    assert not any(secret.second for secret in secrets) and {secret.shape for secret in secrets} == {"abrupt"}


def test_a_hard_incident_has_any_cause_equally_often_with_a_decoy():
    secrets = drawn("hard")
    counts = Counter(secret.cause for secret in secrets)
    assert set(counts) == set(SPEC.causes)
    expected = len(secrets) / len(SPEC.causes)  # each count within five standard deviations of a Poisson number
    assert all(abs(count - expected) < 5 * expected**0.5 for count in counts.values())
    assert all(secret.decoy for secret in secrets) and {secret.shape for secret in secrets} == {"gentle", "intermittent"}
    harmful = [secret for secret in secrets if not SPEC.causes[secret.cause].harmless]
    share = sum(secret.second is not None for secret in harmful) / len(harmful)
    assert abs(share - 0.25) < 5 * (0.25 * 0.75 / len(harmful)) ** 0.5


def at(level, *actions):
    secret = secret_of("blurred_camera", "abrupt")
    return Play(case(), secret.__class__(**vars(secret) | {"level": level}), read_actions(list(actions)))


def test_a_hard_complaint_names_no_place():
    words = {level: at(level).complaint((ONSET + 3) * DAY_S) for level in LEVELS}
    sites = [site.label for site in SPEC.sites.values()]
    assert [any(site in words[level] for site in sites) for level in LEVELS] == [True, True, False]


def test_looks_beyond_the_money_of_a_hard_incident_are_refused_and_cost_nothing():
    made = at("hard", wait(24 * 4), look("preprocessing"), look("replicas"))  # 90 and 30 USD
    before = made.now_s, made.usd, len(made.notes)
    assert made.looks_usd_left == DIFFICULTIES["hard"].looks_usd - 120
    with pytest.raises(ActionError, match="this look costs 290 USD, and 280 USD are left for looks"):
        made.act(read_actions([look("shadow")])[0])
    assert before == (made.now_s, made.usd, len(made.notes))
    made.act(read_actions([look("counters")])[0])
    assert at("usual", wait(24 * 4), look("shadow"), look("audit"), look("audit")).labels == 200


def test_an_unknown_difficulty_is_refused():
    with pytest.raises(LevelError, match="there is no difficulty 'harder'"):
        level_of("harder")
