"""The runs that the bots keep are those that the package makes now: no test of sessions rests on an older one."""

import pytest

from simulator.case.load import scenario_ids
from simulator.session.event_log import design_hash
from simulator.session.session_record import ended_event
from tests.rule_table import PAGE, written
from tests.session.session_bots import case, played
from tests.shipped import run_of


@pytest.mark.parametrize("name", scenario_ids())
def test_the_kept_run_of_the_default_design_is_that_of_a_new_run(name):
    """A change of the statistics moves the intervals of this design too; other tests run it anyway."""
    design = design_hash(case(name).defaults(), {})
    assert played()[name][design] == ended_event(design, run_of(name)).payload(), "python -m tests.session.session_bots"


@pytest.mark.long
def test_the_tables_on_the_rules_are_those_of_the_bots():
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "python -m tests.rule_table"
