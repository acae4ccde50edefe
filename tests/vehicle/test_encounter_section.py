"""What is wrong with a vehicle's case is told at the line where it stands, with what would be right there."""

import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.engine.plan import compile_plan
from simulator.paths import SCENARIOS
from tests.case.texts import WORDS, changed, place, without

#: The case without the sections that say nothing of its vehicle, and the same without its choices.
CASE = without((SCENARIOS / "av-perception.yaml").read_text(encoding="utf-8"), *WORDS)
DEFAULTS = without(CASE, "choices")
STRONG = "    strong:\n      finds: kitti.yolox_x.restored\n"
NANO = "coco.yolox_nano.fp32"


def faults_of(text):
    """The faults of the case or, where it can be read, of the default design."""
    with pytest.raises(ScenarioError) as caught:
        compile_plan(loads(text, "av.yaml"))
    return [str(fault) for fault in caught.value.faults]


#: What stands in the file, what is written instead, from where on it is at fault, and what is said of it there.
WRONG = {
    "a misspelled field": (
        "  known_at: planner\n", "  know_at: planner\n", "know_at: planner",
        "encounters.know_at: unknown key; did you mean 'known_at'?",
    ),
    "an end that is none": (
        "known_at: planner", "known_at: planer", "known_at: planer",
        "encounters.known_at: 'planer' is not an end; did you mean 'planner'?",
    ),
    "a speed that nothing gives": (
        "speed_by: speed\n", "speed_by: sped\n", "speed_by: sped",
        "encounters.speed_by: 'sped' is not an attribute; did you mean 'speed'?",
    ),
    "a speed that does not follow the time": (
        "speed_by: speed\n", "speed_by: boxes\n", "speed_by: boxes",
        "encounters.speed_by: 'boxes' does not follow the time; it needs an attribute of the kind timetable",
    ),
    "shares that make no whole": (
        "share: {value: 0.4,", "share: {value: 0.3,", "kinds:\n    steps_out",
        "encounters.kinds: the shares of the kinds add up to 0.9; they should add up to 1",
    ),
    "an object that is not known": (
        "object: pedestrian\n", "object: pedestrain\n", "object: pedestrain",
        "encounters.kinds.steps_out.object: 'pedestrain' is not known here; did you mean 'pedestrian'?",
    ),
    "a confirmation that cannot be": (
        "{hits: 3, of: 4}", "{hits: 5, of: 4}", "confirms: {hits: 5", "encounters.confirms: hits (5) cannot exceed of (4)",
    ),
    "a sensor that is not there": (
        "sensors: [lidar]\n", "sensors: [lidr]\n", "lidr]",
        "encounters.sees.lidar_net.sensors.0: 'lidr' is not a sensor; did you mean 'lidar'?",
    ),
    "a finder that nobody measured": (
        STRONG, STRONG.replace("yolox_x.restored", "yolo_x"), "finds: kitti.yolo_x",
        "encounters.sees.strong.finds: 'kitti.yolo_x' was not measured; did you mean 'kitti.yolox_x'?",
    ),
    "a finder of other drives": (
        STRONG, STRONG.replace("kitti.yolox_x.restored", "waymo.lidar"), "finds: waymo.lidar",
        "encounters.sees.strong.finds: 'waymo.lidar' was not measured; expected one of: kitti.",
    ),
    "a threshold that is lacking": (
        STRONG, STRONG.replace("kitti.yolox_x.restored", NANO), f"strong:\n      finds: {NANO}",
        f"encounters.sees.strong.threshold: '{NANO}' has scores; give a threshold, one of 0.05, 0.15, 0.25, 0.35, 0.5",
    ),
    "a threshold that was not measured": (
        STRONG, STRONG.replace("kitti.yolox_x.restored", NANO) + "      threshold: 0.2\n", "threshold: 0.2\n",
        f"encounters.sees.strong.threshold: '{NANO}' was not measured from a score of 0.2 on; give one of 0.05, 0.15,",
    ),
    "misses that nobody measured": (
        STRONG, STRONG + "      misses_as: kitti.yolox\n", "misses_as: kitti.yolox\n",
        "encounters.sees.strong.misses_as: how the misses of 'kitti.yolox' follow each other was not measured; did you mean",
    ),
    "false answers that nobody counted": (
        STRONG, STRONG + "      alarms_as: kitti.yolox\n", "alarms_as: kitti.yolox\n",
        "encounters.sees.strong.alarms_as: the false answers of 'kitti.yolox' were not counted; did you mean 'kitti.yolox_x'?",
    ),
    "a condition that nobody measured": (
        "corruption: night\n      severity: 2", "corruption: nigth\n      severity: 2", "corruption: nigth",
        "encounters.conditions.night.corruption: the condition 'nigth' was not measured; did you mean 'night'?",
    ),
    "a severity that nobody measured": (
        "corruption: night\n      severity: 2", "corruption: night\n      severity: 5", "severity: 5",
        "encounters.conditions.night.severity: 'night' was not measured at severity 5; expected one of 1, 2, 3",
    ),
    "brakes that accelerate": (
        "    deceleration_mps2: {value: 7, between: [6.43, 9],", "    deceleration_mps2: {value: -7,",
        "deceleration_mps2: {value: -7",
        "encounters.braking.deceleration_mps2: should be between 0.1 and 100, got -7",
    ),
    "a part that draws less at work": (
        '      idle_w: {value: 10, assumed: "below', '      idle_w: {value: 100, assumed: "below', "computer:\n      label",
        "vehicle.parts.computer: busy_w (38) cannot be below idle_w (100)",
    ),
    "a figure without a source": (
        "planner_hz: {value: 10, between: [5, 20], assumed: a common rate of planners}", "planner_hz: 12", "planner_hz: 12",
        "encounters.braking.planner_hz: write it as {value: 12, assumed: why}; got 12",
    ),
    "a part that works for nothing": (
        "works_for: [detector, strong, lidar_net]", "works_for: [detector, stron, lidar_net]", "stron, lidar_net]",
        "vehicle.parts.computer.works_for.1: 'stron' is not a stage with servers; did you mean 'strong'?",
    ),
    "a curveball of a condition that is not there": (
        "    condition: rain_at_night\n", "    condition: rain_at_nite\n", "condition: rain_at_nite",
        "curveballs.rainy_night.condition: 'rain_at_nite' is not one of `encounters.conditions`; did you mean 'rain_at_night'?",
    ),
    "a metric of a sensor that is not there": (
        "{metric: age_p99_s.planner.front,", "{metric: age_p99_s.planner.frnt,", "metric: age_p99_s.planner.frnt",
        "objectives.1.metric: 'age_p99_s.planner.frnt' is not a metric here; did you mean 'age_p99_s.planner.front'?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_each_fault_is_told_where_it_stands_with_what_would_be_right(wrong):
    before, after, where, told = WRONG[wrong]
    text = changed(before, after, text=DEFAULTS)
    line, column = place(text, where)
    assert [fault for fault in faults_of(text) if fault.startswith(f"av.yaml:{line}:{column}: {told}")]


def test_a_condition_that_nobody_measured_is_one_fault_however_many_look():
    text = changed("corruption: night\n      severity: 2", "corruption: night\n      severity: 4", text=DEFAULTS)
    assert len(faults_of(text)) == 1


@pytest.mark.parametrize("section", ["encounters", "vehicle"])
def test_a_misspelled_section_is_one_fault_whatever_choices_write_to_it_and_metrics_rest_on_it(section):
    text = changed(f"\n{section}:\n", f"\n{section[:-1]}:\n", text=CASE)
    line, column = place(text, f"{section[:-1]}:\n")
    assert faults_of(text) == [f"av.yaml:{line}:{column}: {section[:-1]}: unknown key; did you mean '{section}'?"]


def test_a_choice_that_misspells_a_section_is_told():
    written = "- arrivals.sensors.rear.rate_per_s.value\n"
    (fault,) = faults_of(changed(written, "- arivals.sensors.rear.rate_per_s.value\n", text=CASE))
    assert "there is no 'arivals' to write to; did you mean 'arrivals'?" in fault


def test_what_an_option_writes_is_told_at_the_option():
    text = changed("encounters.condition: fog", "encounters.condition: fgo", text=CASE)
    line, column = place(text, "encounters.condition: fgo")
    (fault,) = faults_of(text)
    assert fault == (
        f"av.yaml:{line}:{column}: encounters.condition: choice `weather` at fog writes this: 'fgo' is not one of "
        "`encounters.conditions`; did you mean 'fog'?"
    )


def test_evidence_that_only_an_option_asks_for_is_told_at_the_option():
    text = changed("values: [0.05, 0.15, 0.25, 0.35, 0.5]", "values: [0.05, 0.15, 0.25, 0.35, 0.55]", text=CASE)
    scenario = loads(text, "av.yaml")
    with pytest.raises(ScenarioError) as caught:
        compile_plan(scenario, {"detector": "yolox_nano", "threshold": 0.55})
    (fault,) = caught.value.faults
    assert (fault.line, fault.column) == place(text, "encounters.sees.detector.threshold]")
    assert "'coco.yolox_nano.fp16' was not measured from a score of 0.55 on; give one of 0.05" in fault.message


def test_both_kinds_of_sensors_are_asked_for_only_where_both_look():
    camera = "finds: kitti.yolox_x\n      stands_in: {pedestrian: car}\n      focal_px: {value: 721, published: KITTI}\n"
    text = changed("finds: kitti.pointrcnn\n", camera, text=CASE)
    text = changed("label: Ahead\n    default: camera\n", "label: Ahead\n    default: both\n", text=text)
    (fault,) = faults_of(text)
    assert "both must confirm, but only cameras look; write either" in fault


def test_a_run_that_ends_before_an_encounter_does_is_told():
    found = faults_of(changed("days: 0.000347223", "days: 0.00005", text=DEFAULTS))
    (fault,) = (one for one in found if "followed for" in one)
    line, _ = place(DEFAULTS, "encounters:\n")
    assert fault.startswith(f"av.yaml:{line}:")
    assert "followed for up to 8 s, but frames come for only 4.32 s; run.days should be at least 9.3e-05" in fault


def test_sensors_that_nobody_measured_together_are_told_with_their_line():
    text = changed(
        "encounters.sees.detector.finds: kitti.yolox_x.restored", "encounters.sees.detector.finds: kitti.ciwt_stereo", text=CASE
    )
    (fault,) = faults_of(text)
    assert fault.startswith("av.yaml:")
    assert "kitti.ciwt_stereo and kitti.pointrcnn were not measured together on the object car" in fault
