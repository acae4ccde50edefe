"""A wheel carries cases, pages and evidence, and runs outside the checkout."""

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT], check=True)
    return next(folder.glob("casesim-*.whl"))


@pytest.mark.parametrize("folder", ["scenarios", "pages", "assets"])
def test_the_wheel_carries_every_file_of(folder, wheel):
    assert {f"simulator/shipped/{name}" for name in tracked(folder)} <= set(ZipFile(wheel).namelist())


def test_the_wheel_carries_the_whole_package(wheel):
    assert tracked("simulator") <= set(ZipFile(wheel).namelist())


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
