"""The form for a new case writes what `casesim new` writes from the same answers."""

import pytest

from simulator.authoring.studio.studio_forms import _NOTHING, _text
from simulator.case.load import loads
from simulator.errors import InputError

BARE = {"id": "loaf-check", "title": "", "from": _NOTHING, "word": "loaf", "model": "resnet50", "people": False}
BARE |= {"rate": "", "within": ""}


@pytest.mark.parametrize("people", [False, True])
def test_empty_fields_take_what_the_command_takes(casesim, tmp_path, monkeypatch, people):
    monkeypatch.chdir(tmp_path)
    ended = casesim("new", "loaf-check", "--request", "loaf", "--model", "resnet50", "--people" if people else "--no-people")
    assert ended.status == 0, ended.err
    written = (tmp_path / "loaf-check.yaml").read_text(encoding="utf-8")
    text = _text(BARE | {"people": people})
    assert loads(text, "loaf-check.yaml").objectives == loads(written, "loaf-check.yaml").objectives


@pytest.mark.parametrize(("field", "value"), [("rate", "0"), ("rate", "-5"), ("within", "9999")])
def test_a_number_beyond_the_commands_range_is_refused(field, value):
    with pytest.raises(InputError, match=rf"should be between .* got {value}"):
        _text(BARE | {field: value})
