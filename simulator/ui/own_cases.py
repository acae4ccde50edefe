"""Cases that a person is writing: pages follow their files, and keep the last version that was without faults."""

from __future__ import annotations

from functools import cache

import streamlit as st

from simulator.evidence.files import Stamp, stamp_of
from simulator.scenario import Fault, Scenario
from simulator.scenario.cases import find, own_cases
from simulator.scenario.faults import told
from simulator.scenario.load import load_alone
from simulator.serving.plan import read_whole
from simulator.ui.widgets import plain, scenario_of

#: How often the files are looked at (s).
LOOK_S = 1.0


def case_now(case: str) -> tuple[Scenario | None, list[Fault]]:
    """The case as its file says now; where that has faults, the last version without any (None if there is none), and they.

    Of a person's own case the faults include what its designs refer to and cannot find.
    """
    kept, (scenario, faults) = _kept(), _tried(case, stamp_of(find(case)), case in own_cases())
    if scenario is not None:
        kept[case] = scenario
    return kept.get(case), faults


@st.cache_resource(max_entries=64, show_spinner=False)
def _tried(case: str, stamp: Stamp, own: bool) -> tuple[Scenario | None, list[Fault]]:
    return load_alone(case, lambda name: read_whole(lambda: scenario_of(name)) if own else scenario_of(name))


@cache
def _kept() -> dict[str, Scenario]:
    """The last version of each case that was without faults."""
    return {}


def tell(faults: list[Fault], shown: Scenario | None) -> None:
    """Every fault of a file, and what the page shows meanwhile."""
    listed = "\n".join(f"- {plain(line)}" for line in told(faults))
    still = "\n\nThe page shows the last version without faults." if shown else ""
    st.error(f"**{len(faults)} {'fault' if len(faults) == 1 else 'faults'} to mend**\n\n{listed}{still}")


def follow() -> None:
    """Draw the page again as soon as the file of a case of one's own has changed, appeared or gone."""
    if own_cases():
        _look(_stamps())


@st.fragment(run_every=LOOK_S)
def _look(before: dict[str, Stamp]) -> None:
    if _stamps() != before:
        st.rerun()


def _stamps() -> dict[str, Stamp]:
    return {case: stamp_of(file) for case, file in own_cases().items()}
