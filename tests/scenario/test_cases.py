"""Where cases come from: a person's own come before those that are shipped, and stand in for those of the same id."""

from simulator.scenario.cases import case_files, find
from simulator.scenario.load import load_all
from tests.scenario.texts import SMALL, changed


def test_an_own_case_stands_in_for_the_shipped_one_of_its_name(cases, tmp_path, monkeypatch):
    (cases / "other.yaml").write_text(changed("id: small", "id: other"), encoding="utf-8")
    own = tmp_path / "mine"
    own.mkdir()
    (own / "small.yml").write_text(changed("title: Small", "title: Mine"), encoding="utf-8")
    (own / ".small.yaml").write_text("half saved", encoding="utf-8")
    monkeypatch.setenv("CASESIM_CASES", str(own))
    assert list(case_files()) == ["small", "other"]
    scenarios, faults = load_all()
    assert [scenario.title for scenario in scenarios] == ["Mine", "Small"]
    assert faults == []


def test_an_own_case_bears_the_name_of_its_file(tmp_path, monkeypatch):
    draft = tmp_path / "draft.yaml"
    draft.write_text(SMALL, encoding="utf-8")
    monkeypatch.setenv("CASESIM_CASES", str(draft))
    assert find("draft") == draft
    (fault,) = load_all()[1]
    assert fault.message == "the file is called draft.yaml; name it small.yaml, or write `id: draft`"
