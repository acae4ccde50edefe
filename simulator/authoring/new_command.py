"""`casesim new`: writes a case to begin with: from nothing, with comments that teach, or as a copy of a case or a drawing."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import StringIO
from math import ceil, exp
from pathlib import Path
from string import Template
from typing import Annotated, Any

import numpy as np
import typer
from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from scipy.special import ndtr, ndtri

from simulator.authoring.case_schema import case_schema, words_on_fields
from simulator.case.fields import Slug
from simulator.case.load import find, load, loads
from simulator.case.schema import Scenario
from simulator.cli.exits import UsageError, say
from simulator.engine.plan import compile_plan
from simulator.errors import InputError, suggest
from simulator.evidence.catalogue import machine
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.profiles import load_profile, readable_profiles
from simulator.files import read_within
from simulator.limits import CASE_FILE
from simulator.phrases import phrase
from simulator.units import significant

#: The texts of new cases, with places such as `@rate` for the words of an author.
_TEXTS = Path(__file__).parent / "new_cases"

#: The device of a new case: most models are measured there, and it has a price.
DEVICE = "epyc-zen4-2c"

#: The load of a good design: higher, queues grow long; lower, money is wasted.
_LOAD = 0.75

#: People: the seconds for a request, their spread, the pay of an hour, and the assumed AUC of the model before them.
_READ_S, _SPREAD, _PAY_USD, _AUC, _PREVALENCE = 15, 0.5, 30, 0.92, 0.05

#: The shares of positives that the threshold may take, and that of the good design.
_SHARES, _GOOD_SHARE = (0.8, 0.9, 0.95, 0.98), 0.95

#: The most machines or people that a stage may have.
_MOST = 1024

#: About so many requests are simulated in a replication.
_REQUESTS = 4_000


class CaseTemplate(Template):
    """A text with places such as `@rate`."""

    delimiter = "@"


@dataclass(frozen=True)
class CaseAnswers:
    """What an author says of a new case.

    one, many: the word for a request; rate: requests a second
    people: whether people look at requests that the model flags
    within_s: the bound for 95% of the answers; with people, for 95% of the waits for them
    """

    case_id: str
    title: str
    one: str = "photo"
    many: str = "photos"
    model: str = "resnet50"
    people: bool = False
    rate: float = 20.0
    within_s: float = 0.3


def measured_models() -> list[str]:
    """Return the models that a new case may name."""
    found = readable_profiles()[0]
    return sorted({profile.model for profile in found if (profile.device, profile.precision) == (DEVICE, "fp32")})


def checked_model(name: str) -> str:
    """Return the name of a model; raises InputError that suggests the nearest one."""
    if name not in (known := measured_models()):
        raise InputError(f"there is no model '{name}' to begin with; {suggest(name, known, '`casesim models`')}")
    return name


def checked_word(word: str) -> str:
    """Return the word for a request; raises InputError where it is no word of letters."""
    if not re.fullmatch(r"[^\W\d_][^\W_ ]*(?:[ -][^\W_]+)*", word) or len(word) > 40:
        raise InputError(f"'{word}' is no word for a request; write letters alone, such as photo or X-ray image")
    return word


def plural(word: str) -> str:
    """Return the usual plural of an English word."""
    if word.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") and word[-2:-1] not in "aeiou" else f"{word}s"


def service_s(model: str) -> float:
    """Return the median of the measured calls of one request, in seconds."""
    calls = next(call for call in load_profile(DEVICE, model, "fp32").run(1).calls if call.batch == 1)
    return float(np.median(calls.latency_ms)) / 1000


def usual_rate(model: str, people: bool) -> float:
    """Return requests a second for a first case: enough for two or three machines, or for a handful of people."""
    return 1.0 if people else float(significant(2.6 * _LOAD / service_s(model), 1).replace(",", ""))


def usual_bound(model: str, people: bool = False) -> float:
    """Return a bound in seconds that a good design can meet: on the answer of a model, or on the wait for people."""
    return 300.0 if people else float(significant(max(0.2, 8 * service_s(model)), 2))


def blank_case(answers: CaseAnswers) -> str:
    """Return the text of a new case; raises InputError where it would need more machines or people than a stage may have."""
    machines = ceil(answers.rate * service_s(answers.model) / _LOAD)
    words = {
        "id": answers.case_id,
        "title": json.dumps(answers.title, ensure_ascii=False),
        "one": json.dumps(answers.one, ensure_ascii=False),
        "plural": json.dumps(answers.many, ensure_ascii=False),
        "many": answers.many,
        "Many": answers.many[:1].upper() + answers.many[1:],
        "model": answers.model,
        "device": DEVICE,
        "word": answers.one,
        "rate": f"{answers.rate:g}",
        "low_rate": f"{answers.rate / 2:g}",
        "high_rate": f"{answers.rate * 2:g}",
        "within": f"{answers.within_s:g}",
        "days": significant(min(max(_REQUESTS / answers.rate / 86_400, 0.002), 1), 2),
        "good": machines,
        "default": machines + 3,
        "most": machines + 4,
    }
    own = _with_people(answers, machines) if answers.people else _without_people(answers, machines)
    parts = ("head", "people" if answers.people else "service")
    text = "".join((_TEXTS / f"{part}.template").read_text(encoding="utf-8") for part in parts)
    return CaseTemplate(text).substitute(words | own)


def _without_people(answers: CaseAnswers, machines: int) -> dict[str, object]:
    _check_count("machines", machines + 4, answers)
    return {"cost": significant(_usd_per_1000(machines + 0.6, _machine_usd(), answers.rate), 3)}


def _with_people(answers: CaseAnswers, machines: int) -> dict[str, object]:
    mean_s = _READ_S * exp(_SPREAD**2 / 2)
    busy = {share: answers.rate * _flagged(share) * mean_s for share in _SHARES}
    readers = ceil(busy[_GOOD_SHARE] / 0.85) + 1
    _check_count("people", 2 * readers + 4, answers)
    paid = _usd_per_1000(1.05 * readers + 1.5, _PAY_USD, answers.rate) + _usd_per_1000(machines, _machine_usd(), answers.rate)
    return {
        "auc": _AUC,
        "prevalence": _PREVALENCE,
        "pay": _PAY_USD,
        "minutes": _READ_S / 60,
        "spread": _SPREAD,
        "shares": list(_SHARES),
        "good_share": _GOOD_SHARE,
        "readers": readers,
        "few_readers": max(readers // 2, 1),
        "most_readers": 2 * readers + 4,
        "cost": significant(paid, 3),
    }


def _flagged(share: float) -> float:
    """Return the share of requests above the threshold that this share of the positives reaches (equal normal spreads)."""
    distance = np.sqrt(2) * ndtri(_AUC)
    false = ndtr(distance * -1 + ndtri(share))
    return float(_PREVALENCE * share + (1 - _PREVALENCE) * false)


def _check_count(what: str, count: int, answers: CaseAnswers) -> None:
    if count > _MOST:
        raise InputError(phrase("new_case.replicas", rate=answers.rate, count=count, what=what, most=_MOST))


def _machine_usd() -> float:
    return machine(DEVICE).usd_per_replica_hour(1)


def _usd_per_1000(count: float, usd_per_hour: float, rate: float) -> float:
    return count * usd_per_hour / (3.6 * rate)


#: The line by which an editor finds the schema, and the name of that file beside the case.
SCHEMA_FILE = "case.schema.json"
SCHEMA_LINE = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"

_SLUG: TypeAdapter[str] = TypeAdapter(Slug)


def checked_id(name: str) -> str:
    """Return the id of a case; raises InputError where it is none."""
    try:
        return _SLUG.validate_python(name)
    except ValidationError:
        near = "".join(char if char.isalnum() else "-" for char in name.lower()).strip("-") or "my-case"
        raise InputError(f"'{name}' is no id; write lower-case letters, digits and -, such as '{near[:60]}'") from None


def copied_case(source: str, case_id: str, title: str | None = None) -> str:
    """Return the text of a sound case under another id; raises ScenarioError with the faults of one that is not.

    A file without comments, such as a saved drawing, gets one on each section.
    """
    load(source)
    file = find(source)
    text = read_within(file, CASE_FILE).decode("utf-8")
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    data = yaml.load(text)
    data["id"], data["version"] = case_id, 1
    if title is not None:
        data["title"] = title
    if not any(line.lstrip().startswith("#") for line in text.splitlines()):
        for name, words in words_on_fields(Scenario).items():
            if name in data and isinstance(data[name], dict | list):
                data.yaml_set_comment_before_after_key(name, before=words)
    out = StringIO()
    yaml.dump(data, out)
    body = out.getvalue()
    return body if body.startswith(SCHEMA_LINE) else SCHEMA_LINE + body


_SUBJECT = "seconds for 95% of the answers, or with people for 95% of the waits for them"


@dataclass(frozen=True)
class NewCommand:
    """Write a case that passes `casesim check`, with comments that teach, and its schema for editors beside it.

    Without --from and --drawing it asks for all that no option says; where no person can answer, it takes the defaults.
    """

    case_id: Annotated[str, "ID", "the id of the case, such as parcel-damage"]
    title: Annotated[str | None, "the title; default: from the id"] = None
    request: Annotated[str | None, "the word for one request, such as photo; default photo"] = None
    model: Annotated[str | None, "a measured model (`casesim models`); default resnet50"] = None
    people: Annotated[bool | None, "--people/--no-people", "whether people look at what the model flags; default no"] = None
    rate: Annotated[
        float | None, typer.Option(min=0.01, max=5000, help="requests a second; default: by the model, with people 1")
    ] = None
    within: Annotated[float | None, typer.Option(min=0.001, max=3600, help=_SUBJECT)] = None
    source: Annotated[str | None, "--from CASE", "begin with this case, its comments included"] = None
    drawing: Annotated[Path | None, "FILE", "begin with a drawing that Explore saved as a case file"] = None
    folder: Annotated[Path, "the folder of the new file"] = Path()

    def run(self) -> None:
        checked_id(self.case_id)
        path = self.folder / f"{self.case_id}.yaml"
        if os.path.lexists(path):
            raise UsageError(f"{path}: there is such a file already; name another id, or delete the file")
        usual_title = self.case_id.replace("-", " ").capitalize()
        given = {name: getattr(self, name) for name in ("request", "model", "people", "rate", "within")}
        if self.source is not None or self.drawing is not None:
            _check_alone(self.source, self.drawing, given)
            title = self.title or (usual_title if self.drawing else None)
            text = copied_case(self.source or str(self.drawing), self.case_id, title)
        else:
            text = blank_case(_answers(self.case_id, self.title, usual_title, given))
        compile_plan(loads(text, str(path)))
        write_schema(self.folder / SCHEMA_FILE)
        with in_one_step(path) as part:
            part.write_text(text, encoding="utf-8")
        say(f"{path}: written. Next: casesim check {path}, casesim run {path}, casesim serve {path}")


def _check_alone(source: str | None, drawing: Path | None, given: dict[str, Any]) -> None:
    if source is not None and drawing is not None:
        raise UsageError("give --from or --drawing, not both")
    unused = [f"--{name}" for name, value in given.items() if value is not None]
    if unused:
        raise UsageError(f"{unused[0]} is for a case from nothing; change the copy by hand instead")


def _ask(given: Any, question: str, default: Any, check: Callable[[Any], Any] = str) -> Any:
    """Return what an option says, else a person's answer, asked again while it is wrong; without a person the default."""
    if given is not None or sys.stdin is None or not sys.stdin.isatty():
        return check(default if given is None else given)

    def read(text: str) -> Any:
        try:
            return check(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return typer.prompt(question, default=default, value_proc=read, err=True)


def _number(low: float, high: float, text: str | float) -> float:
    number = float(text)
    if not low <= number <= high:
        raise ValueError(f"expected a number from {low:g} to {high:g}")
    return number


def _yes_or_no(text: Any) -> bool:
    if isinstance(text, bool):
        return text
    word = str(text).strip().lower()
    if word not in ("y", "yes", "n", "no"):
        raise ValueError("answer yes or no")
    return word.startswith("y")


def _answers(case_id: str, title: str | None, usual_title: str, given: dict[str, Any]) -> CaseAnswers:
    title = _ask(title, "1 of 6. The title of the case", usual_title)
    word = _ask(given["request"], "2 of 6. What arrives? The word for one", "photo", checked_word)
    models = ", ".join(measured_models()[:4])
    model = _ask(given["model"], f"3 of 6. The measured model that answers ({models}, ...)", "resnet50", checked_model)
    people = _ask(given["people"], "4 of 6. Do people look at what it flags (yes or no)", "no", _yes_or_no)
    usual = usual_rate(model, people)
    rate = _ask(given["rate"], f"5 of 6. The number of {plural(word)} a second", usual, partial(_number, 0.01, 5000))
    bound = usual_bound(model, people)
    subject = "the waits for people" if people else "the answers"
    within = _ask(given["within"], f"6 of 6. The bound on 95% of {subject}, in seconds", bound, partial(_number, 0.001, 3600))
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
