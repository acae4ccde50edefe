"""The kinds of names: what there is to name in a case, and the sentence on a word that is none of it."""

import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.case.name_kinds import places_of
from tests.case.texts import SMALL


def fault(text):
    with pytest.raises(ScenarioError) as refused:
        loads(text)
    return [found.message for found in refused.value.faults]


def changed(*changes):
    text = SMALL
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    return text


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("to: sort", "to: sorrt", "'sorrt' is neither a stage nor an end; did you mean 'sort'?"),
        ("metric: sensitivity", "metric: sensitivty", "'sensitivty' is not a metric here; did you mean 'sensitivity'?"),
        ("stages.sort.routes.1.", "stages.sort.routes.7.", "there is no 'stages.sort.routes.7' to write to"),
        ("stages.sort.routes.1.at", "stages.srt.routes.1.at", "there is no 'stages.srt' to write to; did you mean 'sort'?"),
        ("[stages.sort.routes.1.at_sensitivity]", "[title]", "'title' is fixed for all designs"),
        ("[stages.sort.routes.1.at_sensitivity]", "[stages]", "an option cannot replace all of 'stages'"),
        ("[stages.sort.routes.1.at_sensitivity]", "[version.x]", "'version' is fixed for all designs"),
    ],
)
def test_a_word_that_names_nothing_is_told_with_the_nearest_one(before, after, message):
    assert any(message in told for told in fault(changed((before, after))))


def test_a_metric_of_positives_needs_a_population():
    without = changed(("population:\n  positive: ill\n  negative: healthy\n  prevalence: {value: 0.5, assumed: a test}\n", ""))
    assert any("it needs a section `population`, which says who is positive" in told for told in fault(without))


def test_a_section_whose_name_is_misspelled_has_one_fault_alone():
    told = fault(changed(("stages:\n", "stags:\n")))
    assert not [words for words in told if "to write to" in words]


def test_the_places_of_a_case_are_its_figures_with_their_values_and_no_words():
    places = places_of(loads(SMALL))
    assert places["stages.sort.routes.0.at_sensitivity"] == 0.5
    assert places["arrivals.rate_per_s.value"] == 0.1
    assert places["ends.seen.usd.value"] == 100
    assert not [place for place in places if place.split(".")[0] in {"id", "title", "choices", "brief"}]
    assert not [place for place in places if place.split(".")[-1] in {"label", "kind", "assumed"}]
