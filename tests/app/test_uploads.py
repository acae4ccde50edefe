"""What a box for files says, what it takes and what the server takes is the same."""

import re
from types import SimpleNamespace

import pytest
from streamlit import config

from simulator.app import widgets
from simulator.limits import MIB, MONITORED_FILE, SCORE_FILE, UPLOADED_FILE
from simulator.paths import APP


def test_the_server_takes_as_much_as_the_largest_box():
    told = (APP.parent / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert int(re.search(r"^maxUploadSize = (\d+)", told, re.MULTILINE)[1]) * MIB == UPLOADED_FILE.most
    assert max(SCORE_FILE.most, MONITORED_FILE.most) <= UPLOADED_FILE.most
    assert config.get_option("server.maxUploadSize")  # the option still has that name


@pytest.mark.parametrize("limit", [SCORE_FILE, MONITORED_FILE, UPLOADED_FILE], ids=lambda limit: limit.of)
def test_a_box_says_its_limit_and_holds_it_against_a_browser_that_does_not(limit, monkeypatch):
    said, boxes = [], []
    files = {"small.csv": limit.most, "large.csv": limit.most + 1}
    given = [SimpleNamespace(name=name, size=size) for name, size in files.items()]

    def box(label, accept_multiple_files=False, max_upload_size=None, type=None):
        boxes.append(max_upload_size * MIB)
        return given if accept_multiple_files else given[1]

    monkeypatch.setattr(widgets, "st", SimpleNamespace(file_uploader=box, error=said.append))
    assert [file.name for file in widgets.uploads("Files", limit)] == ["small.csv"]
    assert widgets.upload("A file", ["csv"], limit) is None
    assert boxes == [limit.most] * 2
    assert said[0].replace("\\", "") == f"large.csv has {limit.most + 1:,} bytes; expected at most {limit}."
