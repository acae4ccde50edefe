"""Panels of Studio: saving, the tests of the case, the parts that no test and no claim touches, and earlier versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff
from time import time
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from simulator.app.news import PROGRESS_S, Latest, follow
from simulator.app.studies import shelf
from simulator.app.visitors import clock, person
from simulator.app.widgets import faults_shown, plain
from simulator.authoring.case_test import case_results
from simulator.authoring.check_results import CheckResult, KeptResults, placed
from simulator.authoring.studio.case_folder import CaseText, CaseVersions, ChangedFileError, text_of
from simulator.authoring.studio.draft import Draft
from simulator.authoring.studio.studio_forms import draw_again
from simulator.authoring.tested_designs import DesignRunner
from simulator.case.case_tests import picks_of
from simulator.case.choices import Options, Pick
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.panels.background_study import Study, submitting
from simulator.sweeps.outcome_cache import OutcomeCache
from simulator.sweeps.sweep import ReportProgress, Submit
from simulator.units import counted, upper_first

#: No further check begins after this time (minutes).
MINUTES = 10.0

_COLOURS = {"pass": "green", "fail": "red", "cannot be told": "orange", "caution": "orange", "skipped": "gray"}


class DraftTest(Study[int]):
    """The tests of a text, under way or done. results: those so far; they stay where the tests are cancelled"""

    def __init__(self, name: str, text: str, scenario: Scenario) -> None:
        self.text, self.scenario = text, scenario
        self.results: list[CheckResult] = []
        super().__init__(self._tested, submitting(name, scenario.id))

    def __deepcopy__(self, memo: dict[int, object]) -> DraftTest:
        """Return these tests: Streamlit copies the arguments of fragments, and a thread works on."""
        return self

    def _tested(self, submit: Submit, report: ReportProgress) -> int:
        """Run every check, and return the number of results."""
        kept = KeptResults(self.scenario)
        runner = DesignRunner(self.scenario, submit, OutcomeCache(), report)
        for result in case_results(self.scenario, runner, kept, MINUTES):
            self.results.append(result)
        kept.write()
        return len(self.results)

    def looked_at(self) -> Latest:
        return Latest(f"{self.running} {self.phase} {len(self.results)}")


def tests_panel(draft: Draft) -> None:
    """Offer to run the tests of the text, and show their results."""
    checked = draft.wholly_checked()
    name = f"studio tests {draft.path}"
    tests: Any = shelf().get(person(), name)
    if isinstance(tests, DraftTest):
        if tests.running:
            st.fragment(_progress)(tests)
            return
        _results(tests, draft)
    if checked.faults or checked.scenario is None:
        st.info("The tests run once the text has no faults.")
    elif st.button("Run the tests", type="primary", key="studio:test"):
        shelf().put(person(), name, DraftTest(name, checked.source, checked.scenario))
        draw_again()


def _progress(test: DraftTest) -> None:
    follow("studio tests", test.looked_at, PROGRESS_S)
    if not test.running:
        st.rerun()
    what, done, total = test.phase
    parts = f": {done:,} of {total:,}" if total else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(done / total if total else 0.0, f"{upper_first(what)}{parts}")
        if st.button("Cancel", key="studio:test:cancel", type="tertiary"):
            test.cancel()
    _listed(test.results)


def _results(test: DraftTest, draft: Draft) -> None:
    if test.error is not None:
        st.error(plain(f"The tests stopped: {test.error}"))
    if test.text != draft.text:
        st.caption("These are the results of an earlier text; it has changed since.")
    scenario = draft.readable()
    _listed(test.results if scenario is None else placed(scenario, list(test.results)))


def _listed(results: Sequence[CheckResult]) -> None:
    """Show the results that need the author's eye, and the others folded away."""
    passed = [result for result in results if result.outcome == "pass"]
    others = [result for result in results if result.outcome != "pass"]
    st.markdown(f"{counted(len(results), 'result')}: {len(passed)} pass, {len(others)} other")
    st.markdown("\n".join(map(_line, others)))
    if passed:
        with st.expander(f"{counted(len(passed), 'check')} that pass"):
            st.markdown("\n".join(map(_line, passed)))


def _line(result: CheckResult) -> str:
    badge = f":{_COLOURS[result.outcome]}-badge[{result.outcome}]"
    return f"- {badge} line {result.line}, {plain(f'{result.check}: {result.subject}: {result.says}')}"


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


def versions_panel(draft: Draft) -> None:
    """Let the author pick an earlier version, see what differs, and bring it back into the editor."""
    versions = {version.place.stem: version for version in CaseVersions(draft.path).listed()}
    if not versions:
        st.markdown("There is no earlier version yet. Each save keeps one, the last fifty of a file.")
        return

    def words(name: str) -> str:
        return f"{clock(versions[name].at)}, {versions[name].digest[:6]}"

    picked = st.selectbox("Version", list(versions), format_func=words, key=f"studio:version:{draft.name}", width=420)
    with faults_shown():
        text = text_of(versions[picked])
        if text != draft.text and st.button("Bring this version back", key="studio:version:back"):
            draft.change(lambda _: text)
            draw_again()
        st.caption("From the text in the editor to this version. Nothing is saved until you save.")
        show_difference(draft.text, text, ("editor", "this version"))


def difference(before: str, after: str, names: tuple[str, str]) -> str:
    """Return the lines that differ, with three lines around each; empty for equal texts."""
    lines = unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")
    return "\n".join(lines)


def show_difference(before: str, after: str, names: tuple[str, str]) -> None:
    """Show the lines that differ, or say that none does."""
    found = difference(before, after, names)
    if found:
        st.code(found, language=None, wrap_lines=True)
    else:
        st.markdown("The two texts are equal.")


@st.dialog("Save the case", width="large")
def save_dialog(draft: Draft, text: str) -> None:
    """Show the difference between the file and a text, and save the text that is shown."""
    try:
        now: CaseText | None = draft.folder.read(draft.name)
    except InputError:
        now = None
    if (now.digest if now else "") != draft.known:
        _conflict(draft, text, now)
        return
    _say_faults(draft)
    show_difference(draft.saved, text, ("file", "your text"))
    if text != draft.saved and st.button("Save", type="primary", key="studio:save:yes"):
        _save(draft, text, draft.known)


def _say_faults(draft: Draft) -> None:
    faults = len(draft.checked().faults)
    if faults:
        st.warning(f"The text has {counted(faults, 'fault')}. You can save it; the case runs once all faults are mended.")


def _conflict(draft: Draft, text: str, now: CaseText | None) -> None:
    """Show both texts, and let the author choose; the text that loses is kept among the versions."""
    name = plain(draft.name)
    if now is None:
        st.warning(f"{name} is gone, or cannot be read any more. Saving makes it anew.")
        if st.button("Save as a new file", type="primary", key="studio:save:new"):
            _save(draft, text, "")
        return
    st.warning(f"{name} has changed since you opened it. Nothing is saved yet.")
    ways, yours, theirs = st.tabs(["Difference", "Your text", "The file now"])
    with ways:
        st.caption("From the file as it is now to your text:")
        show_difference(now.text, text, ("file now", "your text"))
    yours.code(text, language=None, wrap_lines=True)
    theirs.code(now.text, language=None, wrap_lines=True)
    _say_faults(draft)
    with st.container(horizontal=True):
        if st.button("Save my text over it", key="studio:save:over"):
            _save(draft, text, now.digest)
        if st.button("Take the file's text", key="studio:save:theirs"):
            CaseVersions(draft.path).add(text, time())
            draft.take_file(now)
            st.rerun()


def _save(draft: Draft, text: str, known: str) -> None:
    try:
        save(draft, text, known)
    except ChangedFileError as error:
        st.error(f"{plain(str(error))}. Nothing is saved; close this and save again to see both texts.")
    except InputError as error:
        st.error(plain(str(error)))
    else:
        st.toast(f"{plain(draft.name)} is saved")
        st.rerun()


def save(draft: Draft, text: str, known: str) -> None:
    """Write a text over the bytes with the hash `known`; the text before and the new one are kept as versions."""
    versions = CaseVersions(draft.path)
    digest = draft.folder.save(draft.name, text, known, draft.crlf, before=lambda before: versions.add(before.text, time()))
    versions.add(text, time())
    draft.was_saved(text, digest)
