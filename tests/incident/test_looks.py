"""What each look shows: the truth of each cause, figures worked out again, and intervals that hold what they promise."""

import re

import numpy as np
import pandas as pd
import pytest

from simulator.incident.looks import clustered, found_share
from simulator.incident.measured_scenes import read_scenes
from simulator.incident.play import Play
from simulator.incident.player_actions import read_actions
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.server_looks import log_lines
from simulator.incident.watches import WATCHED
from tests.incident.plays import (
    ONSET,
    WHOLE,
    Undisturbed,
    case,
    fix,
    look,
    play,
    secret_of,
    seen,
    untouched,
    wait,
)

SPEC = case().incident
WHERE_ENTERED = {name: {effect.enters_at for effect in cause.effects} for name, cause in SPEC.causes.items()}


# Signs of each cause


@pytest.mark.parametrize("cause", WHERE_ENTERED)
def test_stored_frames_answer_otherwise_only_if_something_entered_on_the_servers(cause):
    found = seen(cause, "replay")
    moved = found.table.set_index("figure")["detections a frame"]["change"]
    assert (moved != 0) == ("server" in WHERE_ENTERED[cause])
    assert found.sign == "same" or "server" in WHERE_ENTERED[cause]


@pytest.mark.long
@pytest.mark.parametrize("cause", WHERE_ENTERED)
def test_replicas_tell_what_is_not_as_tested(cause):
    expected = {"stale_model": "1 model", "input_scale": "1 preparation", "swapped_colours": "every preparation",
            "int8_rollout": "every model", "raised_threshold": "every counting", "capped_boxes": "every counting",
            "old_nodes": "every model"}  # fmt: skip
    assert seen(cause, "replicas").sign.removesuffix(", older") in (
        expected.get(cause, "as tested"),
        expected.get(cause, "older"),
    )


def test_the_stale_replica_is_the_one_that_answers_otherwise():
    made = play("stale_model", wait(24 * 7), look("replicas"), shape="abrupt")
    table, frames = made.notes[-1].finding.table.set_index("replica"), made.statistics().frames
    odd = [name for name in table.index if table.loc[name, "model file"] != table.loc["tested", "model file"]]
    assert odd == [f"replica {place + 1}" for place in set(frames.served.replica[frames.struck])]
    assert table["preparation"].nunique() == table["counting"].nunique() == 1


def test_replicas_are_as_tested_again_once_rolled_back():
    actions = wait(24 * 5), fix("roll_back"), look("replicas")
    assert play("stale_model", *actions, shape="abrupt").notes[-1].finding.sign in ("as tested", "older")
    table = play("fog_season", wait(24), fix("bigger_model"), look("replicas"), shape="abrupt").notes[-1].finding.table
    assert table["model file"].nunique() == 2


@pytest.mark.parametrize(
    ("cause", "sign"),
    [("fog_season", "nowhere"), ("swapped_colours", "everywhere"), ("input_scale", "some replicas"), ("guideline", "nowhere")],
)
def test_preprocessing_tells_where_frames_are_prepared_otherwise(cause, sign):
    assert seen(cause, "preprocessing").sign == sign


@pytest.mark.parametrize(("cause", "shipped"), [("fog_season", "bigger_model"), ("stale_model", None), ("int8_rollout", None)])
def test_another_network_that_gets_what_it_was_trained_on_is_not_said_to_be_prepared_otherwise(cause, shipped):
    made = play(cause, wait(24 * 4), *([fix(shipped)] if shipped else []), wait(30), look("preprocessing"), shape="abrupt")
    assert made.notes[-1].finding.sign == "nowhere"


@pytest.mark.parametrize("cause", WHERE_ENTERED)
@pytest.mark.parametrize("decoy", [None, "more_clips"])
def test_the_log_holds_a_month_with_what_the_cause_and_its_decoy_wrote_at_the_onset(cause, decoy):
    made = play(cause, wait(24 * 5), look("changes"), shape="abrupt", decoy=decoy)
    written = [part.log for part in (SPEC.causes[cause], SPEC.decoys.get(decoy)) if part and part.log]
    lines = [(at_s, name) for at_s, name in log_lines(made.view()) if at_s == made.secret.onset_s]
    assert len(lines) == len(written) and all(any(name in names for names in written) for _, name in lines)
    table = made.notes[-1].finding.table
    assert len(table) >= 12 and set(table["change"]) <= {entry.text for entry in SPEC.log.values()}


def test_the_log_says_days_so_that_no_reading_finds_lines_of_one_moment():
    """Lines with an hour would show that two of them are of one moment, that of a cause and its decoy; so would an age."""
    first, later = (
        play("stale_model", wait(hours), look("changes"), shape="abrupt", decoy="more_clips") for hours in (97, 119)
    )
    rows = [set(made.notes[-1].finding.table.itertuples(index=False, name=None)) for made in (first, later)]
    assert all(re.fullmatch(r"day \d+|\d+ days? before day 1", when) for when, *_ in rows[0])
    assert {row for row in rows[0] if row[0].startswith("day")} <= rows[1]


def test_every_line_of_a_cause_also_comes_without_harm():
    named = {name for cause in SPEC.causes.values() for name in cause.log}
    assert all(SPEC.log[name].a_month > 0 for name in named)
    quiet = [name for seed in range(1, 16) for _, name in log_lines(untouched("nothing", seed=seed).view(20 * DAY_S))]
    assert named <= set(quiet)
    lengths = [len(log_lines(untouched("nothing", seed=seed).view(20 * DAY_S))) for seed in range(1, 16)]
    month = sum(entry.a_month for entry in SPEC.log.values())
    assert month > 20 and 0.8 < np.mean(lengths) / (month * 58 / 30) < 1.2


def test_the_log_of_one_system_holds_its_lines_alone():
    made = play("stale_model", wait(24 * 5), look("changes", system="servers"), shape="abrupt")
    table = made.notes[-1].finding.table
    assert set(table["system"]) == {"servers"} and made.notes[-1].question == "changes/servers"


def test_a_changed_guideline_moves_labels_and_nothing_else():
    assert seen("guideline", "audit").sign == "other labels" and seen("guideline", "labels", frames=1500).sign == "fell"
    for name in ("replay", "counters", "preprocessing", "replicas", "shadow"):
        now, calm = seen("guideline", name), seen(None, name)
        assert now.sentence == calm.sentence
        pd.testing.assert_frame_equal(now.table, calm.table)
    for statistic in sorted(set(WATCHED) - {"recall"}):
        now, calm = (seen(cause, "slices", statistic=statistic) for cause in ("guideline", None))
        pd.testing.assert_frame_equal(now.table, calm.table)
    assert seen("fog_season", "audit").sign == "same labels"


def test_overload_shows_in_the_counter_of_dropped_clips_and_not_in_scores():
    now = Undisturbed(case(WHOLE), secret_of("overload", "abrupt"), read_actions([wait(24 * 5)]))
    signs = {}
    for name, statistic in (("counters", "found"), ("replay", "found"), ("labels", "found"), ("audit", "found"),
                            ("slices", "found"), ("slices", "score"), ("slices", "sure")):  # fmt: skip
        signs[name, statistic] = now.act(read_actions([look(name, statistic=statistic)])[0]).finding.sign
    assert signs.pop(("counters", "found")) == "drops"
    assert set(signs.values()) <= {"same", "nothing", "same labels"}
    frames = now.statistics().frames
    after = frames.at_s >= ONSET * DAY_S
    assert frames.served.dropped[after].mean() > 0.005 and not frames.served.dropped[~after].any()
    sure = now.statistics().figure("sure")
    day = (frames.at_s // DAY_S).astype(int)
    means = np.array([np.nanmean(sure[day == each]) for each in range(28)])
    assert np.abs(means[11:] - means[:7].mean()).max() < 5 * means[:7].std(ddof=1)


def test_nothing_is_found_before_it_happens():
    for cause in ("overload", "guideline", "novel_objects"):
        now, calm = (Play(case(), secret_of(each, each and "abrupt")) for each in (cause, None))
        for name in SPEC.looks:
            for made in (now, calm):
                made.now_s = 9 * DAY_S
            one, other = (made.act(read_actions([look(name)])[0]).finding for made in (now, calm))
            assert one.sign == other.sign and one.sentence == other.sentence, (cause, name)


# Figures


def test_counters_are_counts_of_the_servers():
    made = Play(case(WHOLE), secret_of("overload", "abrupt"), read_actions([wait(24 * 7), look("counters")]))
    table, served = made.notes[-1].finding.table.set_index("time"), made.statistics().frames.served
    mine = (served.arrived_s < made.now_s) & (served.arrived_s >= made.now_s - DAY_S)
    hours = pd.Series(served.dropped[mine]).groupby(served.arrived_s[mine] // HOUR_S)
    assert table.loc["last day", "clips an hour"] == pytest.approx(mine.sum() / 24)
    assert table.loc["last day", "dropped (%)"] == pytest.approx(100 * served.dropped[mine].mean())
    assert table.loc["last day", "dropped in the worst hour (%)"] == pytest.approx(100 * hours.mean().max())
    slow = np.nanquantile(served.latency_s[mine], 0.95)
    assert table.loc["last day", "answer, 95% within (s)"] == pytest.approx(slow)
    first = served.arrived_s < 7 * DAY_S
    assert table.loc["reference", "clips an hour"] == pytest.approx(first.sum() / 168)


def test_a_shadow_compares_the_two_releases_on_the_same_frames():
    made = play("int8_rollout", wait(24 * 7), look("shadow"), shape="abrupt")
    table, frames, there = made.notes[-1].finding.table.set_index("figure"), made.statistics().frames, read_scenes()
    live = (frames.at_s < made.now_s) & (frames.at_s >= made.now_s - 6 * HOUR_S)
    counted = {
        "now": there.tails[0][frames.network, frames.given, frames.scene, frames.bin],
        "before": there.tails[0][there.networks["nanodet_m", "fp32"] if SPEC.previous.detector == "nanodet_m" else
                                 there.networks[SPEC.previous.detector, SPEC.previous.precision], frames.seen, frames.scene,
                                 there.best_bin((SPEC.previous.detector, SPEC.previous.precision))],
    }  # fmt: skip
    for name, values in counted.items():
        assert table.loc[name, "detections a frame"] == pytest.approx(values[live].mean(), rel=1e-5)


def test_a_canary_finds_by_how_much_the_present_release_differs():
    """Its own frames and the frames beside it are compared: a shadow sees each frame twice, a canary does not."""
    made = play("swapped_colours", wait(24 * 5), look("canary"), shape="abrupt")
    finding, there = made.notes[-1].finding, read_scenes()
    table = finding.table.set_index("figure")["detections a frame"]
    frames = untouched("swapped_colours", "abrupt").statistics().frames
    live = (frames.at_s < made.now_s) & (frames.at_s >= made.now_s - 12 * HOUR_S)
    own = finding.canary.chosen(made.stream())
    then = there.tails[0][frames.network, frames.seen, frames.scene, frames.bin][live & own].mean()
    now = there.tails[0][frames.network, frames.given, frames.scene, frames.bin][live & ~own].mean()
    assert table["now"] == pytest.approx(now, rel=1e-5) and table["before"] == pytest.approx(then, rel=1e-5)
    assert table["change"] == pytest.approx(now - then, rel=1e-4) and now != then


def test_a_canary_of_an_equal_release_cannot_say_that_each_frame_has_as_many():
    finding = play("lost_step", look("canary"), shape="abrupt").notes[-1].finding
    assert "exactly" not in finding.sentence and finding.sign == "same"
    row = finding.table.set_index("figure").loc["change"]
    assert row["low"] < 0 < row["high"] and row["high"] - row["low"] > 0.1


def test_the_same_look_at_the_same_time_finds_the_same():
    one, other = (seen("fog_season", "labels") for _ in range(2))
    assert one.sentence == other.sentence and np.array_equal(one.labelled, other.labelled)


# Intervals


@pytest.mark.parametrize("weights", [(1,), (1, 1, 1, 1, 10)])
@pytest.mark.parametrize("frames", [8, 20, 50, 200])
@pytest.mark.parametrize("recall", [0.5, 0.8, 0.95, 0.99])
def test_the_interval_of_few_labelled_frames_holds_the_recall_of_all(weights, frames, recall):
    """Two objects a frame that are found alike. Of 400 samples, 364 hold it with a chance of 99.9% if each does in 95%."""
    rng = np.random.default_rng(frames)
    objects = rng.poisson(2, (400, frames))
    chances = rng.beta(4 * recall, 4 * (1 - recall), (400, frames))
    held = 0
    for counts, of_frame in zip(objects, chances, strict=True):
        frame = np.repeat(np.arange(frames), counts)
        weight = rng.choice(weights, len(frame)).astype(float)
        one = found_share(weight * (rng.random(len(frame)) < of_frame[frame]), weight, frame)
        held += one.low <= recall <= one.high
        assert 0 <= one.low <= one.value <= one.high <= 1
    assert held >= 364


def test_a_share_of_one_scene_is_open_and_one_of_nothing_is_unknown():
    one = found_share(np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.array([3, 3]))
    assert one.value == 1 and one.low < 0.2 and one.high == 1
    assert np.isnan(found_share(np.zeros(2), np.zeros(2), np.arange(2)).value)


def test_an_interval_of_clusters_is_that_of_their_totals():
    values, clusters = np.array([1.0, 2, 3, 10]), np.array([0, 0, 1, 2])
    one = clustered(values, clusters)
    totals = np.array([1 + 2 - 2 * 4, 3 - 4, 10 - 4.0])
    error = np.sqrt(3 / 2 * (totals**2).sum()) / 4
    assert one.value == 4 and error > 0
    assert one.value - one.low == pytest.approx(one.high - one.value) and one.high - one.value >= 1.96 * error * 0.999
    alone = clustered(np.array([1.0, 2]), np.array([5, 5]))
    assert alone.low == -np.inf and alone.high == np.inf
