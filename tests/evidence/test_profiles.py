import json
import os
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from simulator.evidence import profiles as module
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.profiles import (
    Profile,
    delete_profile,
    has_profile,
    load_profile,
    profiles,
    read_profile,
    readable_profiles,
    write_profile,
)
from simulator.paths import PROFILES


def raw(**changes: Any) -> dict[str, Any]:
    calls = {"batch": 1, "latency_ms": [3.0, 4.0], "idle_ms": [0.0, 12.5]}
    return {
        "model": "net",
        "precision": "fp32",
        "device": "here",
        "input_shape": [3, 8, 8],
        "provenance": {
            "processor": "A chip",
            "cores": 4,
            "system": "an OS",
            "libraries": {"onnxruntime": "1.0"},
            "date": "2026-01-02",
            "weights": "random",
        },
        "runs": [{"threads": 2, "session_s": [0.5], "resident_mb": 10, "calls": [calls]}],
    } | changes


@pytest.fixture
def profile() -> Profile:
    return Profile.model_validate(raw())


def test_what_is_written_is_read_back(profile: Profile, tmp_path: Path) -> None:
    path = write_profile(profile, tmp_path)
    assert path == tmp_path / "here" / "net.fp32.json"
    assert read_profile(path) == load_profile("here", "net", "fp32", tmp_path) == profile
    assert list(profiles(tmp_path)) == [profile]


def test_a_profile_without_fixed_cost_and_memory_by_batch_is_read(profile: Profile) -> None:
    assert profile.run(2).fixed_cost is None
    assert profile.run(2).calls[0].resident_mb is None
    assert "fixed_cost" not in profile.model_dump_json(exclude_none=True)


def test_the_source_is_one_sentence_with_machine_runtime_and_sample_size(profile: Profile) -> None:
    assert profile.source(2) == ("net fp32 on A chip, 2 of 4 cores, onnxruntime 1.0, 2 calls, 2026-01-02, weights: random")


def test_the_source_tells_when_other_programs_disturbed_the_measurement(profile: Profile) -> None:
    disturbed = profile.model_copy(update={"runs": [profile.runs[0].model_copy(update={"others_share": 0.4})]})
    assert disturbed.source(2).endswith("weights: random; other programs took 40% of the machine meanwhile")


def test_a_thread_count_that_was_not_measured_is_told(profile: Profile) -> None:
    with pytest.raises(KeyError, match=r"here/net.fp32 was measured with \[2\] threads, not 3"):
        profile.run(3)


def test_a_failed_write_leaves_the_old_profile(profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_profile(profile, tmp_path)

    def full(*_: object, **__: object) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        write_profile(profile.model_copy(update={"input_shape": [1]}), tmp_path)
    assert read_profile(path) == profile


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"runs": []}, "runs: List should have at least 1 item"),
        (
            {
                "runs": [
                    {
                        "threads": 1,
                        "session_s": [1],
                        "resident_mb": 1,
                        "calls": [{"batch": 1, "latency_ms": [1], "idle_ms": []}],
                    }
                ]
            },
            "runs.0.calls.0: Value error, latency_ms has 1 rows, idle_ms has 0",
        ),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, fault: dict[str, Any], told: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(raw(**fault)))
    with pytest.raises(EvidenceError) as error:
        read_profile(path)
    assert str(error.value).startswith(f"{path}: {told}")


CALLS: dict[str, Any] = {"batch": 1, "latency_ms": [3.0, 4.0], "idle_ms": [0.0, 12.5]}
RUN: dict[str, Any] = {"threads": 1, "session_s": [1], "resident_mb": 1, "calls": [CALLS]}
LINE = {"per_batch_ms": 1, "per_batch_se_ms": 1, "per_request_ms": 1, "per_request_se_ms": 1, "misfit": 0}


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ([RUN | {"calls": [CALLS | {"latency_ms": [3, value]}]}], f"runs.0.calls.0.latency_ms.1: Input should be {right}, got ")
        for value, right in (
            (0, "greater than or equal to 0.000001"),
            (-5, "greater than or equal to 0.000001"),
            (5e-324, "greater than or equal to 0.000001"),
            (float("nan"), "a finite number"),
            (float("inf"), "a finite number"),
            (1e308, "less than or equal to 3600000"),
        )
    ]
    + [
        ([RUN | {"calls": [CALLS | {"idle_ms": [0, -1]}]}], "runs.0.calls.0.idle_ms.1: Input should be greater than or"),
        ([RUN | {"calls": [CALLS | {"idle_ms": [0, float("inf")]}]}], "runs.0.calls.0.idle_ms.1: Input should be a finite"),
        ([RUN | {"session_s": [float("nan")]}], "runs.0.session_s.0: Input should be a finite number, got nan"),
        ([RUN | {"session_s": [1, -1]}], "runs.0.session_s.1: Input should be greater than 0, got -1"),
        ([RUN | {"session_s": [0]}], "runs.0.session_s.0: Input should be greater than 0, got 0"),
        ([RUN | {"resident_mb": float("inf")}], "runs.0.resident_mb: Input should be a finite number, got inf"),
        (
            [RUN | {"fixed_cost": LINE | {"per_batch_ms": float("nan")}}],
            "runs.0.fixed_cost.per_batch_ms: Input should be a finite",
        ),
        ([RUN | {"calls": [CALLS, CALLS]}], "runs.0.calls: Value error, batch size 1 is there 2 times; each batch size should"),
        ([RUN, RUN | {"threads": 2}, RUN], "runs: Value error, thread count 1 is there 2 times; each thread count should"),
    ],
)
def test_a_number_that_no_machine_measures_is_told_with_its_place(tmp_path: Path, runs: list[Any], told: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(raw(runs=runs)))
    with pytest.raises(EvidenceError) as error:
        read_profile(path)
    assert str(error.value).startswith(f"{path}: {told}")
    assert "\n" not in str(error.value)


def test_what_is_broken_is_told_beside_what_can_be_read(profile: Profile, tmp_path: Path) -> None:
    write_profile(profile, tmp_path)
    (tmp_path / "here" / "broken.fp32.json").write_text("{}")
    found, [sentence] = readable_profiles(tmp_path)
    assert found == [profile]
    assert sentence.startswith(f"{tmp_path / 'here' / 'broken.fp32.json'}: model: Field required")
    with pytest.raises(EvidenceError, match="there it is measured at fp32"):
        load_profile("here", "net", "int8", tmp_path)


def test_every_profile_that_is_shipped_can_be_read() -> None:
    found, broken = readable_profiles(PROFILES)
    assert (len(found), broken) == (len(list(PROFILES.glob("*/*.json"))), [])
    assert found


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="cannot be read: No such file"):
        read_profile(tmp_path / "none.json")


def test_what_travels_with_the_package_comes_before_ones_own(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    monkeypatch.setattr(module, "FOLDERS", (shipped, own))
    assert not has_profile("here", "net", "fp32")
    write_profile(profile, own)
    assert load_profile("here", "net", "fp32") == profile
    assert has_profile("here", "net", "fp32")
    write_profile(other := profile.model_copy(update={"file_bytes": 7}), shipped)
    assert load_profile("here", "net", "fp32") == other
    assert list(profiles()) == [other, profile]


def test_a_profile_that_was_measured_again_is_read_again(profile: Profile, tmp_path: Path) -> None:
    write_profile(profile, tmp_path)
    assert load_profile("here", "net", "fp32", tmp_path).file_bytes is None
    path = write_profile(profile.model_copy(update={"file_bytes": 7}), tmp_path)
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 10**9))  # clocks of file systems may be coarse
    assert load_profile("here", "net", "fp32", tmp_path).file_bytes == 7


def test_the_source_names_another_provider_than_the_processor(profile: Profile) -> None:
    made = profile.provenance.model_copy(update={"provider": "cuda"})
    assert "onnxruntime 1.0, provider cuda, 2 calls" in profile.model_copy(update={"provenance": made}).source(2)


def test_what_was_measured_instead_is_listed(profile: Profile, tmp_path: Path) -> None:
    write_profile(profile, tmp_path)
    with pytest.raises(EvidenceError, match="no measured latency of net at int8 on here; there it is measured at fp32"):
        load_profile("here", "net", "int8", tmp_path)
    with pytest.raises(EvidenceError, match="on elsewhere; nothing is measured there"):
        load_profile("elsewhere", "net", "fp32", tmp_path)
    with pytest.raises(EvidenceError, match=r"on here; did you mean 'net'\?"):
        load_profile("here", "nets", "fp32", tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("runs.0.fixed_cost.per_batch_ms", 1e308),
        ("runs.0.fixed_cost.per_request_ms", -1e308),
        ("runs.0.speeds.1", -1),
        ("runs.0.resident_mb", 1e300),
        ("runs.0.session_s.0", 1e9),
        ("runs.0.calls.0.idle_ms.1", 1e308),
        ("multiply_adds", -7),
        ("parameters", -7),
        ("file_bytes", -7),
        ("input_shape.0", 0),
        ("provenance.cores", -1),
    ],
)
def test_a_figure_that_no_measurement_gives_is_refused_with_its_field_and_value(tmp_path, field, value):
    told = raw(multiply_adds=1, parameters=1, file_bytes=1)
    told["runs"] = [RUN | {"fixed_cost": dict(LINE), "speeds": [1.0, 1.1], "calls": [CALLS | {"idle_ms": [0.0, 1.0]}]}]
    told = deepcopy(told)
    place, *rest = told, *field.split(".")
    for step in rest[:-1]:
        place = place[int(step) if step.isdigit() else step]
    (path := tmp_path / "a.json").write_text(json.dumps(told))
    read_profile(path)
    place[int(rest[-1]) if rest[-1].isdigit() else rest[-1]] = value
    path.write_text(json.dumps(told))
    words = rf"a\.json: {field}: Input should be (greater|less) than or equal to .*, got {re.escape(str(value))}"
    with pytest.raises(EvidenceError, match=words):
        read_profile(path)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to(path), lambda path: path.write_text("[" * 100_000)])
def test_a_file_that_is_no_profile_disables_itself_alone(tmp_path, make):
    write_profile(profile := Profile.model_validate(raw()), tmp_path)
    make(tmp_path / "here" / "broken.fp32.json")
    found, broken = readable_profiles(tmp_path)
    assert found == [profile]
    assert [sentence.split(":")[0] for sentence in broken] == [str(tmp_path / "here" / "broken.fp32.json")]


def test_a_profile_of_ones_own_can_be_deleted(tmp_path):
    write_profile(profile := Profile.model_validate(raw()), tmp_path)
    with pytest.raises(EvidenceError, match=r"no profile 'here/nett\.fp32' of your own; did you mean 'here/net\.fp32'"):
        delete_profile("here/nett.fp32", tmp_path)
    delete_profile(profile.key, tmp_path)
    assert list(profiles(tmp_path)) == []
