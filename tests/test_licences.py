"""Every folder of evidence has a licence file, and each is named where a reader looks for it."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(path.name for path in (ROOT / "assets").iterdir() if path.is_dir() and not path.name.startswith("."))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: The folder that is a distribution of its own.
APART = "drives"
#: The licences of the packages inside the scripts of the whiteboard and of Studio's editor.
BUNDLED = ("simulator/frontend/board-licences.txt", "simulator/frontend/editor-licences.txt")

#: The canonical text of each licence.
TEXTS = {
    "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/legalcode",
    "CC-BY-NC-SA-3.0": "https://creativecommons.org/licenses/by-nc-sa/3.0/legalcode",
}


def licence(folder):
    return (ROOT / "assets" / folder / "LICENSE").read_text(encoding="utf-8")


def identifier(folder):
    [name] = re.findall(r"^SPDX-License-Identifier: (\S+)$", licence(folder), re.MULTILINE)
    return name


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_evidence_names_its_licence_its_source_and_what_was_changed(folder):
    text = licence(folder)
    assert TEXTS[identifier(folder)] in text
    assert re.search(r"^Source: .+", text, re.MULTILINE)
    if identifier(folder).startswith("CC-"):
        assert re.search(r"^Creators?: .+", text, re.MULTILINE)
        assert re.search(r"^Where: https://", text, re.MULTILINE)
        assert re.search(r"^Changed: .+", text, re.MULTILINE)
        assert "without" in text.split()
        assert "warranties" in text


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_readme_and_the_notice_name_each_folder_with_its_licence(folder):
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Licence")[2]
    [row] = [
        row for row in section.splitlines() if row.startswith("|") and f"[`assets/{folder}/`](assets/{folder}/LICENSE)" in row
    ]
    assert identifier(folder) in row
    assert f"assets/{folder}" in (ROOT / "NOTICE").read_text(encoding="utf-8")


def test_the_package_lists_every_licence_file_but_that_of_the_drives():
    listed = {"LICENSE", "NOTICE", *BUNDLED, *(f"assets/{folder}/LICENSE" for folder in FOLDERS if folder != APART)}
    assert set(PROJECT["license-files"]) == listed
    evidence = {identifier(name) for name in FOLDERS if name != APART}
    licences = "".join((ROOT / name).read_text(encoding="utf-8") for name in BUNDLED)
    inside = set(re.findall(r"^\S+ \S+ \((\S+)\)$", licences, re.MULTILINE))
    assert set(PROJECT["license"].split(" AND ")) == {"Apache-2.0"} | evidence | inside


def test_no_folder_of_the_package_excludes_commercial_use():
    assert [folder for folder in FOLDERS if "-NC-" in identifier(folder) or "-SA-" in identifier(folder)] == [APART]


def test_pyav_comes_with_the_extra_tracking_alone():
    bringing = {"av", "supervision", "trackers"}
    extras = PROJECT["optional-dependencies"]
    names = {extra: {re.split(r"[^\w.-]", one)[0] for one in wanted} for extra, wanted in extras.items()}
    assert [extra for extra, wanted in names.items() if wanted & bringing] == ["tracking"]
    assert [extra for extra, wanted in extras.items() if any(one.startswith("casesim[tracking") for one in wanted)] == []
