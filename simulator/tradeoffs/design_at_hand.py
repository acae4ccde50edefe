"""The design at hand on the page Trade-offs: that of the address, or the one of the page Explore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from simulator.app.design_state import address, get, show_address
from simulator.app.links import DEFAULT_SEED, read, written
from simulator.app.own_cases import chosen_case
from simulator.app.page_links import links_in_one_step
from simulator.app.widgets import plain, story
from simulator.case.choices import Pick, changed_choices
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.paths import PAGES
from simulator.sweeps.design_space import DesignPoint


@dataclass(frozen=True)
class Base:
    """The base design of the page."""

    scenario: Scenario
    plan: Plan
    seed: int

    @property
    def picks(self) -> dict[str, Pick]:
        return dict(self.plan.design)

    @property
    def strikes(self) -> dict[str, float | None]:
        return dict(self.plan.strikes)

    @property
    def name(self) -> str:
        return repr((*self.plan.identity, self.seed))

    @property
    def sentence(self) -> str:
        """The difference from the case's default design, in words."""
        describe = self.describe({name: self.picks[name] for name in changed_choices(self.scenario.choices, self.picks)})
        around = (
            f"Around this design: {describe}; all other choices as in the case."
            if describe
            else "Around the default design of the case."
        )
        return f"{around} {self.plan.outside_brief}".strip()

    def beside(self, picks: Mapping[str, Pick]) -> str:
        """Say all choices of another design: first those that differ from this one, each with the pick here."""
        choices, own = self.scenario.choices, self.picks
        shared = {name: pick for name, pick in own.items() if picks.get(name, pick) == pick}
        other = [name for name in own if name not in shared]
        if not other:
            return f"Your own design: {self.describe(own)}."
        changes = [f"{choices[name].label}: {choices[name].label_of(picks[name])} (yours: {choices[name].label_of(own[name])})"
                   for name in other]  # fmt: skip
        same = f" As in yours: {self.describe(shared)}." if shared else ""
        return f"Differs from yours: {'; '.join(changes)}.{same}"

    def describe(self, picks: Mapping[str, Pick]) -> str:
        choices = self.scenario.choices
        return "; ".join(f"{choices[name].label}: {choices[name].label_of(pick)}" for name, pick in picks.items())


def base_design() -> Base:
    """Return the design, with its head on the page; stop the page where there is none."""
    scenario = chosen_case()
    links_in_one_step()
    with st.container(horizontal=True, vertical_alignment="center"):
        story(scenario)
    return _base(scenario)


def _base(scenario: Scenario) -> Base:
    link = read(scenario, address())
    if link.complaints:
        st.warning("\n".join(f"- {plain(sentence)}" for sentence in link.complaints))
    if "case" in st.query_params:
        picks, strikes, seed = link.picks, link.strikes, link.seed
    else:
        picks = {name: get(scenario, name, choice.default) for name, choice in scenario.choices.items()}
        strikes, seed = dict(get(scenario, "strikes", None) or {}), int(get(scenario, "seed", DEFAULT_SEED))
    try:
        plan = compile_plan(scenario, picks, strikes)
    except (ScenarioError, ValueError) as error:
        st.error(plain(str(error)))
        st.stop()
    if not link.complaints and st.query_params.get("case", scenario.id) == scenario.id:  # else the complaints stay
        show_address(scenario, written(plan, seed, scenario.run.replications))
    return Base(scenario, plan, seed)


def design_link(base: Base, point: DesignPoint, label: str = "Open this design") -> None:
    """Offer a link that opens a design on the page Explore. A step back from there finds this page as it was."""
    plan = compile_plan(base.scenario, {**base.picks, **point.picks}, base.strikes)
    fields = written(plan, base.seed, base.scenario.run.replications)
    st.page_link(PAGES / "practice.py", label=label, query_params=fields)
