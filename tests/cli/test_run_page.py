"""The page of `casesim run`: few lines on a terminal, the verdicts first, and plain columns where a program reads it."""

import io
import json
import re

import pytest
from rich.table import Table

from simulator.case.load import load, scenario_ids
from simulator.cli.exits import VisibleConsole
from simulator.engine.plan import compile_plan
from simulator.explain import advice
from simulator.explain.result import replicate
from simulator.metrics.comparisons import compare
from simulator.practice.run_command import print_summary
from simulator.practice.run_page import Part, Passage, _step, difference_page, print_page, run_page
from simulator.units import spoken_within
from tests.case.texts import SMALL
from tests.explain.test_advice import served

#: The characters with which tables draw boxes, and the escapes of a terminal.
BOX = re.compile("[\u2500-\u259f\x1b]")

#: Another pick for each case, to compare with.
OTHERS = {
    "skin-cancer-triage": {"operating_point": 0.99},
    "av-perception": {"confirming": "h1of1"},
    "production-drift": {"replicas": 2},
    "retry-storm": {"retries": "none"},
}


@pytest.fixture
def case(tmp_path, evidence):
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file


def printed(passages, width=80, most=24):
    """Prints passages on a terminal without colours; returns the lines."""
    out = VisibleConsole(width=width, force_terminal=True, color_system=None, file=io.StringIO())
    print_page(out, passages, most)
    return out.file.getvalue().splitlines()


#: The cases whose runs take longest.
LONG = "av-perception", "skin-cancer-triage"


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.long if name in LONG else ()) for name in scenario_ids()]
)
def result(request):
    """A run of each case, whose advice tries one step alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(advice, "TRIED", 1)
        patch.setattr(advice, "TRIALS", 2)
        run = replicate(compile_plan(load(request.param)), seed=1, replications=2)
        assert all(reason.advice for reason in run.reasons.values())
        yield run


def test_a_run_of_each_case_fits_on_a_terminal(result):
    lines = printed(run_page(result, None))
    text = re.sub(r"\s+", " ", " ".join(lines))
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert all(f"{verdict.with_interval} " in text for verdict in result.verdicts)
    told = [place for place in result.reasons if f"{result.verdicts[place].objective.label}:" in text]
    assert all("same cause" in result.shown_reasons[place] for place in result.reasons if place not in told)
    assert "--all" in lines[-1]
    assert "--json" in lines[-1]
    assert text.endswith(f"run hash {result.run_hash}")
    assert not re.search(r"\de[+-]\d|[-−]0(\.0+)?[ %)]|nan|\binf\b", text)
    assert "_" not in text  # an id


def test_no_word_of_a_run_is_broken(result):
    whole = set(" ".join(printed(run_page(result, None), width=1000, most=24)).split())
    assert set(" ".join(printed(run_page(result, None))).split()) <= whole


def test_each_claim_of_a_run_has_at_most_thirty_words(result):
    parts = [part.content for passage in run_page(result, None) for part in passage.parts if isinstance(part.content, str)]
    sentences = [sentence for content in parts for sentence in re.split(r"(?<=[.;]) ", content)]
    assert max(len(sentence.split()) for sentence in sentences) <= 30


def test_a_difference_of_each_case_fits_on_a_terminal_and_names_each_objective(result):
    other = replicate(compile_plan(load(result.plan.scenario.id), OTHERS[result.plan.scenario.id]), seed=1, replications=2)
    compared = compare(other, result, every=True)
    lines = printed(difference_page(result, compared))
    text = re.sub(r"\s+", " ", " ".join(lines))
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    pairs = zip(other.verdicts, result.verdicts, strict=True)
    for old, new in pairs:
        turned = f"“{new.objective.label}” {old.standing} → {new.standing}"
        assert (turned in text) == (old.standing != new.standing)
    changes = {one.metric.name: one for one in compared.moved}
    for verdict in result.verdicts:
        if verdict.metric.name in changes:
            assert changes[verdict.metric.name].with_interval in text


def test_the_parts_of_high_rank_go_first_and_rank_0_stays():
    passages = [Passage([Part(0, "one"), Part(2, "two " * 30)]), Passage([Part(1, "three")]), Passage([Part(0, "four")])]
    assert [line.split()[0] for line in printed(passages, most=3)] == ["one", "three", "four"]
    assert [line.split()[0] for line in printed(passages, most=1)] == ["one", "four"]
    assert len(printed(passages, most=9)) == 4


def test_every_figure_is_printed_where_all_is_asked_for(result):
    out = VisibleConsole(width=80, force_terminal=True, color_system=None, file=io.StringIO())
    print_summary(out, result)
    assert set(result.metrics) <= set(out.file.getvalue().split())


def test_every_figure_has_one_line_of_a_terminal_and_its_unit_once(result):
    out = VisibleConsole(width=80, force_terminal=True, color_system=None, file=io.StringIO())
    print_summary(out, result)
    lines = out.file.getvalue().splitlines()
    rows = {line.split()[0]: line for line in lines if line.split() and line.split()[0] in result.metrics}
    assert rows.keys() == result.metrics.keys()
    limits = {verdict.metric.name: verdict.objective.bound for verdict in result.verdicts}
    for name, estimate in result.metrics.items():
        unit = result.metric(name).unit
        value, bounds = spoken_within(estimate.value, estimate.low, estimate.high, unit, limits.get(name))
        assert f"{value} " in rows[name]
        assert f" {bounds}" in rows[name]


def test_a_sentence_of_two_reasons_is_printed_once(result):
    out = VisibleConsole(width=1000, force_terminal=True, color_system=None, file=io.StringIO())
    print_summary(out, result)
    printed = " ".join(out.file.getvalue().split())
    claims = [claim for reason in result.reasons.values() for claim in reason.claims]
    sentences = {part.words for claim in claims for part in claim.parts if part.words.endswith(".")}
    assert {printed.count(sentence) for sentence in sentences} <= {1}
    assert [printed.count(reason.sentence) for reason in result.reasons.values()][:1] in ([1], [])


# A program that reads the output


def test_with_all_no_sentence_is_longer_than_a_line(casesim, case):
    for words in ((), ("--against", "point=1.0")):
        out = casesim("run", case, "--all", *words)[1]
        paragraphs = [line for line in out.splitlines() if ". " in line or line.startswith(("why", "note", "trust"))]
        assert paragraphs
        assert max(map(len, paragraphs)) <= 100
        assert max(map(len, out.splitlines())) <= 140


def test_what_a_program_reads_has_no_colour_no_box_and_no_padding(casesim, case, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")  # a screen ends somewhere, a file does not
    runs = [("run", case, *words) for words in ((), ("--all",), ("--against", "point=1.0"))]
    for words in (*runs, ("cases",), ("scores", "list"), ("profile", "--list"), ("projection",)):
        status, out, _ = casesim(*words)
        assert status == (2 if words == ("cases",) else 0)  # the shipped cases lack their evidence here
        assert not BOX.search(out), words
        assert [line for line in out.splitlines() if line != line.rstrip()] == [], words
        assert not re.search(" {60}", out), words


def test_columns_that_a_program_reads_are_as_wide_as_their_content(capsys):
    table = Table("name", "words", box=None, pad_edge=False)
    table.add_row("a", "x" * 300)
    table.add_row("bb", "y")
    from simulator.cli.exits import table_console

    table_console().print(table)
    assert capsys.readouterr().out.splitlines() == ["name  words", f"a     {'x' * 300}", "bb    y"]


# The command


def test_a_run_prints_its_page_and_with_all_every_figure(casesim, case):
    run_hash = json.loads(casesim("run", case, "--json")[1])["run_hash"]
    short, whole = (casesim("run", case, *words)[1] for words in ((), ("--all",)))
    assert len(short.splitlines()) <= 24
    assert "specificity" not in short
    assert f"run hash {run_hash}" in short
    assert f"run hash {run_hash}" in whole
    assert {"specificity", "escalated_share", "utilization.classify"} <= set(whole.split())


ARMED = """\
curveballs:
  crowd: {kind: traffic, label: A crowd, times: 20}
"""


def test_a_strike_is_compared_with_the_calm_run_of_the_design(casesim, case):
    case.write_text(SMALL + ARMED, encoding="utf-8")
    calm, struck = (json.loads(casesim("run", case, "--json", *words)[1]) for words in ((), ("--strike", "crowd@0")))
    for words in (("run", case, "--strike", "crowd@0"), ("run", case, "--strike", "crowd@0", "--against", "point=1.0")):
        line = next(line for line in casesim(*words)[1].splitlines() if line.startswith("Curveball:"))
        assert line.startswith("Curveball: “A crowd” at ")
    line = next(line for line in casesim("run", case, "--strike", "crowd@0")[1].splitlines() if line.startswith("Curveball:"))
    assert max(len(sentence.split()) for sentence in line.split(". ")) <= 30
    before, after = (f"{100 * one['metrics']['sensitivity']['value']:.0f}%" for one in (calm, struck))
    change = 100 * (struck["metrics"]["sensitivity"]["value"] - calm["metrics"]["sensitivity"]["value"])
    found = re.search(r"“Found”.*: (.*) → (.*), ([+−]\d+\.?\d*) points? \((.*) to (.*)\), (?:still )?not", line)
    assert found.groups()[:2] == (before, after)
    size, low, high = (float(number.replace("−", "-")) for number in found.groups()[2:])
    assert size == pytest.approx(change, abs=0.5)
    assert low < size < high


def test_a_note_on_a_load_that_passes_keeps_the_load_where_it_is_cut(monkeypatch):
    """Without retries: the surge brings more than two replicas serve, and they work it off."""
    monkeypatch.setattr(advice, "TRIED", 0)
    run = replicate(compile_plan(load("retry-storm"), {"retries": "none", "queue": "short"}), seed=1, replications=2)
    (note,) = (line for line in printed(run_page(run, None), width=200) if line.startswith("Note, 1 of "))
    assert re.search(r"Photo check: the offered load is 1\.\d+ times what it can serve", note)


def test_an_objective_that_a_step_takes_from_met_is_said_before_the_gain():
    """A fourth reader costs a third more: 28 USD, where at most 24 are asked, in place of 21."""
    _, trials, steps = served(cost=24)
    told = _step(trials.advice(0, {0: [steps[4]]}), "")
    assert told.startswith("Try “Readers: 3 → 4”: “Cost” met → not met")
    assert "worse" not in told
