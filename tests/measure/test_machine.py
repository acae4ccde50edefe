import re
from importlib.metadata import version
from pathlib import Path

import pytest

from simulator.measure import machine

pytestmark = pytest.mark.zoo

HIDDEN_NAME = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
flags\t\t: fpu avx2 avx512f avx512_vnni

processor\t: 1
"""


def test_a_hidden_name_is_filled_in_from_family_and_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(HIDDEN_NAME)
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "cpuinfo")
    assert machine.processor() == "AMD EPYC Zen 4 (family 25 model 17, avx2, avx512f, avx512_vnni)"
    assert machine.default_device() == f"amd-epyc-zen-4-{machine.cores()}c"


def test_a_machine_without_cpuinfo_has_a_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "absent")
    assert machine.processor()
    assert re.fullmatch(r"[a-z0-9-]+-\d+c", machine.default_device())


def test_provenance_names_versions_and_day_and_no_path() -> None:
    made = machine.provenance(["numpy"], weights="random", protocol="as served")
    assert made.libraries == {"numpy": version("numpy")}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", made.date)
    assert str(Path.home()) not in made.model_dump_json()
