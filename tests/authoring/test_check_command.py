"""`casesim check`, `casesim lint` and `casesim explain`: faults, what options refer to, cautions, and their formats."""

import json

import pytest

from tests.case.texts import SMALL, changed, place

pytestmark = pytest.mark.usefixtures("evidence")


@pytest.fixture
def check(casesim, tmp_path):
    """Checks a case that is given as text."""

    def run(text, *options, command="check", name="small.yaml"):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return casesim(command, file, *options)

    return run


def test_a_case_without_faults_is_reported_with_what_its_author_may_not_have_meant(check):
    ended = check(SMALL)
    assert ended.status == 0
    assert ended.err == ""
    lines = ended.out.splitlines()
    assert "stages.reader: Reader: how long people take counts as answer time" in ended.out
    assert lines[-1].startswith("small: no faults and ")


@pytest.mark.parametrize("named", ["no-such-case", "no-such-file.yaml"])
def test_what_is_not_there_is_wrong_use_and_no_fault_of_a_case(casesim, named):
    ended = casesim("check", named)
    assert ended.status == 2
    assert named in ended.err


def test_all_faults_are_printed_also_of_what_only_an_option_refers_to(check):
    text = changed("max_batch: 4", "max_bach: 4", "{stages.reader.sensitivity.value: 0.9}", "{stages.classify.model: tinny}",
                   "default: usual", "default: expert")  # fmt: skip
    ended = check(text)
    assert ended.status == 1
    key, option = (line for line in ended.out.splitlines() if line.endswith("]"))
    assert "stages.classify.max_bach: unknown key" in key
    assert "choice `reading` at usual writes this" in option
    assert ended.out.splitlines()[-1].endswith("small.yaml: 2 faults")


def test_a_fault_is_shown_with_its_line_and_a_caret_below_its_column(check):
    text = changed("max_batch: 4", "max_bach: 4")
    line, column = place(text, "max_bach: 4")
    first, margin, source, caret = check(text).out.splitlines()[:4]
    assert first.endswith(
        f"small.yaml:{line}:{column}: stages.classify.max_bach: unknown key; did you mean 'max_batch'? [unknown-key]"
    )
    assert margin.strip() == "|"
    assert source == f"{line} |     max_bach: 4"
    assert caret.index("^") == source.index("max_bach")
    assert caret.endswith("^~~~~~~~")


def test_json_is_a_list_of_objects(check):
    text = changed("max_batch: 4", "max_bach: 4")
    (found,) = json.loads(check(text, "--format", "json").out)
    line, column = place(text, "max_bach: 4")
    assert found | {"file": ""} == {
        "file": "",
        "line": line,
        "column": column,
        "field": "stages.classify.max_bach",
        "code": "unknown-key",
        "severity": "fault",
        "message": "unknown key; did you mean 'max_batch'?",
    }
    assert {one["severity"] for one in json.loads(check(SMALL, "--format", "json").out)} == {"caution"}


def test_annotations_of_github_are_escaped(check):
    text = changed("label: Found}", 'label: Found, "50%\\nmore": 1}')
    (line,) = check(text, "--format", "github", name="a,b.yaml").out.splitlines()
    assert line.startswith("::error file=")
    properties, _, message = line.removeprefix("::error ").partition("::")
    assert "a%2Cb.yaml,line=" in properties
    assert properties.endswith("title=casesim unknown-key")
    assert "50%25" in message
    assert "%0A" in message


def test_a_caution_ends_lint_with_1_and_a_note_does_not(check, casesim):
    assert check(SMALL, command="lint").status == 1
    assert check(SMALL, command="check").status == 0


def test_an_id_that_is_not_the_name_of_the_file_is_a_fault(check):
    ended = check(SMALL, name="other.yaml")
    assert ended.status == 1
    assert "id: the file is called other.yaml; name it small.yaml, or write `id: other` [file-name]" in ended.out


def test_a_code_is_explained_with_both_examples_and_an_unknown_one_is_answered_with_the_nearest(casesim):
    ended = casesim("explain", "[quotes]")
    assert ended.out.splitlines()[0] == "quotes (fault): a comma ends a text within braces"
    assert "wrong:\n    {label: First come, first served}\nright:\n" in ended.out
    unknown = casesim("explain", "quots")
    assert unknown.status == 2
    assert "did you mean 'quotes'?" in unknown.err
    assert "unknown-key" in casesim("explain").out
