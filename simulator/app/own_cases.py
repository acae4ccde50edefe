"""Cases that the user is writing: pages follow their files, and show the last version without faults."""

from __future__ import annotations

from functools import cache, lru_cache

import streamlit as st

from simulator.app.news import Latest, follow
from simulator.app.widgets import plain, scenario_of
from simulator.case.document import Fault, fault_lines
from simulator.case.load import find, load_alone, own_cases, scenario_ids
from simulator.case.schema import Scenario
from simulator.engine.plan import read_whole
from simulator.files import Stamp, stamp_of


def case_now(case: str) -> tuple[Scenario | None, list[Fault]]:
    """Read a case as its file is now; of a file with faults, return the last version without any, or None, and the faults.

    Faults of a user's own case include references of its designs to missing evidence.
    """
    faultless, (scenario, faults) = _faultless(), _tried(case, stamp_of(find(case)), case in own_cases())
    if scenario is not None:
        faultless[case] = scenario
    return faultless.get(case), faults


@lru_cache(maxsize=64)
def _tried(case: str, stamp: Stamp, own: bool) -> tuple[Scenario | None, list[Fault]]:
    return load_alone(case, lambda name: read_whole(lambda: scenario_of(name)) if own else scenario_of(name))


@cache
def _faultless() -> dict[str, Scenario]:
    return {}


def chosen_case() -> Scenario:
    """Return the case in the address, else the last one, else the first one. Faults of its file are shown."""
    wanted, known = st.query_params.get("case"), scenario_ids()
    last = st.session_state.get("case")
    case = wanted if wanted in known else last if last in known else known[0]
    follow_files()
    scenario, faults = case_now(case)
    with st.container():  # there without faults too, so that what stands below keeps its place
        if faults:
            show_faults(faults, scenario)
    if scenario is None:
        st.stop()
    if wanted is not None and wanted not in known:
        st.warning(f"There is no case “{plain(wanted)}”. This is “{plain(scenario.title)}”.")
    st.session_state["case"] = scenario.id
    return scenario


def show_faults(faults: list[Fault], shown: Scenario | None) -> None:
    listed = "\n".join(f"- {plain(line)}" for line in fault_lines(faults))
    still = "\n\nThe page shows the last version without faults." if shown else ""
    st.error(f"**{len(faults)} {'fault' if len(faults) == 1 else 'faults'} to mend**\n\n{listed}{still}")


def follow_files() -> None:
    """Have the page drawn again once the user has saved a file of a case."""
    if own_cases():
        follow("own cases", _stamps)


def _stamps() -> Latest:
    return Latest(repr({case: stamp_of(file) for case, file in own_cases().items()}))
