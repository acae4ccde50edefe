"""The stream of frames: what cameras see, where causes strike, and that nothing is known before it happens."""

from dataclasses import fields
from operator import attrgetter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare, kstest

from simulator.incident.fixes import Rethresholded, Reviewed, Swapped, Undone
from simulator.incident.measured_scenes import read_scenes
from simulator.incident.play import serve
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.stream import Frames, Stream, StreamError, members_of
from simulator.intervals import mean_interval
from tests.effort import examples
from tests.incident.plays import ONSET, case, grid, secret_of, statistics_of, stream_of, untouched, with_cause

SPEC = case().incident
CAUSES = [(name, shape) for name, cause in SPEC.causes.items() for shape in cause.shapes]
YOLOX, NANO = ("yolox_nano", "fp32"), ("nanodet_m", "fp32")
#: What a frame is, apart from what the servers made of it.
OF_SERVERS = ("served", "at_s", "calm")
COLUMNS = [each.name for each in fields(Frames) if each.name not in OF_SERVERS] + ["calm.given", "calm.network", "calm.bin"]
FOG = {"kind": "condition", "condition": "fog", "severity": 5, "enters": "world"}


def differ(one: Frames, other: Frames) -> np.ndarray:
    """Which frames differ in anything."""
    return np.any([attrgetter(name)(one) != attrgetter(name)(other) for name in COLUMNS], axis=0)


def struck(effect, shape="abrupt", seed=1, decoy=None):
    """The frames under a cause of one effect, the same without it, and their stream."""
    scenario = with_cause(effect, shape=shape)
    secret = secret_of("made", seed=seed, decoy=decoy, scenario=scenario)
    stream = stream_of(secret, scenario)
    return stream.frames(), stream_of(secret_of(None, seed=seed)).frames(), stream


# What cameras look at


def test_no_image_of_the_reference_nor_anything_made_of_it_comes_in_production():
    scenes = read_scenes().scenes
    collected = set(scenes.loc[scenes["reference"] & (scenes["kind"] == "image"), "scene"])
    for cause in (None, "novel_objects", "class_mix"):
        for scene in np.unique(stream_of(secret_of(cause)).frames().scene):
            assert not collected & set(scenes["parents"].iloc[scene].split("+"))


def test_a_scene_is_of_the_first_group_whose_category_it_shows():
    there = read_scenes()
    for place, members in enumerate(members_of(SPEC, there)):
        for scene in members:
            shown = set(there.boxes.category[there.boxes.scene == scene])
            fitting = [at for at, categories in enumerate(SPEC.scenes.groups.values()) if shown & set(categories)]
            assert place == (fitting[0] if fitting else len(SPEC.scenes.groups))


def test_a_group_that_no_scene_shows_is_refused():
    groups = SPEC.scenes.model_copy(update={"groups": {**SPEC.scenes.groups, "toasters": ["toaster"]}})
    scenario = case().model_copy(update={"incident": SPEC.model_copy(update={"scenes": groups})})
    with pytest.raises(StreamError, match="toasters: no scene of production shows it"):
        stream_of(secret_of(None), scenario).frames()


def test_scenes_last_as_long_as_the_case_says():
    stream = stream_of(secret_of(None))
    lasts = np.concatenate([np.diff(begins) for begins, _ in stream.dwelt])
    mean_s = 60 * SPEC.scenes.dwell_min.value
    assert kstest(lasts, "expon", args=(0, mean_s)).pvalue > 0.001
    assert abs(lasts.mean() - mean_s) < 3.3 * lasts.std() / np.sqrt(len(lasts))


def test_frames_of_one_dwell_see_one_scene_with_one_camera_in_a_row():
    frames = stream_of(secret_of(None)).frames()
    for dwell in np.unique(frames.dwell)[::40]:
        mine = frames.dwell == dwell
        assert len(set(frames.scene[mine])) == 1 and len(set(frames.camera[mine])) == 1
        of_camera = np.flatnonzero(frames.camera == frames.camera[mine][0])
        assert np.ptp(np.searchsorted(of_camera, np.flatnonzero(mine))) == mine.sum() - 1


def test_cameras_send_as_much_as_each_other():
    frames = stream_of(secret_of(None)).frames()
    assert chisquare(np.bincount(frames.camera, minlength=24)).pvalue > 0.001
    cameras = np.repeat(np.arange(6), [site.cameras for site in SPEC.sites.values()])
    assert np.array_equal(frames.site, cameras[frames.camera])


@pytest.mark.parametrize("site", range(6))
def test_sites_see_the_mix_of_day_night_and_weekend(site):
    """A dwell has the mix of the time at which it begins; it begins on a Monday at midnight."""
    stream = stream_of(secret_of(None), served=grid(60_000))
    frames, site_spec = stream.frames(), list(SPEC.sites.values())[site]
    first = np.unique(frames.dwell[frames.site == site], return_index=True)[1]
    rows = np.flatnonzero(frames.site == site)[first]
    which, camera = frames.dwell[rows] // 24, frames.camera[rows]
    begins = np.array([stream.dwelt[c][0][w] for c, w in zip(camera, which, strict=True)])
    hour, weekday = begins % DAY_S / HOUR_S, begins // DAY_S % 7
    groups = stream.group_places[frames.scene[rows]]
    for dark in (False, True):
        for weekend in (False, True):
            mine = (((hour >= 20) | (hour < 6)) == dark) & ((weekday >= 5) == weekend)
            weights = site_spec.night if dark and site_spec.night else site_spec.day
            more = SPEC.scenes.weekend if weekend else {}
            mix = np.array([weights.get(name, 0) * more.get(name, 1) for name in stream.groups])
            counts, there = np.bincount(groups[mine], minlength=len(mix)), mix > 0
            assert counts[~there].sum() == 0
            assert chisquare(counts[there], counts.sum() * mix[there] / mix.sum()).pvalue > 0.0005


def test_usual_conditions_hold_their_share_and_last_as_long_as_the_case_says():
    """Fog takes the place of rain. A share over its spells' mean length is how often one begins."""
    share, began = [], []
    fog_spec = next(one for one in SPEC.usual if one.condition == "fog")
    fog = read_scenes().settings["fog", fog_spec.severity]
    for seed in range(1, 121):
        frames = stream_of(secret_of(None, seed=seed), served=grid(4000)).frames()
        outdoors = np.array([site.outdoors for site in SPEC.sites.values()])[frames.site]
        assert not (frames.usual[~outdoors] == fog).any()
        there = frames.usual[outdoors] == fog
        share.append(there.mean())
        began.append((there[1:] & ~there[:-1]).sum())
    for found, true in ((share, fog_spec.share.value), (began, fog_spec.share.value * 672 / fog_spec.spell_h.value)):
        one = mean_interval(found)
        assert one.low - 0.4 * (one.high - one.low) < true < one.high + 0.4 * (one.high - one.low)


# Where a cause enters


@pytest.mark.parametrize(
    ("enters", "changed"),
    [
        ("world", {"raw", "seen", "given"}),
        ("camera", {"raw", "seen", "given"}),
        ("client", {"seen", "given"}),
        ("server", {"given"}),
    ],
)
def test_a_condition_changes_frames_from_where_it_enters_on(enters, changed):
    now, calm, _ = struck(FOG | {"enters": enters})
    after = now.at_s >= ONSET * DAY_S
    fog = read_scenes().settings["fog", 5]
    for name in ("raw", "seen", "given"):
        assert (getattr(now, name)[after] == (fog if name in changed else getattr(calm, name)[after])).all()
    assert np.array_equal(now.struck, after) and np.array_equal(now.network, calm.network)
    assert np.array_equal(now.usual, calm.usual)


@pytest.mark.parametrize("enters", ["client", "server"])
def test_a_mistake_in_preparing_images_changes_the_networks_input_alone(enters):
    now, calm, _ = struck({"kind": "condition", "condition": "bgr", "severity": 2, "enters": enters})
    assert np.array_equal(now.seen, calm.seen) and np.array_equal(now.raw, calm.raw)
    assert (now.given[now.at_s >= ONSET * DAY_S] == read_scenes().settings["bgr", 2]).all()


def test_another_network_answers_and_counts_from_its_own_threshold():
    now, calm, _ = struck({"kind": "network", "detector": "yolox_nano"})
    place = read_scenes().networks[YOLOX]
    after = now.at_s >= ONSET * DAY_S
    assert np.array_equal(now.network == place, after)
    assert (now.bin[after] == read_scenes().best_bin(YOLOX)).all() and (calm.bin == read_scenes().best_bin(NANO)).all()
    assert np.array_equal(now.given, calm.given)


def test_scenes_of_a_group_come_as_often_as_the_cause_says_under_its_condition():
    sites = ["station", "market"]
    where = {"sites": sites, "share": 0.6}
    effect = {"kind": "scenes", "group": "animals", "condition": "unknown", "severity": 1, "where": where}
    now, calm, stream = struck(effect)
    after = now.at_s >= ONSET * DAY_S + 5 * HOUR_S
    here = np.isin(now.site, [list(SPEC.sites).index(site) for site in sites])
    brought = now.seen == read_scenes().settings["unknown", 1]
    assert np.array_equal(brought, now.struck) and not brought[~here].any()
    assert (stream.group_places[now.scene[brought]] == stream.groups.index("animals")).all()
    dwells = np.unique(now.dwell[after & here])
    assert binomtest(len(np.unique(now.dwell[after & here & brought])), len(dwells), 0.6).pvalue > 0.001
    assert not differ(now, calm)[~here].any()


@pytest.mark.parametrize("decoy", [None, "stretch"])
def test_what_a_cause_brings_takes_the_place_of_weather_and_decoys(decoy):
    now, _, _ = struck(FOG | {"where": {"sites": ["depot"]}}, decoy=decoy)
    depot, after = now.site == list(SPEC.sites).index("depot"), now.at_s >= ONSET * DAY_S
    assert (now.given[depot & after] == read_scenes().settings["fog", 5]).all()
    if decoy:
        assert (now.given[~depot & after] == read_scenes().settings["stretch", 2]).all()


# Which frames it strikes


wheres = st.fixed_dictionaries(
    {},
    optional={
        "sites": st.lists(st.sampled_from(list(SPEC.sites)), min_size=1, max_size=3, unique=True),
        "one_site": st.just(True),
        "camera": st.just(True),
        "version": st.sampled_from(list(SPEC.versions)),
        "replicas": st.sampled_from([0.01, 0.33, 0.5, 1.0]),
        "hours": st.sampled_from([("19:00", "07:00"), ("09:30", "11:00")]),
    },
)


@settings(max_examples=examples(40))
@given(wheres, st.integers(1, 50))
def test_a_cause_strikes_all_frames_that_fit_and_no_other(where, seed):
    now, calm, _ = struck(
        {"kind": "condition", "condition": "bgr", "severity": 2, "enters": "server", "where": where}, seed=seed
    )
    fits = now.at_s >= ONSET * DAY_S
    sites = [list(SPEC.sites).index(name) for name in where.get("sites", SPEC.sites)]
    fits &= np.isin(now.site, sites)
    if "version" in where:
        fits &= now.version == list(SPEC.versions).index(where["version"])
    if "hours" in where:
        hour, (first, last) = now.at_s % DAY_S / HOUR_S, (int(t[:2]) + int(t[3:]) / 60 for t in where["hours"])
        fits &= (hour >= first) & (hour < last) if first < last else (hour >= first) | (hour < last)
    assert not now.struck[~fits].any() and not differ(now, calm)[~now.struck].any()
    loose = now.struck[fits]
    if "one_site" in where or "camera" in where:
        assert len(set(now.site[now.struck])) <= 1
        fits &= np.isin(now.camera, now.camera[now.struck]) if "camera" in where else np.isin(now.site, now.site[now.struck])
        assert "camera" not in where or len(set(now.camera[now.struck])) <= 1
        loose = now.struck[fits]
    if "replicas" in where:
        hit = set(now.served.replica[now.struck])
        assert len(hit) <= max(int(np.ceil(where["replicas"] * 3 - 1e-9)), 1)
        loose = now.struck[fits & np.isin(now.served.replica, list(hit))]
    assert loose.all()


def test_a_dropped_frame_is_struck_on_no_replica():
    served = grid()
    served.replica[::5] = -1
    served.latency_s[::5] = np.nan
    scenario = with_cause({"kind": "network", "detector": "fastestdet", "where": {"replicas": 1.0}})
    frames = stream_of(secret_of("made", scenario=scenario), scenario, served).frames()
    assert not frames.struck[::5].any() and not frames.labelled[::5].any()
    assert frames.struck[(frames.at_s >= ONSET * DAY_S) & (served.replica >= 0)].all()


def test_a_share_of_the_frames_is_struck():
    now, _, _ = struck(FOG | {"where": {"share": 0.3}})
    after = now.at_s >= ONSET * DAY_S
    assert binomtest(int(now.struck.sum()), int(after.sum()), 0.3).pvalue > 0.001


def test_spells_of_a_cause_hold_their_share_and_last_as_long_as_it_says():
    share, began = [], []
    for seed in range(1, 81):
        scenario = with_cause(FOG | {"where": {"share": 0.8, "spell_h": 10}})
        now = stream_of(secret_of("made", seed=seed, scenario=scenario), scenario, grid(4000)).frames()
        there = now.struck[now.at_s >= ONSET * DAY_S]
        share.append(there.mean())
        began.append((there[1:] & ~there[:-1]).sum())
    for found, true in ((share, 0.8), (began, 0.8 * 18 * 24 / 10)):
        one = mean_interval(found)
        assert one.low - 0.4 * (one.high - one.low) < true < one.high + 0.4 * (one.high - one.low)


def test_a_gentle_condition_grows_through_its_severities():
    now, calm, _ = struck(FOG, shape="gentle")
    days = now.at_s / DAY_S - ONSET
    level = np.ceil(np.clip(days / SPEC.ramp_days, 0, 1) * 5).astype(int)
    expected = np.where(days > 0, [read_scenes().settings.get(("fog", each), 0) for each in level], calm.given)
    assert np.array_equal(now.given, expected)


def test_a_gentle_mistake_is_whole_from_the_start_and_its_share_grows():
    now, _, _ = struck({"kind": "condition", "condition": "bgr", "severity": 2, "enters": "server"}, shape="gentle")
    days = now.at_s / DAY_S - ONSET
    assert set(now.given[now.struck]) == {read_scenes().settings["bgr", 2]} and now.struck[days >= SPEC.ramp_days].all()
    for part in range(4):
        mine = (days >= part) & (days < part + 1)
        assert binomtest(int(now.struck[mine].sum()), int(mine.sum()), (part + 0.5) / SPEC.ramp_days).pvalue > 0.001


def test_a_gentle_cause_takes_one_replica_after_the_other():
    now, _, _ = struck({"kind": "network", "detector": "fastestdet", "where": {"replicas": 1.0}}, shape="gentle")
    days = now.at_s / DAY_S - ONSET
    for low, high, count in ((0, 4 / 3, 1), (4 / 3, 8 / 3, 2), (8 / 3, 18, 3)):
        mine = (days > low) & (days <= high)
        assert len(set(now.served.replica[mine & now.struck])) == count
        assert now.struck[mine].mean() == pytest.approx(count / 3, abs=0.01)


# Nothing is known before it happens


@settings(max_examples=examples(40))
@given(st.sampled_from(CAUSES), st.integers(1, 10_000))
def test_before_the_onset_the_frames_are_those_of_the_quiet_weeks(cause, seed):
    now, calm = (stream_of(one).frames() for one in (secret_of(*cause, seed=seed), secret_of(None, seed=seed)))
    assert not differ(now, calm)[now.at_s < ONSET * DAY_S].any()


@pytest.mark.parametrize("shape", ["abrupt", "gentle"])
def test_before_more_clips_come_the_servers_answer_the_same_and_the_same_are_labelled(shape):
    calm, now = untouched(None).statistics().frames, untouched("overload", shape).statistics().frames
    before = int((now.at_s < ONSET * DAY_S).sum())
    assert len(now) > len(calm) and before == (calm.at_s < ONSET * DAY_S).sum()
    assert now.at_s[:before] == pytest.approx(calm.at_s[:before], abs=1e-6)
    for name in COLUMNS:
        assert np.array_equal(attrgetter(name)(now)[:before], attrgetter(name)(calm)[:before]), name
    assert np.array_equal(now.served.replica[:before], calm.served.replica[:before])
    assert now.served.latency_s[:before] == pytest.approx(calm.served.latency_s[:before], abs=1e-6, nan_ok=True)


times = st.floats(7 * DAY_S, 27 * DAY_S)
networks = st.sampled_from([YOLOX, ("fastestdet", "fp32"), ("yolox_nano", "int8_all")])
changes = st.one_of(
    st.builds(Undone, times, st.sets(st.sampled_from(["world", "camera", "client", "server", "labels"])).map(frozenset)),
    st.builds(Swapped, times, networks, st.sampled_from([None, NANO]), share=st.sampled_from([0.1, 1.0]), whole=st.booleans()),
    st.builds(Rethresholded, times, st.integers(0, 9)),
    st.builds(Reviewed, times, st.just(40.0), st.just(0.9)),
)


@settings(max_examples=examples(60))
@given(st.sampled_from(CAUSES), st.integers(1, 10_000), st.lists(changes, max_size=3), changes)
def test_a_change_changes_no_frame_before_it_is_made(cause, seed, earlier, last):
    stream = stream_of(secret_of(*cause, seed=seed), served=grid(3000))
    before = sorted((one for one in earlier if one.at_s <= last.at_s), key=lambda one: one.at_s)
    now, then = stream.frames([*before, last]), stream.frames(before)
    assert not differ(now, then)[now.at_s < last.at_s].any()


def test_more_replicas_change_nothing_before_they_come():
    secret = secret_of("overload")
    calm, more = serve(case(), secret), serve(case(), secret, [(12 * DAY_S, {"replicas": 8})])
    before = calm.arrived_s < 12 * DAY_S
    assert np.array_equal(calm.replica[before], more.replica[before]) and more.replica[~before].max() > 2
    assert np.array_equal(calm.arrived_s, more.arrived_s)


# What ends it


@pytest.mark.parametrize("enters", ["world", "camera", "client", "server"])
def test_what_is_undone_where_it_entered_is_as_in_quiet_weeks(enters):
    scenario = with_cause(FOG | {"enters": enters})
    stream = stream_of(secret_of("made", scenario=scenario), scenario)
    calm, until = stream_of(secret_of(None)).frames(), 13 * DAY_S
    now = stream.frames([Undone(until, frozenset([enters]))])
    assert not differ(now, calm)[now.at_s >= until].any()
    assert now.struck[(now.at_s >= ONSET * DAY_S) & (now.at_s < until)].all()
    others = frozenset({"world", "camera", "client", "server", "labels"} - {enters})
    assert not differ(stream.frames([Undone(until, others)]), stream.frames()).any()


def test_what_has_not_begun_cannot_be_undone():
    stream = stream_of(secret_of("swapped_colours"))
    assert not differ(stream.frames([Undone(9 * DAY_S, frozenset({"server"}))]), stream.frames()).any()


def test_a_canary_takes_its_share_of_the_frames_while_it_lasts():
    stream = stream_of(secret_of("swapped_colours"), served=grid(20_000))
    first, last = 12 * DAY_S, 15 * DAY_S
    now, without = stream.frames([Swapped(first, YOLOX, until_s=last, share=0.1, whole=True)]), stream.frames()
    during, other = (now.at_s >= first) & (now.at_s < last), now.network == read_scenes().networks[YOLOX]
    assert not other[~during].any() and binomtest(int(other.sum()), int(during.sum()), 0.1).pvalue > 0.001
    assert np.array_equal(now.given[other], now.seen[other]) and (now.bin[other] == read_scenes().best_bin(YOLOX)).all()
    assert not differ(now, without)[~other].any()


def test_a_canary_takes_its_frames_from_a_network_that_was_shipped_before():
    stream = stream_of(secret_of(None))
    shipped = Swapped(12 * DAY_S, YOLOX)
    canary = Swapped(14 * DAY_S, NANO, until_s=16 * DAY_S, share=0.1, whole=True)
    now = stream.frames([shipped, canary])
    during = (now.at_s >= 14 * DAY_S) & (now.at_s < 16 * DAY_S)
    assert 0.05 < (now.network[during] == read_scenes().networks[NANO]).mean() < 0.15


def test_a_network_shipped_in_place_of_one_leaves_the_others():
    stream = stream_of(secret_of("int8_rollout", "abrupt"))
    better = ("yolox_nano", "int8_depthwise_float")
    now = stream.frames([Swapped(12 * DAY_S, better, instead_of=("yolox_nano", "int8_all"))])
    assert (now.network[now.at_s >= 12 * DAY_S] == read_scenes().networks[better]).all()
    assert (now.network[now.at_s < ONSET * DAY_S] == read_scenes().networks[NANO]).all()
    other = stream.frames([Swapped(12 * DAY_S, better, instead_of=("fastestdet", "fp32"))])
    assert not differ(other, stream.frames()).any()


def test_a_new_threshold_holds_from_its_time_on_until_another_network_comes():
    now = stream_of(secret_of(None)).frames([Rethresholded(12 * DAY_S, 2), Swapped(15 * DAY_S, YOLOX)])
    bins = [set(now.bin[(now.at_s >= low * DAY_S) & (now.at_s < high * DAY_S)]) for low, high in ((0, 12), (12, 15), (15, 28))]
    assert bins == [{read_scenes().best_bin(NANO)}, {2}, {read_scenes().best_bin(YOLOX)}]


def test_frames_are_labelled_as_often_as_the_case_says():
    counts = [int(stream_of(secret_of(None, seed=seed)).frames().labelled.sum()) for seed in range(1, 31)]
    one = mean_interval(counts)
    assert one.low < SPEC.labels.frames_a_day * 28 < one.high


# Replayed frames


@pytest.mark.parametrize(
    ("cause", "otherwise"), [("fog_season", 0), ("lost_step", 0), ("swapped_colours", 1), ("int8_rollout", 1)]
)
def test_replayed_frames_meet_the_servers_of_today_and_the_world_of_then(cause, otherwise):
    stream = stream_of(secret_of(cause))
    frames, rows = stream.frames(), np.arange(0, 1900, 10)
    served = stream.as_served(rows, 14 * DAY_S, frames, [])
    moved = (served.given != frames.given[rows]) | (served.network != frames.network[rows])
    assert moved.mean() == otherwise
    assert (served.bin == read_scenes().tested_bins[served.network]).all()
    back = stream.as_served(rows, 14 * DAY_S, frames, [Undone(13 * DAY_S, frozenset({"server"}))])
    assert all(np.array_equal(getattr(back, name), getattr(frames, name)[rows]) for name in ("given", "network", "bin"))


def test_replayed_frames_of_a_site_or_version_meet_what_strikes_it():
    for where in ({"sites": ["depot"]}, {"version": "v42"}, {"one_site": True}):
        frames, _, stream = struck({"kind": "condition", "condition": "bgr", "severity": 2, "enters": "server", "where": where})
        rows = np.arange(0, 1900, 3)
        given_ = stream.as_served(rows, 14 * DAY_S, frames, []).given
        sites = np.unique(frames.site[frames.struck])
        assert np.array_equal(given_ == read_scenes().settings["bgr", 2], np.isin(frames.site[rows], sites)) and len(sites) < 6


def test_a_stream_is_the_same_each_time():
    assert isinstance(stream_of(secret_of("fog_season")), Stream)
    one, other = (statistics_of(secret_of("fog_season", "gentle")).frames for _ in range(2))
    assert not differ(one, other).any()
