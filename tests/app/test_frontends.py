"""Each bundle is made of the sources in its folder, and every package inside has its licence in the distribution."""

import json
import re
from hashlib import sha256

import pytest

from simulator.app import board_component
from simulator.app.bundles import FRONTEND
from simulator.app.component_files import script_of
from simulator.authoring.studio import studio_page

#: The packages without which a bundle would be another one.
INSIDE = {
    board_component: {"@xyflow/react", "react", "react-dom", "zustand"},
    studio_page: {"@codemirror/view", "@codemirror/lang-yaml", "@lezer/yaml"},
}
#: The name of each component, and so of its script.
NAMES = {board_component: "whiteboard", studio_page: "studio"}


@pytest.fixture(params=INSIDE, ids=lambda component: component.BUNDLE.stem)
def component(request):
    return request.param


@pytest.fixture
def source(component):
    return component.BUNDLE.with_suffix("")


@pytest.fixture
def lock(source):
    return json.loads((source / "package-lock.json").read_text(encoding="utf-8"))["packages"]


def about(source):
    return json.loads((source / "package.json").read_text(encoding="utf-8"))["bundle"]


def test_the_bundle_was_built_from_these_sources(component, source):
    """The build writes the hash of its sources into the first line, so that a bundle of others is known without node."""
    files = [source / name for name in ("package.json", "package-lock.json", "tsconfig.json")]
    files += list((source / "src").iterdir())
    contents = {file.relative_to(source).as_posix(): file.read_bytes() for file in files}
    contents = dict(sorted(contents.items())) | {"make_bundle.mjs": (FRONTEND / "make_bundle.mjs").read_bytes()}
    summed = sha256(b"".join(f"{name}\0".encode() + content + b"\0" for name, content in contents.items()))
    target = about(source)["target"]
    with component.BUNDLE.open(encoding="utf-8") as bundle:
        assert bundle.readline() == f"// Made of frontend/{target}/ by `make {target}`: {summed.hexdigest()}\n", (
            f"`make {target}` builds it again"
        )


def test_every_package_in_the_bundle_has_its_licence_in_full(component, source, lock):
    licences = (component.BUNDLE.parent / about(source)["licences"]).read_text(encoding="utf-8")
    found = {}
    for block in licences.split("-" * 80)[1:]:
        [(name, version, licence)] = re.findall(r"^(\S+) (\S+) \((\S+)\)$", block.strip().splitlines()[0])
        found[name] = version, licence
        assert "opyright" in block, name
    assert INSIDE[component] <= set(found)
    assert all(lock[f"node_modules/{name}"]["version"] == version for name, (version, _) in found.items())
    assert {licence for _, licence in found.values()} <= {"MIT", "ISC", "BSD-3-Clause"}


def test_the_lock_names_versions_and_checksums_and_no_host(lock):
    packages = {name: one for name, one in lock.items() if name}
    assert all("integrity" in one and "resolved" not in one for one in packages.values())


def test_no_text_is_read_as_html(source):
    for file in (source / "src").glob("*.ts*"):
        assert not re.search(r"dangerouslySetInnerHTML|innerHTML|insertAdjacentHTML|\beval\b", file.read_text(encoding="utf-8"))


def test_the_component_sends_no_bundle_with_a_run(component):
    assert len(script_of(component.__file__, NAMES[component]).encode()) < 5_000 < component.BUNDLE.stat().st_size
