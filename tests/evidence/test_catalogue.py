"""The catalogue: machines with a price and its source, and nothing half filled in."""

import pytest

from simulator.evidence.catalogue import CatalogueError, hardware, machine
from simulator.evidence.profiles import profiles
from simulator.paths import PROFILES

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
    with pytest.raises(CatalogueError, match="cannot be read: No such file"):
        hardware(file)
    file.write_text("box: [", encoding="utf-8")
    with pytest.raises(CatalogueError, match="is not YAML"):
        hardware(file)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [("vcpus: 4", "vcpus: 0", "vcpus"), ("usd_per_hour: 0.5", "usd_per_hour: free", "usd_per_hour"),
     ("  price_source: a list, 2026-01-01\n", "", "price_source"), ("label", "lable", "label")],
)  # fmt: skip
def test_a_bad_entry_is_refused_with_its_file_and_field(tmp_path, old, new, what):
    file = tmp_path / "hardware.yaml"
    file.write_text(ENTRY.replace(old, new), encoding="utf-8")
    with pytest.raises(CatalogueError, match=what) as caught:
        hardware(file)
    assert str(file) in str(caught.value)


def test_an_unknown_machine_is_answered_with_those_there_are():
    with pytest.raises(CatalogueError, match=f"no machine 'abacus'; expected one of: .*{next(iter(hardware()))}"):
        machine("abacus")


def test_every_profile_was_measured_on_a_machine_that_has_a_price():
    assert {profile.device for profile in profiles(PROFILES)} <= set(hardware())
