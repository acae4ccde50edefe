"""A new case from an example or a drawing: its text under another id, with its comments."""

from __future__ import annotations

from io import StringIO

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML

from simulator.authoring.case_schema import words_on_fields
from simulator.case.fields import Slug
from simulator.case.load import find, load
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.files import read_within
from simulator.limits import CASE_FILE

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
