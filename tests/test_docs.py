"""The pages in docs/ are true: their code runs, the guide describes every field, and the command's page is its help."""

import inspect
import json
import pkgutil
import re
import tomllib
from functools import cache
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

import simulator.case
from simulator.case.any_stage import STAGE_KINDS as KINDS
from simulator.case.case_contract import ARRIVAL_KINDS
from simulator.case.checks import ADDRESS_KEYS
from simulator.case.document import ScenarioError
from simulator.case.exhibits import EXHIBITS
from simulator.case.load import loads
from simulator.case.outputs import CaseOutline, metrics_of
from simulator.charts.design_diagram import diagram
from simulator.engine.contract import StageModel
from simulator.engine.plan import compile_plan
from simulator.engine.run import Run, simulate
from simulator.engine.stages import STAGES, unregister
from simulator.engine.stages.queues import BALANCERS, ORDERS
from simulator.engine.stages.replica_scaling import SCALERS
from simulator.engine.stages.replicas import BATCHING
from simulator.engine.stages.retry import JITTERS
from simulator.engine.stages.stage import ServiceStage
from simulator.evidence import score_tables
from simulator.evidence.score_import import ImportOptions, import_scores
from simulator.metrics.summary import judge, summarise
from simulator.records.streams import Streams
from tests import command_page

GUIDE = Path(__file__).parents[1] / "docs" / "writing-cases.md"
ENGINE = GUIDE.with_name("engine.md").read_text(encoding="utf-8")
TEXT = GUIDE.read_text(encoding="utf-8")
YAML_BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
PYTHON_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
FIRST_CASE, CASE, *SNIPPETS = YAML_BLOCK.findall(TEXT)
PROSE = YAML_BLOCK.sub("", TEXT)
SECTIONS = re.split(r"^## ", PROSE, flags=re.MULTILINE)
FIRST = re.compile(r"^[a-z_]+:", re.MULTILINE)


def words(text: str) -> set[str]:
    """What stands in backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def merged(old: Any, new: Any) -> Any:
    """As the guide says: key by key; what states its kind is whole."""
    if not isinstance(old, dict) or not isinstance(new, dict) or "kind" in new:
        return new
    return old | {key: merged(old.get(key), value) for key, value in new.items()}


#: A table of the user's own, with the class that a model names for 40 melanomas and 60 moles.
KINDS_OF_SPOT = ("mole", "melanoma")
TWO_CLASSES = "label,score,diagnosis,predicted\n" + "".join(
    f"{int(place < 40)},0.{place % 10},{KINDS_OF_SPOT[place < 40]},{KINDS_OF_SPOT[place % 4 == 0 or place < 27]}\n"
    for place in range(100)
)


@pytest.mark.parametrize("snippet", ["", *SNIPPETS], ids=lambda text: " ".join(FIRST.findall(text)) or "case")
def test_every_snippet_runs_within_the_case_and_reports_what_its_objectives_ask_for(snippet, tmp_path, monkeypatch):
    monkeypatch.setattr(score_tables, "FOLDERS", (*score_tables.FOLDERS, tmp_path))
    import_scores("two_classes.csv", TWO_CLASSES.encode(), ImportOptions(), tmp_path)
    (tmp_path / "times.csv").write_text("time_s,ms\n1,4\n2.5,6\n2.7,5\n9,30\n", encoding="utf-8")
    read = YAML(typ="safe", pure=True).load
    data = merged(read(CASE), read(snippet) if snippet else {})
    scenario = loads(json.dumps(data), str(tmp_path / "my-case.yaml"))
    timed = {name: ball.own_time(scenario.run.starts_at) for name, ball in scenario.curveballs.items()}
    plan = compile_plan(scenario, {}, {name: 10.0 if at_s is None else at_s for name, at_s in timed.items()})
    trace = simulate(plan, seed=1)
    assert (trace.requests["outcome"] == "done").any()
    assert {objective.metric for objective in scenario.objectives} <= summarise([trace]).keys()


def test_the_first_case_runs_and_either_change_that_the_page_suggests_meets_its_objectives():
    scenario = loads(FIRST_CASE, "parcel-check.yaml")

    def met(picks):
        metrics = summarise(simulate(compile_plan(scenario, picks), seed=1, replication=one) for one in range(2))
        return [judge(objective, scenario.metrics, metrics).met for objective in scenario.objectives]

    assert met({}) == [False, True]
    assert met({"replicas": 3}) == met({"precision": "int8"}) == [True, True]


MISTAKES = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| `(parcel-check[^`]+)` \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("old", "new", "printed"), MISTAKES, ids=[new for _, new, _ in MISTAKES])
def test_a_mistake_is_answered_as_the_page_shows(old, new, printed):
    assert FIRST_CASE.count(old) == 1
    with pytest.raises(ScenarioError) as caught:
        loads(FIRST_CASE.replace(old, new), "parcel-check.yaml")
    assert str(caught.value) == printed


def test_the_page_on_the_engine_adds_a_kind_of_stage_that_waits_as_theory_says():
    page: dict[str, Any] = {"__name__": "engine"}
    try:
        for block in PYTHON_BLOCK.findall(ENGINE):
            exec(compile(block, "docs/engine.md", "exec"), page)
        assert "load 80" in diagram(page["plan"]).source
    finally:
        if "limiter" in STAGES:
            unregister(page["Limiter"])


def test_every_hook_and_every_column_that_the_page_on_the_engine_lists_exists():
    hooks, columns = (set(re.findall(r"^\|(.*?)\|", part, re.MULTILINE)) for part in ENGINE.split("## Columns")[:2])
    run = Run(compile_plan(loads(CASE)), Streams(0))
    named = [name.split("(")[0] for row in hooks for name in words(row) if "_" in name or "(" in name]
    assert {"accept", "due", "hand_over_block", "flows", "report"} <= set(named)
    assert [name for name in named if not (hasattr(ServiceStage, name) or hasattr(StageModel, name))] == []
    assert [name for row in columns for name in words(row) if not hasattr(run.requests, name.split("[")[0])] == []


@cache
def models() -> list[type[BaseModel]]:
    """Every model of a scenario that adds fields to those of its parents; a pack's manifest is written by the command."""
    names = [module.name for module in pkgutil.walk_packages(simulator.case.__path__, "simulator.case.")]
    found = chain.from_iterable(vars(import_module(name)).values() for name in names)
    written = (one for one in found if inspect.isclass(one) and one.__module__ != "simulator.case.installed_packs")
    classes = {one for one in written if issubclass(one, BaseModel) and own_fields(one)}
    return sorted(classes, key=lambda model: (model.__module__, model.__name__))


def own_fields(model: type[BaseModel]) -> set[str]:
    return {name for name in model.__annotations__ if name in model.model_fields}


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_one_section_tells_of_every_field_of_a_model(model):
    fields = own_fields(model) - {"kind"}  # told once for all; each word that it may hold is asked for below
    least = min((fields - words(section) for section in SECTIONS), key=len)
    assert not least, f"no section of {GUIDE.name} tells of all fields of {model.__name__}; the nearest one lacks {least}"


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_word_that_a_field_may_hold_is_told(model):
    offered = chain.from_iterable(literals(model.model_fields[name].annotation) for name in own_fields(model))
    assert set(offered) <= words(PROSE)


def literals(annotation: Any) -> set[str]:
    """The words that an annotation lists, its parts included."""
    if get_origin(annotation) is Literal:
        return {word for word in get_args(annotation) if isinstance(word, str)}
    return set(chain.from_iterable(map(literals, get_args(annotation))))


REGISTRIES = [ADDRESS_KEYS, ARRIVAL_KINDS, BALANCERS, BATCHING, EXHIBITS, JITTERS, ORDERS, SCALERS, STAGES]


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda entries: min(entries))
def test_every_name_of_a_registry_is_told(registry):
    assert set(registry) <= words(PROSE)


def test_every_metric_is_told():
    names = set()
    for kind in STAGES:
        kinds, words_ = {"STAGE": KINDS[kind]}, ("detected", "escalated")
        names |= set(metrics_of(CaseOutline(kinds, ["TAG"], {"CLASS": True}, words_, ages={"END": ["SENSOR"]})))
    assert names <= words(PROSE)


def test_the_page_of_the_command_is_its_help_whatever_the_terminal(monkeypatch):
    written = command_page.PAGE.read_text(encoding="utf-8")
    assert written == command_page.page(), "make docs writes it again"
    for name, value in {"COLUMNS": "40", "TERMINAL_WIDTH": "40", "FORCE_COLOR": "1", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    assert written == command_page.page()


def test_the_page_of_the_command_names_every_extra_that_a_user_may_need():
    ours = {"campaigns", "dev"}
    project = tomllib.loads((command_page.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["optional-dependencies"]) - ours <= words(command_page.INTRODUCTION)


PAGES = sorted(GUIDE.parent.glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_of_a_page_lead_to_files_and_headings_that_exist(page):
    targets = re.findall(r"\]\(([^)]+)\)", without_code(page))
    inside = [target.partition("#") for target in targets if "://" not in target]
    files = [((page.parent / path) if path else page, anchor) for path, _, anchor in inside]
    assert [str(file) for file, _ in files if not file.exists()] == []
    assert [(file.name, anchor) for file, anchor in files if anchor and anchor not in anchors(file)] == []


def without_code(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The names by which links reach the headings of a page, as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
