"""`casesim new`: writes a case to begin with, from nothing, from an example or from a drawing of the whiteboard."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from simulator.authoring.blank_case import (
    SCHEMA_FILE,
    CaseAnswers,
    blank_case,
    checked_id,
    checked_model,
    checked_word,
    copied_case,
    measured_models,
    plural,
    usual_bound,
    usual_rate,
)
from simulator.authoring.case_schema import case_schema
from simulator.case.load import loads
from simulator.cli.exits import UsageError, say
from simulator.engine.plan import compile_plan
from simulator.evidence.evidence_files import in_one_step

Title = Annotated[str | None, typer.Option(help="the title; default: from the id")]
Request = Annotated[str | None, typer.Option(help="the word for one request, such as photo; default photo")]
Model = Annotated[str | None, typer.Option(help="a measured model (`casesim models`); default resnet50")]
People = Annotated[
    bool | None, typer.Option("--people/--no-people", help="whether people look at what the model flags; default no")
]
Rate = Annotated[float | None, typer.Option(min=0.01, max=5000, help="requests a second; default: by the model, with people 1")]
Within = Annotated[
    float | None,
    typer.Option(min=0.001, max=3600, help="seconds for 95% of the answers, or with people for 95% of the waits for them"),
]
Source = Annotated[str | None, typer.Option("--from", metavar="CASE", help="begin with this case, its comments included")]
Drawing = Annotated[Path | None, typer.Option(metavar="FILE", help="begin with a drawing that Explore saved as a case file")]
Folder = Annotated[Path, typer.Option(help="the folder of the new file")]


def new(
    case_id: Annotated[str, typer.Argument(metavar="ID", help="the id of the case, such as parcel-damage", show_default=False)],
    title: Title = None,
    request: Request = None,
    model: Model = None,
    people: People = None,
    rate: Rate = None,
    within: Within = None,
    source: Source = None,
    drawing: Drawing = None,
    folder: Folder = Path(),
) -> None:
    """Write a case that passes `casesim check`, with comments that teach, and its schema for editors beside it.

    Without --from and --drawing it asks for all that no option says; where no person can answer, it takes the defaults.
    """
    checked_id(case_id)
    path = folder / f"{case_id}.yaml"
    _check_free(path)
    usual_title = case_id.replace("-", " ").capitalize()
    given = {"request": request, "model": model, "people": people, "rate": rate, "within": within}
    if source is not None or drawing is not None:
        _check_alone(source, drawing, given)
        text = copied_case(source or str(drawing), case_id, title or (usual_title if drawing else None))
    else:
        text = blank_case(_answers(case_id, _Asker(), title, usual_title, given))
    compile_plan(loads(text, str(path)))
    write_schema(folder / SCHEMA_FILE)
    with in_one_step(path) as part:
        part.write_text(text, encoding="utf-8")
    say(f"{path}: written. Next: casesim check {path}, casesim run {path}, casesim serve {path}")


def _check_free(path: Path) -> None:
    if os.path.lexists(path):
        raise UsageError(f"{path}: there is such a file already; name another id, or delete the file")


def _check_alone(source: str | None, drawing: Path | None, given: dict[str, Any]) -> None:
    if source is not None and drawing is not None:
        raise UsageError("give --from or --drawing, not both")
    unused = [f"--{name}" for name, value in given.items() if value is not None]
    if unused:
        raise UsageError(f"{unused[0]} is for a case from nothing; change the copy by hand instead")


class _Asker:
    """Asks a person for what no option says; without a person it takes the default."""

    def __init__(self) -> None:
        self.there = sys.stdin is not None and sys.stdin.isatty()

    def ask(self, given: Any, question: str, default: Any, check: Any = None, **how: Any) -> Any:
        """Return what an option says, else the answer, asked again while it is wrong, else the default."""
        if given is not None or not self.there:
            value = default if given is None else given
            return value if check is None else check(value)
        return typer.prompt(question, default=default, value_proc=_refusing(check), err=True, **how)


def _refusing(check: Any) -> Any:
    """Return a check whose faults make the question be asked again."""

    def read(text: Any) -> Any:
        try:
            return check(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return None if check is None else read


def _number(low: float, high: float) -> Any:
    def read(text: Any) -> float:
        number = float(text)
        if not low <= number <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}")
        return number

    return read


def _yes_or_no(text: Any) -> bool:
    if isinstance(text, bool):
        return text
    word = str(text).strip().lower()
    if word not in ("y", "yes", "n", "no"):
        raise ValueError("answer yes or no")
    return word.startswith("y")


def _answers(case_id: str, asker: _Asker, title: str | None, usual_title: str, given: dict[str, Any]) -> CaseAnswers:
    title = asker.ask(title, "1 of 6. The title of the case", usual_title)
    word = asker.ask(given["request"], "2 of 6. What arrives? The word for one", "photo", checked_word)
    models = ", ".join(measured_models()[:4])
    model = asker.ask(given["model"], f"3 of 6. The measured model that answers ({models}, ...)", "resnet50", checked_model)
    people = asker.ask(given["people"], "4 of 6. Do people look at what it flags (yes or no)", "no", _yes_or_no)
    usual = usual_rate(model, people)
    rate = asker.ask(given["rate"], f"5 of 6. The number of {plural(word)} a second", usual, _number(0.01, 5000))
    bound = usual_bound(model, people)
    subject = "the waits for people" if people else "the answers"
    within = asker.ask(given["within"], f"6 of 6. The bound on 95% of {subject}, in seconds", bound, _number(0.001, 3600))
    return CaseAnswers(case_id, title, word, plural(word), model, people, rate, within)


def write_schema(path: Path) -> None:
    """Write the schema, also over an older one of CaseSim; raises UsageError for another file of that name."""
    content = json.dumps(case_schema(), indent=1) + "\n"
    if path.exists():
        before = path.read_text(encoding="utf-8", errors="replace")
        if f'"title": "{case_schema()["title"]}"' not in before[:500]:
            raise UsageError(f"{path}: another file has the name of the schema; move it")
        if before == content:
            return
    with in_one_step(path) as part:
        part.write_text(content, encoding="utf-8")
