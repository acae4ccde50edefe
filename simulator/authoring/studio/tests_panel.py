"""The tests of the case in the editor: results appear as they come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from simulator.app.news import PROGRESS_S, Latest, follow
from simulator.app.studies import shelf
from simulator.app.visitors import person
from simulator.app.widgets import plain
from simulator.authoring.case_test import case_results
from simulator.authoring.check_results import CheckResult, KeptResults, placed
from simulator.authoring.studio.draft import Draft
from simulator.authoring.studio.studio_forms import draw_again
from simulator.authoring.tested_designs import DesignRunner
from simulator.case.schema import Scenario
from simulator.panels.background_study import Study, submitting
from simulator.sweeps.outcome_cache import OutcomeCache
from simulator.sweeps.sweep import ReportProgress, Submit
from simulator.units import counted, upper_first

#: No further check begins after this time (minutes).
MINUTES = 10.0

_COLOURS = {"pass": "green", "fail": "red", "cannot be told": "orange", "caution": "orange", "skipped": "gray"}


@dataclass
class DraftTest:
    """The tests of a text, under way or done. study: None before they begin"""

    text: str
    scenario: Scenario
    results: list[CheckResult] = field(default_factory=list)
    study: Study[int] | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> DraftTest:
        """Return these tests: Streamlit copies the arguments of fragments, and a thread works on."""
        return self

    @property
    def running(self) -> bool:
        return self.study is not None and self.study.running

    def cancel(self) -> None:
        """End the tests; what was found stays."""
        if self.study is not None:
            self.study.cancel()

    def work(self, submit: Submit, report: ReportProgress) -> int:
        """Run every check, and return the number of results."""
        kept = KeptResults(self.scenario)
        runner = DesignRunner(self.scenario, submit, OutcomeCache(), report)
        for result in case_results(self.scenario, runner, kept, MINUTES):
            self.results.append(result)
        kept.write()
        return len(self.results)

    def looked_at(self) -> Latest:
        phase = self.study.phase if self.study else ""
        return Latest(f"{self.running} {phase} {len(self.results)}")


def tests_panel(draft: Draft) -> None:
    """Offer to run the tests of the text, and show their results."""
    checked = draft.wholly_checked()
    name = f"studio tests {draft.path}"
    one: Any = shelf().get(person(), name)
    if isinstance(one, DraftTest):
        if one.running:
            st.fragment(_progress)(one)
            return
        _results(one, draft)
    if checked.faults or checked.scenario is None:
        st.info("The tests run once the text has no faults.")
    elif st.button("Run the tests", type="primary", key="studio:test"):
        _begin(name, DraftTest(checked.text, checked.scenario))
        draw_again()


def _begin(name: str, test: DraftTest) -> None:
    test.study = Study(test.work, submitting(name, test.scenario.id))
    shelf().put(person(), name, test)


def _progress(test: DraftTest) -> None:
    follow("studio tests", test.looked_at, PROGRESS_S)
    if not test.running or test.study is None:
        st.rerun()
    what, done, total = test.study.phase
    parts = f": {done:,} of {total:,}" if total else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(done / total if total else 0.0, f"{upper_first(what)}{parts}")
        if st.button("Cancel", key="studio:test:cancel", type="tertiary"):
            test.cancel()
    _listed(test.results)


def _results(test: DraftTest, draft: Draft) -> None:
    if test.study is not None and test.study.error is not None:
        st.error(plain(f"The tests stopped: {test.study.error}"))
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
