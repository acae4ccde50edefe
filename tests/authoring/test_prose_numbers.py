"""Each number of a case's prose is read and accounted for, and a figure has the digits that its interval bears."""

from __future__ import annotations

import re

import pytest

from simulator.authoring.known_numbers import in_any_layout, prose_texts
from simulator.authoring.prose_numbers import ProseReader, accounts, prose_checks
from simulator.authoring.quoted_numbers import quoted_numbers
from simulator.case.load import load, loads
from simulator.case.prose_figures import kept_figures
from simulator.paths import SCENARIOS
from simulator.units import finest_step, quoted_within, spoken_within
from tests.authoring.planted import case
from tests.case.texts import changed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12,000 photos a day", [(12_000.0, "")]),
        ("84% of the cancers, or 84 per cent", [(0.84, "share"), (0.84, "share")]),
        ("from 9.3 to 4.6 ms", [(0.0093, "s"), (0.0046, "s")]),
        ("87% (85 to 89)", [(0.87, "share"), (0.85, "share"), (0.89, "share")]),
        ("7 points (0.832 to 0.759)", [(0.07, "share"), (0.832, ""), (0.759, "")]),
        ("one person in fifty, nine photos in ten", [(0.02, "share"), (0.9, "share")]),
        ("a third of the load on a third replica", [(1 / 3, "share")]),
        ("half of them wait two and a half seconds", [(0.5, "share"), (2.5, "s")]),
        ("twenty-four cameras from 08:00, twice", [(24.0, ""), (8.0, "clock"), (2.0, "")]),
        ("five cents, 28,800 USD, 130 km/h", [(0.05, "USD"), (28_800.0, "USD"), (130 / 3.6, "m/s")]),
        ("−0.007 (-0.015 to +0.002)", [(-0.007, ""), (-0.015, ""), (0.002, "")]),
        ("in 2018 one of them ran Lite0 6.8.1 in 8 bits on PAD-UFES-20", []),
    ],
)
def test_numbers_are_read_in_digits_and_in_words(text, expected):
    found = [(number.value, number.unit) for number in quoted_numbers(text)]
    assert [unit for _, unit in found] == [unit for _, unit in expected]
    assert [value for value, _ in found] == pytest.approx([value for value, _ in expected])


@pytest.mark.parametrize(
    ("numbers", "unit", "shown", "step"),
    [
        ((3.79, 3.65, 3.93), "USD", "3.8 USD", 0.1),
        ((0.873, 0.85, 0.889), "share", "87%", 0.01),
        ((0.821, 0.813, 0.829), "share", "82.1%", 0.001),
        ((56_200.0, 49_700.0, 62_200.0), "USD", "56,000 USD", 1000.0),
        ((46_440.0, 44_300.0, 48_240.0), "s", "12.9 h", 360.0),
        ((9.0, 1.1, 32.5), "1/h", "9 an hour", 1.0),
        ((0.82, 0.64, 0.99), "share", "82%", 0.01),
        ((450.0, 450.0, 450.0), "USD", "450 USD", 1.0),
    ],
)
def test_prose_has_no_digit_behind_the_first_one_of_the_half_width(numbers, unit, shown, step):
    assert quoted_within(*numbers, unit)[0] == shown
    assert finest_step(*numbers, unit) == pytest.approx(step)
    assert len(quoted_within(*numbers, unit)[0]) <= len(spoken_within(*numbers, unit)[0])


def test_prose_keeps_a_figure_on_its_side_of_a_bound():
    assert quoted_within(0.946, 0.93, 0.96, "share", 0.95)[0] == "94.6%"


def kinds(answer, **extra):
    def write(data):
        data["questions"][0] |= {"answer": answer, "rests_on": []}
        data["claims"] += extra.get("claims", [])

    scenario = case(write)
    found = accounts(scenario, extra.get("figures", {}))
    return {account.number.words: account.kind for account in found if account.path[0] == "questions"}


def test_a_number_is_borne_out_by_the_case_a_claim_a_run_or_a_source():
    assert kinds("Requests arrive at a rate of 8 a second.") == {"8": "case"}
    assert kinds("Requests arrive at a rate of 9 a second.") == {"9": ""}
    assert kinds("Wait 0.4 seconds at most for 95% of the answers.") == {"0.4 seconds": "claim", "95%": "objective"}
    assert kinds("Wait 0.4 minutes at most.") == {"0.4 minutes": ""}
    claim = {"says": "Each costs 3 cups of tea", "source": "a survey"}
    assert kinds("Each costs 3 cups of tea.", claims=[claim]) == {"3": "claim"}
    figures = {"cost_per_1000_usd@default": "0.137 USD (0.131 to 0.143)"}
    assert kinds("The cost of 1,000 requests is 0.137 USD.", figures=figures) == {"0.137 USD": "run"}
    assert kinds("The cost of 1,000 requests is 0.1374 USD.", figures=figures) == {"0.1374 USD": ""}


@pytest.mark.parametrize(
    ("source", "kind"), [("arithmetic: 8 * 60", "claim"), ("arithmetic: 8 * 50", ""), ("a report", "claim")]
)
def test_a_claim_by_arithmetic_is_computed(source, kind):
    assert kinds("They are 480 a minute.", claims=[{"says": "They are 480 a minute", "source": source}]) == {"480": kind}


def test_a_claim_bears_out_the_number_that_it_checks_and_no_other():
    claim = {"says": "Some 7 or 8 arrive", "figure": "arrivals.rate_per_s", "shows": 8}
    assert kinds("Some 7 or 8 arrive.", claims=[claim]) == {"7": "", "8": "claim"}


def test_a_fault_names_line_field_number_and_the_figure_to_write():
    def write(data):
        data["questions"][0] |= {"answer": "The cost of 1,000 requests is 0.141 USD.", "rests_on": []}

    figures = {"cost_per_1000_usd@default": "0.137 USD (0.131 to 0.143)"}
    (fault,) = [result for result in prose_checks(case(write), figures) if result.failed]
    assert fault.field == "questions.0.answer"
    assert "“0.141 USD”" in fault.says
    assert "{metric:cost_per_1000_usd@default}" in fault.says


def test_a_fault_stands_at_the_line_of_its_number():
    text = changed("brief: A test", "brief: |\n  Two lines,\n  and 77 faults")
    (fault,) = [result for result in prose_checks(loads(text), {}) if "77" in result.says]
    assert text.split("\n")[fault.line - 1] == "  and 77 faults"


def test_placeholders_and_names_are_no_numbers_of_the_text():
    text = changed("brief: A test", 'brief: "{figure:population.prevalence|percent} of them, on Lite0"')
    assert [account for account in accounts(loads(text), {}) if account.path == ("brief",)] == []


#: Falsehoods in copies of shipped cases: the case, words of its text, false words in their place, and the wrong number.
FALSEHOODS = {
    "rate": ("skin-cancer-triage", "About 12,000 photos arrive in a day", "About 14,000 photos arrive in a day", "14,000"),
    "bound": ("skin-cancer-triage", "and **47% of the melanomas**", "and **52% of the melanomas**", "52%"),
    "unit": ("skin-cancer-triage", "of the people within 10 seconds**", "of the people within 10 minutes**", "10 minutes"),
    "count in words": ("skin-cancer-triage", "Dermatologists in two shifts", "Dermatologists in three shifts", "three"),
    "latency": ("skin-cancer-triage", "31 ms where it is reduced", "13 ms where it is reduced", "13 ms"),
    "reference": ("skin-cancer-triage", "{metric:sensitivity@fine_tuned|interval} of the cancers", "91% of the cancers", "91%"),
    "gives up": ("skin-cancer-triage", "refers {metric:escalated_share@melanomas} of", "refers 54% of", "54%"),
    "unmet": ("skin-cancer-triage", "readers find 47% of melanomas", "readers find 57% of melanomas", "57%"),
    "strong answer": ("skin-cancer-triage", "1.2 minutes in the median", "2.1 minutes in the median", "2.1 minutes"),
    "hint": ("skin-cancer-triage", "Of the 452 labelled cancers 343 are", "Of the 425 labelled cancers 343 are", "425"),
    "sites": ("production-drift", "cameras at six sites**", "cameras at seven sites**", "seven"),
    "frames": ("production-drift", "People label sixty frames a day", "People label ninety frames a day", "ninety"),
    "price": ("production-drift", "takes an hour and 400 USD, a new", "takes an hour and 700 USD, a new", "700 USD"),
    "run": ("production-drift", "within {metric:latency_p99_s@default} on three", "within 5 seconds on three", "5 seconds"),
}


@pytest.mark.parametrize("name", FALSEHOODS)
def test_a_planted_falsehood_is_found(name):
    case_id, words, false_words, number = FALSEHOODS[name]
    source = (SCENARIOS / f"{case_id}.yaml").read_text(encoding="utf-8")
    assert words in source
    scenario = loads(source.replace(words, false_words, 1), f"{case_id}.yaml")
    faults = [result.says for result in prose_checks(scenario, kept_figures(load(case_id))) if result.failed]
    assert any(f"“{number}”" in says for says in faults)


@pytest.mark.parametrize("case_id", sorted({case_id for case_id, *_ in FALSEHOODS.values()}))
def test_a_case_with_right_numbers_has_no_fault(case_id):
    assert [result.says for result in prose_checks(load(case_id), kept_figures(load(case_id))) if result.failed] == []


def changed_digits(text, number):
    """Return a text with one of its numbers 30% larger, in as many decimals."""
    digits = re.search(r"\d[\d,]*\.?\d*|\.\d+", number.words)[0]
    decimals = len(digits.partition(".")[2])
    larger = 1.3 * float(digits.replace(",", "")) + 10.0**-decimals
    return text[: number.start] + number.words.replace(digits, f"{larger:,.{decimals}f}", 1) + text[number.end :]


@pytest.mark.parametrize("case_id", ["production-drift", "skin-cancer-triage"])
def test_nine_in_ten_false_numbers_are_found(case_id):
    """A false number is found by the reader, or by the claim that quotes the true one: its words stand in no text any more."""
    scenario = load(case_id)
    reader, texts = ProseReader(scenario, kept_figures(scenario)), dict(prose_texts(scenario))
    quotes = [in_any_layout(claim.says) for claim in scenario.claims]
    found = []
    for path, text in texts.items():
        for number in (account.number for account in reader.accounts_of(path, text) if re.search(r"\d", account.number.words)):
            false = changed_digits(text, number)
            kinds = [account.kind for account in reader.accounts_of(path, false) if account.number.start == number.start]
            elsewhere = " ".join(other for place, other in texts.items() if place != path)
            unshown = any(quote.search(text) and not quote.search(f"{false} {elsewhere}") for quote in quotes)
            found.append(unshown or kinds == [""])
    assert len(found) > 40
    assert sum(found) / len(found) >= 0.9
