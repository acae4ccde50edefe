"""What is inside each frame: against the tables, and harm against sums done by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.evidence.detection_tables import BINS
from simulator.evidence.scene_tables import NUMBERS
from simulator.incident.fixes import Rethresholded, Reviewed, Swapped, Undone
from simulator.incident.frame_columns import FrameSide, ServedFrames
from simulator.incident.frame_statistics import FrameStatistics
from simulator.incident.measured_scenes import MeasuredScenes, SceneBoxes, read_scenes
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.stream import Frames
from simulator.incident.watches import WATCHED
from simulator.paths import DETECTIONS, FEATURES, SCENES
from tests.effort import examples
from tests.incident.plays import ONSET, case, grid, secret_of, statistics_of, untouched

SPEC = case().incident
NANO, YOLOX = ("nanodet_m", "fp32"), ("yolox_nano", "fp32")
IMAGE = {"brightness": "brightness", "contrast": "contrast", "sharpness": "sharpness", "saturation": "saturation",
         "noise": "noise", "entropy": "entropy_bits", "bytes": "jpeg_bytes_per_pixel"}  # fmt: skip
INPUT = {"input_mean": "input_mean", "input_spread": "input_std", "input_channels": "input_first_less_last"}


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    """Rows by what they are of."""
    keys = {"images": ["condition", "severity", "image"], "features": ["condition", "severity", "image"]}
    keys["answers"] = ["detector", "precision", *keys["images"]]
    folders = {"images": DETECTIONS, "answers": DETECTIONS, "features": FEATURES}
    found = {}
    for name, key in keys.items():
        rows = pd.concat([pd.read_parquet(folder / f"{name}.parquet") for folder in (folders[name], SCENES)])
        found[name] = rows.astype({each: str for each in key if each != "severity"}).set_index(key).sort_index()
    return found


@pytest.mark.parametrize("cause", [None, "fog_season", "swapped_colours", "stale_model", "novel_objects"])
def test_each_figure_of_a_frame_is_that_of_its_row(tables, cause):
    statistics = statistics_of(secret_of(cause, cause and "abrupt"))
    frames, there = statistics.frames, read_scenes()
    settings_ = {place: setting for setting, place in there.settings.items()}
    networks = {place: network for network, place in there.networks.items()}
    figures = {name: statistics.figure(name) for name in (*IMAGE, *INPUT, "score", "found", "sure", "features")}
    clean = tables["features"].loc[("clean", 0)]
    middle = clean.loc[there.scenes.loc[there.scenes["reference"], "scene"], NUMBERS].mean()
    for row in np.random.default_rng(1).choice(len(frames), 40, replace=False):
        name = there.scenes["scene"].iloc[frames.scene[row]]
        seen, given_ = settings_[frames.seen[row]], settings_[frames.given[row]]
        image = tables["images"].loc[(*seen, name)]
        for figure, column in IMAGE.items():
            assert figures[figure][row] == pytest.approx(image[column], rel=1e-5)
        answer = tables["answers"].loc[(*networks[frames.network[row]], *given_, name)]
        for figure, column in INPUT.items():
            assert figures[figure][row] == pytest.approx(answer[column], rel=1e-4, abs=1e-6)
        assert figures["score"][row] == pytest.approx(answer["score_mean"], rel=1e-5)
        counts = np.array([answer[f"found_{round(100 * low):02d}"] for low in BINS])[frames.bin[row] :]
        assert figures["found"][row] == pytest.approx(counts.sum())
        assert figures["sure"][row] == pytest.approx(counts @ there.right_share(NANO)[frames.bin[row] :], rel=1e-4)
        key = (*given_, name)
        numbers = tables["features"].loc[key if key in tables["features"].index else ("clean", 0, name), NUMBERS]
        assert figures["features"][row] == pytest.approx(np.linalg.norm(numbers - middle), rel=1e-3)


def test_dropped_frames_have_no_figures_but_those_of_the_servers():
    served = grid()
    served.latency_s[::7], served.replica[::7] = np.nan, -1
    statistics = statistics_of(secret_of(None), served=served)
    for name in WATCHED:
        values = statistics.figure(name)
        assert values.shape == (len(statistics.frames),)
        if name == "dropped":
            assert np.array_equal(values == 1, np.arange(len(values)) % 7 == 0)
        else:
            assert np.isnan(values[::7]).all()


def test_recall_is_of_labelled_frames_alone():
    statistics = statistics_of(secret_of(None))
    labelled = np.isfinite(statistics.figure("recall"))
    assert labelled.any() and not (labelled & ~statistics.frames.labelled).any()
    assert ((statistics.figure("recall")[labelled] >= 0) & (statistics.figure("recall")[labelled] <= 1)).all()


# Harm by hand


def tiny() -> MeasuredScenes:
    """Two scenes: of a person (10) and a cup (1), and of a car (5); one network, clear and in fog.

    In clear air all but the cup are found; in fog only the person, at a score that is too low. A false detection in fog.
    """
    counts, false = np.zeros((2, 1, 2, 2, len(BINS)), np.float32)
    bin_ = BINS.index(0.4)
    counts[0, 0, :, bin_], counts[0, 1, 0, bin_ - 1], counts[0, 1, 1, bin_] = 1, 1, 1
    false[0, 1, 1, bin_] = 1
    return MeasuredScenes(
        scenes=pd.DataFrame({"scene": ["a", "b"], "kind": "image", "parents": ["a", "b"], "reference": [True, False]}),
        boxes=SceneBoxes(np.array([0, 0, 1]), np.array(["person", "cup", "car"]), np.array([5000, 500, 2000], np.float32)),
        networks={NANO: 0},
        settings={("clean", 0): 0, ("fog", 5): 1},
        bugs=frozenset(),
        images=np.zeros((2, 2, 8), np.float32),
        features=np.zeros((2, 2, 16), np.float32),
        inputs=np.zeros((1, 2, 2, 3), np.float32),
        counts=counts,
        false=false,
        score=np.zeros((1, 2, 2), np.float32),
        box_scores=np.array([[[0.45, 0.0, 0.45], [0.35, 0.0, 0.0]]], np.float32),
        measured=np.ones((1, 2), bool),
    )


def of_tiny(changes=()) -> FrameStatistics:
    """Scene a clear, scene a in fog, scene b in fog, and scene b in fog and dropped, an hour each."""
    zeros = np.zeros(4, np.int64)
    fog = np.array([0, 1, 1, 1])
    served = ServedFrames(
        (10 * DAY_S) + HOUR_S * np.arange(4.0), np.array([1, 1, 1, np.nan]), np.array([0, 0, 0, -1], np.int16), 1
    )
    foggy, calm = (FrameSide.tested(served.arrived_s, setting, 0) for setting in (fog, zeros))
    for side in (foggy, calm):
        side.bin[:] = BINS.index(0.4)
    frames = Frames(**vars(foggy), served=served, hour=np.zeros(4), site=zeros, version=zeros, camera=zeros, dwell=zeros,
                    scene=np.array([0, 0, 1, 1]), usual=zeros, struck=fog > 0, labelled=np.ones(4, bool),
                    calm=calm)  # fmt: skip
    return FrameStatistics(SPEC, secret_of(None), tiny(), frames, tuple(changes))


def test_harm_is_what_is_missed_by_its_weight_and_what_is_needless():
    """The cup alone; person and cup; the car and half for a false detection; the car, for nobody looked."""
    assert of_tiny().harm() == pytest.approx([1, 11, 5.5, 5])


def test_excess_is_beyond_the_same_scene_without_the_cause():
    """Without fog the cup would be missed in scene a, and nothing in scene b."""
    assert of_tiny().excess == pytest.approx([0, 10, 5.5, 5])


def test_people_find_their_share_and_nothing_needless_but_see_no_dropped_frame():
    assert of_tiny([Reviewed(10 * DAY_S, 40, 0.9)]).harm() == pytest.approx([0.1, 1.1, 0.5, 5])


def test_what_is_found_is_counted_as_people_are_told_to_label():
    """From 1024 px on the cup is not there."""
    statistics = of_tiny()
    found, there = statistics.counted(np.arange(4), np.array([0, 1024.0, 0, 3000]))
    assert there == pytest.approx([11, 10, 5, 0]) and found == pytest.approx([10, 0, 0, 0])
    assert statistics.false() == pytest.approx([0, 0, 1, 1])


# Harm in the stream


times = st.floats(8 * DAY_S, 27 * DAY_S)
fixes = st.one_of(
    st.builds(Undone, times, st.sets(st.sampled_from(["world", "camera", "client", "server", "labels"])).map(frozenset)),
    st.builds(Swapped, times, st.sampled_from([YOLOX, ("fastestdet", "fp32")]), share=st.sampled_from([0.1, 1.0])),
    st.builds(Rethresholded, times, st.integers(0, 9)),
    st.builds(Reviewed, times, st.just(10.0), st.just(0.9)),
)


@settings(max_examples=examples(25))
@given(st.integers(1, 1000), st.lists(fixes, max_size=2))
def test_quiet_weeks_hold_no_excess_whatever_is_shipped(seed, changes):
    statistics = statistics_of(secret_of(None, seed=seed), changes=changes, served=grid(3000))
    assert np.isfinite(statistics.harm()).all() and (statistics.excess == 0).all()


#: Causes that change the answers to a frame, whatever it looks like.
ANSWERED = ("stale_model", "int8_rollout", "old_nodes", "raised_threshold", "capped_boxes")


@pytest.mark.parametrize("cause", [name for name in SPEC.causes if name not in ("overload", *ANSWERED)])
def test_what_a_decoy_does_is_no_harm_of_the_cause(cause):
    """Stretched images are answered better here: taken for the cause's, that would pay for what the cause does."""
    alone, lured = (statistics_of(secret_of(cause, "abrupt", decoy=decoy)) for decoy in (None, "stretch"))
    assert np.array_equal(alone.excess, lured.excess)


@pytest.mark.parametrize("cause", ANSWERED)
def test_another_network_or_rule_of_counting_does_its_harm_under_the_decoy(cause):
    lured = statistics_of(secret_of(cause, "abrupt", decoy="stretch"))
    assert (lured.excess[~lured.frames.struck] == 0).all() and lured.excess.sum() > 0


@pytest.mark.parametrize("cause", [name for name, cause in SPEC.causes.items() if cause.harmless])
@pytest.mark.parametrize("shape", ["abrupt", "gentle"])
def test_a_harmless_cause_does_less_harm_than_any_other(cause, shape):
    """What the season moves is less than what chance does; the others move nothing at all."""
    statistics = statistics_of(secret_of(cause, shape))
    share = statistics.excess.sum() / statistics.harm().sum()
    assert abs(share) < 0.02 if cause == "seasons" else share == 0


@pytest.mark.parametrize("cause", [n for n, cause in SPEC.causes.items() if not cause.harmless and n != "overload"])
def test_a_cause_that_fails_does_harm_from_its_onset_on(cause):
    statistics = statistics_of(secret_of(cause, "abrupt"))
    before = statistics.frames.at_s < ONSET * DAY_S
    assert (statistics.excess[before] == 0).all() and statistics.excess.sum() > 0
    assert (statistics.excess[~statistics.frames.struck] == 0).all()


def test_a_dropped_frame_loses_all_that_is_there():
    served = grid(3000)
    served.latency_s[::3], served.replica[::3] = np.nan, -1
    statistics, whole = statistics_of(secret_of(None), served=served), statistics_of(secret_of(None), served=grid(3000))
    there = read_scenes().there(SPEC.harm.weights, 0.0)[statistics.frames.scene]
    assert statistics.harm()[::3] == pytest.approx(there[::3])
    assert statistics.excess[::3] == pytest.approx((there - whole.harm())[::3], abs=1e-4)


@settings(max_examples=examples(15))
@given(st.sampled_from([None, "fog_season"]), st.floats(8 * DAY_S, 20 * DAY_S), st.integers(1, 30))
def test_people_look_at_no_more_an_hour_than_they_can_and_at_the_least_sure(cause, at_s, frames_per_h):
    change = Reviewed(at_s, frames_per_h, 0.9)
    statistics = statistics_of(secret_of(cause, cause and "abrupt"), changes=[change])
    looked, frames = statistics.reviewed(change), statistics.frames
    hour, sure = (frames.at_s // HOUR_S).astype(int), statistics.figure("sure")
    assert not looked[frames.at_s < at_s].any()
    assert np.bincount(hour[looked]).max() <= frames_per_h
    for each in np.unique(hour[looked])[::25]:
        mine = (hour == each) & (frames.at_s >= at_s)
        assert looked[mine].sum() == min(frames_per_h, mine.sum())
        if not looked[mine].all():
            assert sure[mine & looked].max() <= sure[mine & ~looked].min() + 1e-9


def test_a_second_team_looks_at_what_the_first_has_not_looked_at():
    one, two = Reviewed(12 * DAY_S, 5, 0.9), Reviewed(12 * DAY_S, 4, 0.9)
    both, more = (
        statistics_of(secret_of("fog_season", "abrupt"), changes=each) for each in ([one, two], [Reviewed(12 * DAY_S, 9, 0.9)])
    )
    assert np.array_equal(both.harm(), more.harm())


def test_people_take_nothing_but_their_share_of_what_is_missed():
    change = Reviewed(12 * DAY_S, 5, 0.9)
    plain, helped = (statistics_of(secret_of("fog_season", "abrupt"), changes=each) for each in ([], [change]))
    looked = helped.reviewed(change)
    found, there = plain.counted(np.arange(len(looked)), np.zeros(len(looked)))
    assert np.array_equal(plain.harm()[~looked], helped.harm()[~looked])
    assert helped.harm()[looked] == pytest.approx((there - found)[looked] * 0.1, abs=1e-5)


# The guideline


@pytest.mark.parametrize("shape", ["abrupt", "gentle"])
def test_a_guideline_changes_recall_and_no_input_score_or_count(shape):
    now, calm = untouched("guideline", shape).statistics(), untouched(None).statistics()
    for name in WATCHED:
        if name != "recall":
            assert np.array_equal(now.figure(name), calm.figure(name), equal_nan=True), name
    after = now.frames.labelled & (now.frames.at_s >= 14 * DAY_S)
    (found, there), (then, there_then) = now.labelled(), calm.labelled()
    assert (there[after] >= there_then[after] - 1e-4).all()
    assert found[after].sum() / there[after].sum() < then[after].sum() / there_then[after].sum()
    assert np.array_equal(now.harm(), calm.harm())


def test_a_gentle_guideline_reaches_more_frames_each_day_and_ends_when_it_is_undone():
    statistics = statistics_of(secret_of("guideline", "gentle"))
    days, new = statistics.frames.at_s / DAY_S - ONSET, statistics.least_areas() == 0
    shares = [new[(days >= day) & (days < day + 1)].mean() for day in range(-1, 5)]
    assert shares[0] == 0 and shares[5] == 1 and np.all(np.diff(shares) > 0)
    undone = Undone(16 * DAY_S, frozenset({"labels"}))
    back = replace(statistics, changes=(undone,)).least_areas()
    assert (back[statistics.frames.at_s >= 16 * DAY_S] == SPEC.labels.least_area_px).all()
