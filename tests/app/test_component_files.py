"""Every component has its files: a module that moves leaves none of them behind."""

import re
from pathlib import Path

import pytest

from simulator.app.component_files import component_beside, script_of

PACKAGE = Path(__file__).parents[2] / "simulator"
DECLARED = [
    (file, name)
    for file in PACKAGE.rglob("*.py")
    for name in re.findall(r'component_beside\(__file__, "(\w+)"', file.read_text(encoding="utf-8"))
]


def test_each_script_belongs_to_a_component_of_its_folder():
    scripts = {file.with_name(f"{name}.js") for file, name in DECLARED}
    bundles = {PACKAGE / "frontend" / f"{name}.js" for name in ("board", "editor")}
    others = {PACKAGE / "app" / "follow.js", *bundles}  # scripts that components build on
    assert scripts | others == {file for file in PACKAGE.rglob("*.js") if "node_modules" not in file.parts}


def test_a_component_without_a_script_is_refused(tmp_path):
    (tmp_path / "bare.html").write_text("<p></p>", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"bare\.js"):
        component_beside(str(tmp_path / "module.py"), "bare")


def test_a_script_comes_behind_the_script_that_it_builds_on(tmp_path):
    (tmp_path / "built.js").write_text("go();", encoding="utf-8")
    assert script_of(str(tmp_path / "module.py"), "built", "const go = () => 1;\n") == "const go = () => 1;\ngo();"
