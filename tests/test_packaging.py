"""A wheel carries cases, pages and evidence, and runs outside the checkout; the drives are a wheel of their own."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]


#: The sentence of a case that needs the drives where they are not installed.
MISSING = "the recorded drives are not installed; `pip install casesim-drives` adds them, for non-commercial use"


def built(source, folder):
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def drives(tmp_path_factory):
    return built(ROOT / "assets" / "drives", tmp_path_factory.mktemp("drives"))


@pytest.mark.parametrize("folder", ["scenarios", "pages", "assets"])
def test_the_wheel_carries_every_file_of(folder, wheel):
    carried = set(ZipFile(wheel).namelist())
    apart = tracked("assets/drives")
    assert {f"simulator/shipped/{name}" for name in tracked(folder) - apart} <= carried
    assert carried.isdisjoint(f"simulator/shipped/{name}" for name in apart)


def test_the_drives_are_carried_by_a_wheel_of_their_own(drives):
    carried = {name for name in ZipFile(drives).namelist() if ".dist-info/" not in name}
    assert carried == {name.replace("assets/drives", "casesim_drives") for name in tracked("assets/drives")}


def test_each_wheel_names_its_licences(wheel, drives):
    assert license_of(wheel) == "Apache-2.0 AND BSD-3-Clause AND CC-BY-4.0 AND ISC AND MIT"
    assert license_of(drives) == "CC-BY-NC-SA-3.0"


def license_of(wheel):
    [metadata] = [name for name in ZipFile(wheel).namelist() if name.endswith(".dist-info/METADATA")]
    [line] = [line for line in ZipFile(wheel).read(metadata).decode().splitlines() if line.startswith("License-Expression: ")]
    return line.removeprefix("License-Expression: ")


@pytest.mark.long
def test_a_case_that_needs_the_drives_says_that_they_are_missing_until_they_are_installed(wheel, drives, tmp_path):
    # A wheel of Python files is installed by unpacking it.
    ZipFile(wheel).extractall(tmp_path / "installed")
    listed = casesim(tmp_path, "cases")
    assert (listed.returncode, "av-perception" in listed.stdout, listed.stderr.count(MISSING)) == (2, True, 1)
    run = casesim(tmp_path, "run", "av-perception", "--replications", "2")
    assert (run.returncode, run.stdout, run.stderr.count(MISSING)) == (2, "", 1)
    assert "Traceback" not in run.stderr
    ZipFile(drives).extractall(tmp_path / "installed")
    assert casesim(tmp_path, "cases").returncode == 0
    assert casesim(tmp_path, "check", "av-perception").returncode == 0
    compared = casesim(tmp_path, "evidence")
    assert (compared.returncode, "casesim_drives: " in compared.stdout) == (0, True)


def casesim(folder, *words):
    (folder / "elsewhere").mkdir(exist_ok=True)
    surroundings = os.environ | {"PYTHONPATH": str(folder / "installed"), "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "simulator.cli", *words]
    return subprocess.run(command, cwd=folder / "elsewhere", env=surroundings, capture_output=True, text=True, check=False)


def test_the_wheel_carries_the_whole_package(wheel):
    carried, source = set(ZipFile(wheel).namelist()), {
        *tracked("simulator/frontend/board"), *tracked("simulator/frontend/editor"), "simulator/frontend/make_bundle.mjs"
    }  # fmt: skip
    assert tracked("simulator") - source <= carried
    assert carried.isdisjoint(source)
    assert {"simulator/frontend/board.js", "simulator/frontend/board-licences.txt"} <= carried
    assert {"simulator/frontend/editor.js", "simulator/frontend/editor-licences.txt"} <= carried
    assert not [name for name in carried if "node_modules" in name]


def tracked(folder):
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert listed
    return set(listed.splitlines())


@pytest.mark.long
def test_an_installed_wheel_runs_a_case(wheel, tmp_path):
    python = tmp_path / "env" / "bin" / "python"
    venv.create(tmp_path / "env", with_pip=False)
    install = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-compile"]
    subprocess.run([*install, wheel], check=True)
    # The dependencies come from this environment. Its editable install does not: Python reads no .pth file in a folder
    # that a .pth file names.
    packages = next((tmp_path / "env").glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    command = [python.with_name("casesim"), "run", "skin-cancer-triage", "--replications", "2", "--json"]
    printed = subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert json.loads(printed)["metrics"]["sensitivity"]["value"] > 0.5
    code = "from simulator.app.store.attempts import Attempts; print(Attempts('sqlite:///kept.db').of('a', 'b'))"
    made = subprocess.run([python, "-c", code], cwd=tmp_path, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert made == "[]\n"  # the migrations are in the wheel
