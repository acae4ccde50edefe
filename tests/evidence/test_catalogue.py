"""The catalogue: machines with a price and its source, and nothing half filled in."""

import shutil
from pathlib import Path

import pytest

from simulator.case.load import load
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.evidence.catalogue import Hardware, changes_answers, hardware, instruction_set_of, machine, table_precision
from simulator.evidence.detection_tables import load_processors
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.profiles import profiles
from simulator.evidence.score_tables import Measured, load_scores, score_names, scores_at
from simulator.paths import PROFILES, SCORES

ENTRY = """\
box:
  label: A box
  processor: a processor
  vcpus: 4
  usd_per_hour: 0.5
  price_source: a list, 2026-01-01
"""


def test_a_thread_costs_its_share_of_the_machine(tmp_path):
    file = tmp_path / "hardware.yaml"
    file.write_text(ENTRY, encoding="utf-8")
    assert hardware(file)["box"].usd_per_thread_hour() == 0.125


def test_a_price_that_was_changed_is_read_again(tmp_path):
    file = tmp_path / "hardware.yaml"
    file.write_text(ENTRY, encoding="utf-8")
    assert hardware(file)["box"].usd_per_hour == 0.5
    file.write_text(ENTRY.replace("0.5", "0.75"), encoding="utf-8")
    assert hardware(file)["box"].usd_per_hour == 0.75


def test_a_catalogue_that_is_absent_or_no_yaml_is_told(tmp_path):
    file = tmp_path / "hardware.yaml"
    with pytest.raises(EvidenceError, match="cannot be read: No such file"):
        hardware(file)
    file.write_text("box: [", encoding="utf-8")
    with pytest.raises(EvidenceError, match="is not YAML"):
        hardware(file)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [("vcpus: 4", "vcpus: 0", "vcpus"), ("usd_per_hour: 0.5", "usd_per_hour: free", "usd_per_hour"),
     ("  price_source: a list, 2026-01-01\n", "", "price_source"), ("label", "lable", "label")],
)  # fmt: skip
def test_a_bad_entry_is_refused_with_its_file_and_field(tmp_path, old, new, what):
    file = tmp_path / "hardware.yaml"
    file.write_text(ENTRY.replace(old, new), encoding="utf-8")
    with pytest.raises(EvidenceError, match=what) as caught:
        hardware(file)
    assert str(file) in str(caught.value)


def test_an_unknown_machine_is_answered_with_those_there_are():
    with pytest.raises(EvidenceError, match=f"no machine 'abacus'; expected one of: .*{next(iter(hardware()))}"):
        machine("abacus")


def test_every_profile_was_measured_on_a_machine_that_has_a_price():
    assert {profile.device for profile in profiles(PROFILES)} <= set(hardware())


@pytest.mark.parametrize(
    ("processor", "found"),
    [
        ("AMD EPYC Zen 4 (family 25 model 17, avx2, avx512f, avx512_vnni, avx512_bf16)", "avx512_vnni"),
        ("AMD EPYC Zen 3 (family 25 model 1, avx2)", "avx2"),
        ("Intel Xeon (family 6 model 85, avx2, avx512f)", "avx512"),
        ("Intel Core (family 6 model 154, avx2, avx_vnni)", "avx_vnni"),
        ("Neoverse (asimddp, i8mm)", "neon_dotprod"),
        ("a processor", None),
    ],
)
def test_the_instruction_set_is_the_one_that_multiplies_eight_bits(processor: str, found: str | None) -> None:
    assert instruction_set_of(processor) == found


def test_the_catalogue_says_the_instruction_set_that_the_profiles_were_measured_with() -> None:
    for profile in profiles(PROFILES):
        assert instruction_set_of(profile.provenance.processor) == hardware()[profile.device].instruction_set, profile.key


def test_every_table_of_eight_bit_scores_says_where_it_was_measured() -> None:
    tables = [load_scores(name).about for name in score_names(SCORES)]
    assert all(about.instruction_set for about in tables if isinstance(about, Measured))


@pytest.mark.parametrize(
    ("precision", "measured_on", "runs_on", "changes"),
    [
        ("int8_static", "avx512_vnni", "avx2", True),
        ("int8_static", "avx2", "neon_dotprod", True),
        ("int8_static", "avx512_vnni", "avx_vnni", False),
        ("int8_static", "avx2", "avx512", False),
        ("int8_static_7bit", "avx512_vnni", "avx2", False),
        ("int8_static_unsigned", "avx512_vnni", "avx2", False),
        ("fp32", "avx512_vnni", "avx2", False),
    ],
)
def test_eight_bits_answer_otherwise_where_only_one_side_saturates(precision, measured_on, runs_on, changes) -> None:
    assert changes_answers(precision, measured_on, runs_on) == changes


def test_a_table_of_saturated_sums_has_a_name_of_its_own() -> None:
    assert table_precision("int8_static", "avx2") == "int8_static@avx2"
    assert table_precision("int8_static", "avx512_vnni") == "int8_static"
    assert table_precision("int8_static_unsigned", "avx2") == "int8_static_unsigned"
    assert table_precision("fp32", "avx2") == "fp32"


def test_a_table_of_the_hardware_comes_before_the_table_of_another(tmp_path: Path) -> None:
    for name, to in (("int8_static", "int8_static"), ("fp32", "fp32"), ("int8_static", "int8_static@avx2")):
        for suffix in (".csv", ".yaml"):
            source = SCORES / f"pad_ufes20.efficientnet_lite1.{name}{suffix}"
            shutil.copy(source, tmp_path / f"net.{to}{suffix}")
    assert scores_at("net", "int8_static", tmp_path, "avx2").name == "net.int8_static@avx2"
    assert scores_at("net", "int8_static", tmp_path, "avx512_vnni").name == "net.int8_static"
    assert scores_at("net", "int8_static", tmp_path).name == "net.int8_static"
    assert scores_at("net", "int8_dynamic", tmp_path, "avx2").name == "net.fp32"


def box(**fields: object) -> Hardware:
    return Hardware.model_validate({"label": "A box", "processor": "a processor", "vcpus": 2} | fields)


def test_a_machine_says_what_is_not_known_of_an_accuracy_from_elsewhere() -> None:
    older, newer, board = box(instruction_set="avx2"), box(instruction_set="avx512_vnni"), box(kind="edge", vcpus=None)
    assert older.caution("int8_static", "avx512_vnni") == (
        "measured on a processor that has AVX-512 with VNNI. A box has AVX2 without VNNI. Sums of 8-bit products saturate on "
        "this machine, so the same file answers otherwise. Its accuracy here was not measured"
    )
    assert "saturate where it was measured" in newer.caution("int8_static", "avx2")
    assert "A box has 8-bit arithmetic of its own" in board.caution("int8_static", "avx512_vnni")
    assert not any(one.caution("fp32", "avx512_vnni") for one in (older, newer, board))
    assert not older.caution("int8_static", None)


def planned(**picks: str) -> Plan:
    return compile_plan(load("skin-cancer-triage"), picks)


def of_eight_bits(plan: Plan) -> list[str]:
    return [one for one in plan.warnings if "accuracy, at int8" in one]


def test_a_plan_that_takes_eight_bits_to_another_processor_says_so() -> None:
    assert of_eight_bits(planned(hardware="older")) == []
    assert of_eight_bits(planned(precision="int8_static")) == []
    [older] = of_eight_bits(planned(hardware="older", precision="int8_static", architecture="fine_tuned"))
    assert "AVX2 without VNNI. Sums of 8-bit products saturate on this machine" in older
    [board] = of_eight_bits(planned(hardware="t4", precision="int8_static"))
    assert "NVIDIA T4 has 8-bit arithmetic of its own" in board


def test_a_plan_takes_the_scores_that_were_measured_on_its_processor() -> None:
    plan = planned(hardware="older", precision="int8_static")
    assert plan.tables["classifier"].name == "pad_ufes20.efficientnet_lite0.int8_static@avx2"
    assert of_eight_bits(plan) == []
    assert planned(precision="int8_static").tables["classifier"].name == "pad_ufes20.efficientnet_lite0.int8_static"


def test_detectors_that_cannot_saturate_are_the_same_on_every_processor() -> None:
    """Measured on both kinds: exact sums give the answers of VNNI, and two recipes are equal to the last digit."""
    ap = load_processors().set_index(["detector", "precision", "recipe", "saturates"])["ap"].sort_index()
    for detector in ("yolox_nano", "nanodet_m", "fastestdet"):
        for precision, recipe in (("fp32", "32-bit floats"), ("int8_all", "7-bit weights"), ("int8_all", "unsigned weights")):
            assert ap[detector, precision, recipe, False] == ap[detector, precision, recipe, True]
        exact = ap[detector, "int8_all", "8-bit weights, exact sums"]
        assert exact[True] == exact[False] == ap[detector, "int8_all", "8-bit weights", False]
        assert ap[detector, "int8_all", "8-bit weights", True] < exact[True]
