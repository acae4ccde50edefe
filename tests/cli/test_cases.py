"""`casesim cases`: what there is, and what cannot be used."""

import json


def test_cases_are_listed(casesim, cases, evidence):
    status, out, err = casesim("cases")
    assert (status, err) == (0, "")
    assert "small" in out


def test_a_broken_case_hides_no_other_one(casesim, cases):
    (cases / "broken.yaml").write_text("id: broken\n", encoding="utf-8")
    status, out, err = casesim("cases")
    assert (status, "small" in out) == (2, True)
    assert f"{cases / 'broken.yaml'}:1:1: stages: this field is missing" in err
    status, out, err = casesim("cases", "--json")
    assert (status, [case["id"] for case in json.loads(out)]) == (2, ["small"])
