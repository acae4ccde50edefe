"""`casesim check`: faults, what options refer to, and cautions."""

import pytest

from tests.case.texts import SMALL, changed

pytestmark = pytest.mark.usefixtures("evidence")


@pytest.fixture
def check(casesim, tmp_path):
    """Checks a case that is given as text."""

    def run(text):
        file = tmp_path / "small.yaml"
        file.write_text(text, encoding="utf-8")
        return casesim("check", file)

    return run


def test_a_case_without_faults_is_told_with_what_its_author_may_not_have_meant(check):
    ended = check(SMALL)
    assert ended.status == 0
    caution, last = ended.out.splitlines()
    assert caution.startswith("Reader: how long people take counts as answer time")
    assert last == "small: no faults"


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
    assert ended.out == ""
    key, option, count = ended.err.splitlines()
    assert "stages.classify.max_bach: unknown key" in key
    assert "choice `reading` at usual writes this" in option
    assert count == "2 faults"
