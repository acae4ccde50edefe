"""A field that declares its kind of names has the fault, the completion and the line of the reference without further code."""

from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import BaseModel

from simulator.authoring.case_schema import case_schema
from simulator.authoring.studio.schema_help import completions
from simulator.case.curveball import AffectedQuantity, AnyCurveball
from simulator.case.curveballs import CURVEBALLS
from simulator.case.document import ScenarioError
from simulator.case.fields import Name
from simulator.case.kinds import add_kind, remove_kind
from simulator.case.load import load, loads
from simulator.case.references import NAME_KINDS, NameUse, Ref, references
from simulator.case.schema import Scenario
from tests.case.texts import SMALL, place
from tests.case_reference import page


class Echo(AnyCurveball):
    """Traffic rises while a stage is busy."""

    changes: ClassVar = {AffectedQuantity.RATE: "times"}

    kind: Literal["echo"]
    beside: Annotated[Name, Ref("stage")]
    """the stage that is busy"""
    unless: list[Annotated[str, Ref("objective")]] = []
    """objectives whose miss stops it"""
    by_end: dict[Annotated[Name, Ref("end")], float] = {}
    """factors by end"""
    times: float = 2
    """the factor"""


@pytest.fixture(autouse=True)
def echo():
    add_kind(CURVEBALLS, Echo)
    yield
    remove_kind(CURVEBALLS, Echo)


def with_echo(fields: str) -> str:
    return f"{SMALL.rstrip()}\ncurveballs:\n  echo: {{kind: echo, label: Echo, at_s: 60, {fields}}}\n"


def test_a_name_that_refers_to_something_is_taken():
    assert loads(with_echo("beside: classify, unless: [sensitivity], by_end: {cleared: 2}")).curveballs["echo"].times == 2


@pytest.mark.parametrize(
    ("fields", "word", "field", "message"),
    [
        ("beside: clasify", "beside:", "beside", "'clasify' is not a stage; did you mean 'classify'?"),
        (
            "beside: classify, unless: [sensitivty]",
            "sensitivty",
            "unless.0",
            "'sensitivty' is no metric of an objective; did you mean 'sensitivity'?",
        ),
        (
            "beside: classify, by_end: {claered: 2}",
            "claered",
            "by_end.claered",
            "'claered' is not an end; did you mean 'cleared'?",
        ),
    ],
)
def test_a_name_that_refers_to_nothing_is_a_fault_at_its_place(fields, word, field, message):
    text = with_echo(fields)
    with pytest.raises(ScenarioError) as refused:
        loads(text)
    [fault] = refused.value.faults
    assert (fault.field, fault.message) == (f"curveballs.echo.{field}", message)
    assert (fault.line, fault.column) == place(text, word)


def test_the_editor_offers_the_names_of_the_case():
    text = with_echo("beside: ")
    line, column = place(text, "beside: ")
    case = load("retry-storm")
    _, offers = completions(text, line, column + len("beside: ") - 1, case)
    assert {offer.label for offer in offers} == set(case.stages)
    assert {offer.detail for offer in offers} == {"stage"}


def test_the_reference_page_links_to_the_section_of_the_names():
    model = case_schema()["definitions"]["Echo"]["properties"]
    assert model["beside"]["x-names"] == "stage"
    assert model["by_end"]["x-keys"] == "end"
    assert "| `beside` | [stage](#stages) |  | the stage that is busy |" in page()
    assert "number, by [end](#ends)" in page()


def test_every_declaration_of_the_schema_names_a_kind_of_names():
    def declared(node):
        if isinstance(node, dict):
            yield from (node[key] for key in ("x-names", "x-keys") if key in node)
            for part in node.values():
                yield from declared(part)
        elif isinstance(node, list):
            for part in node:
                yield from declared(part)

    kinds = set(declared(case_schema()))
    assert kinds <= set(NAME_KINDS)
    assert {"stage", "way", "metric", "objective", "choice", "curveball", "phase", "exhibit", "class", "attribute"} <= kinds


def test_the_walk_goes_by_the_data_whatever_faults_they_have():
    class Inner(BaseModel):
        metric: Annotated[str, Ref("metric")]

    class Outer(BaseModel):
        entries: list[Inner] = []
        pair: tuple[Annotated[str, Ref("stage")], int] | None = None

    data = {"entries": [{"metric": "a"}, 3, {"metric": None}, {"metric": "b", "more": 1}], "pair": "text", "strange": {}}
    found = [*references(Outer, data)]
    assert found == [
        NameUse(("entries", 0, "metric"), Ref("metric"), "a"),
        NameUse(("entries", 3, "metric"), Ref("metric"), "b"),
    ]
    assert [*references(Scenario, ["no", "mapping"])] == []
