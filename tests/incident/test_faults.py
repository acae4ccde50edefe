"""What is wrong with the section `incident` of a case is told at the line where it stands, with what would be right there."""

import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.incident.effects import EFFECTS
from simulator.incident.fixes import FIXES
from simulator.incident.look_kinds import LOOKS
from simulator.incident.watches import Watch
from simulator.paths import SCENARIOS
from tests.case.texts import WORDS, changed, place, without

CASE = without((SCENARIOS / "production-drift.yaml").read_text(encoding="utf-8"), *WORDS)
FOG = "where: {sites: [station, market, stadium, depot], share: 0.8, spell_h: 20}"
TABLES = "{kind: scenes, group: tables, where: {share: 0.75}}"
STRIKE = "{kind: strike, at_once: [clips_tripled], gently: {clips_half_more: 0, clips_doubled: 2}}"
GUIDELINE = "{kind: guideline, least_area_px: 0}"
WATCH = "{statistic: found, by: all, window_h: 24, at: 5}"
PICKS = "picks: {detector: yolox_nano}"
REPLICAS = "picks: {replicas: 8}"
FOUND = "    found: {value: 2, between: [1, 4], assumed: known from the answers}\n"

#: What stands in the file, what is written instead, where it is at fault, and what is said of it there.
WRONG = {
    "a stage that is none": (
        "  stage: detect\n", "  stage: detct\n", "detct\n", "incident.stage: 'detct' is not a pool; did you mean 'detect'?",
    ),
    "an onset that may last beyond the run": (
        "onset_days: [9, 15]", "onset_days: [9, 22]", "[9, 22]",
        "incident.onset_days: with ramp and complaint it may last beyond the run, which has 28 days",
    ),
    "an onset within the reference": (
        "onset_days: [9, 15]", "onset_days: [6, 15]", "incident:",
        "incident: onset_days: should be two days, the first not before reference_days (7)",
    ),
    "an onset the wrong way round": (
        "onset_days: [9, 15]", "onset_days: [15, 9]", "incident:",
        "incident: onset_days: should be two days, the first not before reference_days (7)",
    ),
    "a group held back that is none": (
        "held_back: [animals]", "held_back: [animal]", "[animal]",
        "incident.scenes.held_back.0: 'animal' is not one of `scenes.groups`; did you mean 'animals'?",
    ),
    "a site of an effect that is none": (
        FOG, FOG.replace("station", "statoin"), "statoin, market",
        "incident.causes.fog_season.effects.0.where.sites.0: 'statoin' is not one of `incident.sites`; did you mean 'station'?",
    ),
    "a version that is none": (
        "where: {version: v42}", "where: {version: v43}", "v43}",
        "incident.causes.lost_step.effects.0.where.version: 'v43' is not one of `incident.versions`",
    ),
    "a group of scenes that is none": (
        TABLES, TABLES.replace("tables", "table"), "table, where",
        "incident.causes.class_mix.effects.0.group: 'table' is not one of `incident.scenes.groups`; did you mean 'tables'?",
    ),
    "a curveball that is none": (
        STRIKE, STRIKE.replace("clips_tripled", "clips_trippled"), "[clips_trippled]",
        "incident.causes.overload.effects.0.at_once.0: 'clips_trippled' is not one of `curveballs`",
    ),
    "a gentle curveball that is none": (
        STRIKE, STRIKE.replace("clips_half_more", "clips_half"), "clips_half: 0",
        "incident.causes.overload.effects.0.gently.clips_half: 'clips_half' is not one of `curveballs`; did you mean",
    ),
    "a line of the log that is none": (
        "log: [router, firmware]", "log: [ruter, firmware]", "ruter, firmware",
        "incident.causes.jpeg_crushed.log.0: 'ruter' is not one of `incident.log`; did you mean 'router'?",
    ),
    "a kind of effect that is none": (
        GUIDELINE, GUIDELINE.replace("guideline", "guidelines"), "guidelines, least", "did you mean 'guideline'?",
    ),
    "a guideline at some sites": (
        GUIDELINE, GUIDELINE.replace("}", ", where: {sites: [depot]}}"), "[depot]}}",
        "incident.causes.guideline.effects.0.where.sites: guideline goes by nothing of `where`",
    ),
    "curveballs on some replicas": (
        STRIKE, STRIKE[:-1] + ", where: {replicas: 0.5}}", "0.5}}",
        "incident.causes.overload.effects.0.where.replicas: strike goes by nothing of `where`",
    ),
    "scenes at some hours": (
        TABLES, TABLES.replace("share: 0.75", 'hours: ["08:00", "09:00"]'), '["08:00", "09:00"]',
        "incident.causes.class_mix.effects.0.where.hours: scenes goes by one_site, share, sites of `where`",
    ),
    "a choice that is none": (
        REPLICAS, REPLICAS.replace("replicas", "replica"), "8}\n    nothing",
        "incident.fixes.more_replicas.picks.replica: there is no choice 'replica'; did you mean 'replicas'?",
    ),
    "a pick that cannot be": (
        REPLICAS, REPLICAS.replace("8", "80"), "80}\n    nothing", "more_replicas.picks.replicas: 80 is out of range",
    ),
    "an option that is none": (
        PICKS, PICKS.replace("yolox_nano", "yolo_nano"), "yolo_nano}", "incident.fixes.bigger_model.picks.detector:",
    ),
    "a statistic that cannot be watched": (
        WATCH, WATCH.replace("found", "fond"), "{statistic: fond",
        "incident.watches.0: statistic: 'fond' cannot be watched; did you mean 'found'?",
    ),
    "a statistic without a price": (
        FOUND, "", "found, by: all",
        "incident.watches.0.statistic: `usd_a_week` has no price of 'found'",
    ),
    "a price of what cannot be watched": (
        FOUND, FOUND.replace("found:", "fond:"), "{value: 2, between: [1, 4], assumed: known from the answers}\n    sure",
        "incident.usd_a_week.fond: 'fond' cannot be watched; did you mean 'found'?",
    ),
    "a window wider than half the reference": (
        WATCH, WATCH.replace("24", "96"), "96, at: 5}",
        "incident.watches.0.window_h: should be 84 at most, so that the reference time holds two windows",
    ),
    "a watch that fits no test": (
        WATCH, WATCH.replace("by: all", "test: mmd"), "{statistic: found, test: mmd",
        "incident.watches.0: test: mmd compares features; write `statistic: features`, or another test",
    ),
}  # fmt: skip


def faults_of(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        loads(text, "drift.yaml")
    return [str(fault) for fault in caught.value.faults]


def test_the_case_itself_has_no_fault():
    assert loads(CASE, "drift.yaml").incident


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_told_where_it_stands(wrong):
    old, new, at, message = WRONG[wrong]
    text = changed(old, new, text=CASE)
    faults = faults_of(text)
    fitting = [fault for fault in faults if message in fault]
    assert fitting, faults
    assert fitting[0].startswith(f"drift.yaml:{place(text, at)[0]}:"), fitting[0]


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("version: v40", "is not one of `incident.versions`"),
        ("day: {persons: 1}", "'persons' is not a group of scenes"),
        ("day: {other: 0}", "at least one weight should be above 0"),
    ],
)
def test_a_site_needs_a_version_and_groups_that_are_there(site, expected):
    told_of = {"label": "A site", "cameras": 2, "version": "v41", "day": {"other": 1}}
    name, _, value = site.partition(": ")
    fields = ", ".join(f"{key}: {each}" for key, each in {**told_of, name: value}.items()).replace("'", "")
    text = CASE.replace("  sites:\n", f"  sites:\n    made: {{{fields}}}\n", 1)
    assert any(expected in fault and "incident.sites.made" in fault for fault in faults_of(text))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"statistic": "recall", "reference": "collected"}, "the collected images have no recall"),
        ({"statistic": "latency", "reference": "collected"}, "the collected images have no latency"),
        ({"statistic": "dropped", "test": "psi"}, "is a share or a mean of each window; write `test: mean`"),
        ({"statistic": "found", "test": "wasserstein", "rings": "p"}, "wasserstein gives no p value here"),
        ({"statistic": "found", "test": "ks", "rings": "p"}, "a p value lies between 0 and 1, got 4"),
    ],
)
def test_combinations_that_do_not_fit_are_told(given, expected):
    with pytest.raises(ValueError, match=expected):
        Watch.model_validate(given)


def test_a_window_may_be_wide_where_its_spread_is_not_needed():
    for more in ("rings: p, at: 0.01", "reference: collected, at: 5"):
        assert loads(changed(WATCH, f"{{statistic: found, window_h: 168, {more}}}", text=CASE), "drift.yaml")


def test_every_kind_has_a_sentence_of_its_own():
    for kinds in (EFFECTS, LOOKS, FIXES):
        docs = [kind.__doc__ for kind in kinds.values()]
        assert all(docs) and len(set(docs)) == len(docs)
