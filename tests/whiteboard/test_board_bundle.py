"""The whiteboard's bundle is made of the sources beside it, and every package inside has its licence in the distribution."""

import json
import re
from hashlib import sha256
from pathlib import Path

from simulator.whiteboard.board_component import BUNDLE

FOLDER = BUNDLE.parent
SOURCE = FOLDER / "frontend"
LICENCES = (FOLDER / "board-licences.txt").read_text(encoding="utf-8")
LOCK = json.loads((SOURCE / "package-lock.json").read_text(encoding="utf-8"))["packages"]


def test_the_bundle_was_built_from_these_sources():
    """The build writes the hash of its sources into the first line, so that a bundle of others is known without node."""
    files = [SOURCE / name for name in ("build.mjs", "package.json", "package-lock.json", "tsconfig.json")]
    files += list((SOURCE / "src").iterdir())
    summed = sha256()
    for file in sorted(files, key=lambda one: one.relative_to(SOURCE).as_posix()):
        summed.update(f"{file.relative_to(SOURCE).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    with BUNDLE.open(encoding="utf-8") as bundle:
        assert bundle.readline() == f"// Made of frontend/ by `make board`: {summed.hexdigest()}\n", (
            "`make board` builds it again"
        )


def test_every_package_in_the_bundle_has_its_licence_in_full():
    blocks = LICENCES.split("-" * 80)[1:]
    found = {}
    for block in blocks:
        [(name, version, licence)] = re.findall(r"^(\S+) (\S+) \((\S+)\)$", block.strip().splitlines()[0])
        found[name] = version, licence
        assert "opyright" in block, name
    assert {"@xyflow/react", "react", "react-dom", "zustand"} <= set(found)
    assert all(LOCK[f"node_modules/{name}"]["version"] == version for name, (version, _) in found.items())
    assert {licence for _, licence in found.values()} == {"MIT", "ISC", "BSD-3-Clause"}


def test_the_lock_names_versions_and_checksums_and_no_host():
    packages = {name: one for name, one in LOCK.items() if name}
    assert all("integrity" in one and "resolved" not in one for one in packages.values())


def test_no_text_of_the_board_is_read_as_html():
    for file in (SOURCE / "src").glob("*.ts*"):
        assert not re.search(r"dangerouslySetInnerHTML|innerHTML|insertAdjacentHTML|\beval\b", file.read_text(encoding="utf-8"))


def test_the_component_sends_no_bundle_with_a_run():
    assert len(Path(FOLDER / "board_component.py").read_text(encoding="utf-8")) < 5_000 < BUNDLE.stat().st_size
