"""The parts of a case that no test and no claim touches: options, questions, hints and curveballs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd
import streamlit as st

from simulator.authoring.studio.draft import Draft
from simulator.case.case_tests import picks_of
from simulator.case.choices import Options, Pick
from simulator.case.schema import Scenario

_WORDS = {"option": "Options", "number": "Numbers", "question": "Answers", "hint": "Hints", "curveball": "Curveballs"}


def coverage_panel(draft: Draft) -> None:
    """Show the share of each kind that tests or claims touch, and the untouched parts by name."""
    scenario = draft.readable()
    if scenario is None:
        st.info("Coverage appears once the text can be read as a case.")
        return
    parts = coverage(scenario)
    kinds = [kind for kind in _WORDS if any(part.kind == kind for part in parts)]
    with st.container(horizontal=True):
        for kind in kinds:
            times = [part.times for part in parts if part.kind == kind]
            st.metric(_WORDS[kind], f"{sum(map(bool, times))} of {len(times)}", width="content")
    untouched = [(part.kind, part.name) for part in parts if not part.times]
    if not untouched:
        st.markdown("A test or a claim touches every option, answer, hint and curveball.")
        return
    st.markdown("No test and no claim touches these:")
    st.dataframe(pd.DataFrame(untouched, columns=["kind", "name"]), hide_index=True, alt="parts without a test or a claim")


class Touched(NamedTuple):
    """A part of a case, and the number of tests and claims that touch it."""

    kind: str
    name: str
    times: int


def coverage(scenario: Scenario) -> list[Touched]:
    """Return every option, choice of a number, question, hint and curveball, with the number of tests and claims of it."""
    return [*_options(scenario), *_texts(scenario), *_curveballs(scenario)]


def _designs(scenario: Scenario) -> Iterator[dict[str, Pick]]:
    """Yield the whole design of each test and of both sides of each claim, with the defaults filled in."""
    tests = scenario.tests
    named = [
        *(meet.design for meet in tests.meets),
        *(fail.design for fail in tests.fails),
        *(turn.design for turn in tests.turns),
    ]
    for claim in scenario.claims:
        if claim.metric is not None:
            named += [claim.design, *([claim.against] if claim.against is not None else [])]
    for design in named:
        yield scenario.defaults() | picks_of(scenario, design)


def _options(scenario: Scenario) -> Iterator[Touched]:
    designs = list(_designs(scenario))
    for name, choice in scenario.choices.items():
        picked = [choice.read(design[name]) for design in designs]
        if isinstance(choice, Options):
            traps = scenario.tests.traps.get(name, {})
            for option in choice.options:
                yield Touched("option", f"{name}: {option}", picked.count(option) + (option in traps))
        else:
            default = choice.read(choice.default)
            yield Touched("number", name, sum(pick != default for pick in picked))


def _texts(scenario: Scenario) -> Iterator[Touched]:
    said = [_joined(claim.says) for claim in scenario.claims]
    for question in scenario.questions:
        yield Touched("question", question.ask, _quoted(said, question.answer))
    for phase in scenario.phases:
        for number, hint in enumerate(phase.hints, 1):
            words = " ".join(str(text) for text in (hint.question, hint.text, hint.step) if text)
            yield Touched("hint", f"{phase.id} {number}: {words[:80]}", _quoted(said, words))


def _quoted(said: list[str], text: str) -> int:
    return sum(words in _joined(text) for words in said)


def _joined(text: str) -> str:
    return " ".join(text.split())


def _curveballs(scenario: Scenario) -> Iterator[Touched]:
    struck = [turn.curveball for turn in scenario.tests.turns]
    struck += [name for claim in scenario.claims for name in claim.strikes]
    for name in scenario.curveballs:
        yield Touched("curveball", name, struck.count(name))
