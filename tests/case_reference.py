"""Write docs/case-reference.md from the JSON Schema of a case: python -m tests.case_reference, or `make docs`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from simulator.authoring.case_schema import case_schema
from simulator.case.references import NAME_KINDS, OF_KEYS, OF_VALUE
from simulator.paths import ROOT

PAGE = ROOT / "docs" / "case-reference.md"

INTRODUCTION = """\
# Reference: every field of a case

`make docs` writes this page from the schema of a case, which `casesim schema` prints. [Writing cases](writing-cases.md)
explains the fields with examples; [Your first case in an hour](first-case.md) is the place to begin.

A *figure* is a `value` with its evidence: [figure](#figure). A *quantity* differs from request to request:
[quantity](#quantities). *By name* is a mapping from names to entries. Most entries have a `label` and may have a `note`, both
for people; the tables leave these out.
"""

#: Fields that the introduction speaks of.
_EVERYWHERE = frozenset({"kind", "label", "note"})

#: Models of a figure and of its parts, which stand in a section of their own.
_SHARED = ("Figure", "Noun")

#: Patterns of texts, with the words for them.
_TEXTS = {
    "^[a-z][a-z0-9_]*$": "name",
    "^[a-z][a-z0-9-]*$": "id",
    "^[A-Za-z0-9][A-Za-z0-9_.-]*$": "name",
    "^[a-z0-9_]+(\\.[a-z0-9_]+)*$": "place",
}

Node = dict[str, Any]


def page() -> str:
    """Return the page as Markdown."""
    schema = case_schema()
    definitions: dict[str, Node] = schema["definitions"]
    parts, seen = [INTRODUCTION, "## The parts of a case", "", *_table(schema), ""], set[str](_SHARED)
    for name in _SHARED:
        parts += _model(name, definitions)
    parts += ["## Quantities", "", "One of these models; the key of its number decides which.", ""]
    for name in _quantities(definitions):
        seen.add(name)
        parts += _model(name, definitions)
    for section, node in schema["properties"].items():
        found = list(_reached(node, definitions, seen))
        if found:
            parts += [f"## `{section}`", "", f"{_sentence(node['description'])}", ""]
        for name in found:
            parts += _model(name, definitions)
    return "\n".join(parts).rstrip() + "\n"


def _quantities(definitions: dict[str, Node]) -> list[str]:
    """Return the models of a union that holds the lognormal quantity."""
    for node in (node for one in definitions.values() for node in one.get("properties", {}).values()):
        names = [_name(part["$ref"]) for part in node.get("anyOf", []) if "$ref" in part]
        if "Lognormal" in names and len(names) > 1:
            return names
    return []


def _reached(node: Any, definitions: dict[str, Node], seen: set[str]) -> Iterator[str]:
    """Yield the models that a node leads to, each once, the nearer ones first."""
    nearest = [name for name in _references(node) if name not in seen]
    nearest = list(dict.fromkeys(nearest))
    seen.update(nearest)
    for name in nearest:
        yield name
        yield from _reached(definitions[name], definitions, seen)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for part in node:
            yield from _references(part)
    elif isinstance(node, dict):
        if "$ref" in node:
            yield _name(node["$ref"])
        for key, part in node.items():
            if key != "default":
                yield from _references(part)


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _title(name: str, definitions: dict[str, Node]) -> str:
    """Return the heading of a model: its kind, or its name in words."""
    kind = definitions[name].get("properties", {}).get("kind", {}).get("const")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return f"{words.capitalize()}: kind {kind}" if kind else words.capitalize()


def _anchor(name: str, definitions: dict[str, Node]) -> str:
    return re.sub(r"[^a-z0-9 _-]", "", _title(name, definitions).lower()).replace(" ", "-")


def _model(name: str, definitions: dict[str, Node]) -> list[str]:
    return [
        f"### {_title(name, definitions)}",
        "",
        _sentence(definitions[name]["description"]),
        "",
        *_table(definitions[name]),
        "",
    ]


def _sentence(words: str) -> str:
    text = words[:1].upper() + words[1:]
    return text if text.endswith((".", ":")) else f"{text}."


def _table(node: Node) -> list[str]:
    needed = node.get("required", [])
    rows = [
        f"| `{name}` | {_words(field)} | {_default(name, field, needed)} | {field.get('description', '').replace('|', '/')} |"
        for name, field in node["properties"].items()
        if name not in _EVERYWHERE
    ]
    return ["| field | holds | default | meaning |", "| --- | --- | --- | --- |", *rows] if rows else ["No further fields."]


def _default(name: str, field: Node, needed: list[str]) -> str:
    if name in needed:
        return ""
    default = field.get("default")
    return "none" if default in (None, "", [], {}) or isinstance(default, dict) else f"`{str(default).lower()}`"


def _words(node: Node) -> str:
    """Return the values that a field holds, in few words."""
    definitions = case_schema()["definitions"]
    if OF_VALUE in node:
        return _named(node[OF_VALUE])
    if "$ref" in node:
        name = _name(node["$ref"])
        return "figure" if name == "Figure" else f"[{_title(name, definitions).lower()}](#{_anchor(name, definitions)})"
    if "then" in node.get("allOf", [{}])[0]:
        return "kind " + ", ".join(_kind_link(part, definitions) for part in node["allOf"])
    if "allOf" in node:
        bounds = node["allOf"][-1].get("properties", {}).get("value", {})
        return f"{_words(node['allOf'][0])}{_range(bounds)}"
    if "anyOf" in node:
        parts = [_words(part) for part in node["anyOf"] if part.get("type") != "null"]
        if any("/Exponential" in part.get("$ref", "") for part in node["anyOf"]):
            return "quantity"
        return " or ".join(dict.fromkeys(parts))
    return _plain(node)


def _named(key: str) -> str:
    """Return the word for a name of another part of the case, with links to the sections that have them."""
    kind = NAME_KINDS[key]
    words = kind.word.split(" or ") if len(kind.sections) > 1 else [kind.word]
    links = [f"[{word}](#{section})" for word, section in zip(words, kind.sections, strict=True)] if kind.sections else words
    return " or ".join(links)


def _kind_link(part: Node, definitions: dict[str, Node]) -> str:
    name = _name(part["then"]["$ref"])
    return f"[{part['if']['properties']['kind']['const']}](#{_anchor(name, definitions)})"


def _plain(node: Node) -> str:
    if "enum" in node:
        return ", ".join(f"`{word}`" for word in node["enum"])
    if "const" in node:
        return f"`{str(node['const']).lower()}`"
    kind = node.get("type")
    if kind == "array":
        items = node.get("items", {})
        return f"{len(items)} of {_words(items[0])}" if isinstance(items, list) else f"list of {_words(items)}"
    if kind == "object":
        entries = [*node.get("patternProperties", {}).values(), *[node.get("additionalProperties")]]
        entry = next((one for one in entries if isinstance(one, dict)), {})
        keys = _named(node[OF_KEYS]) if OF_KEYS in node else "name"
        return f"{_words(entry)}, by {keys}" if entry else "mapping"
    if kind in ("number", "integer"):
        return ("whole number" if kind == "integer" else "number") + _range(node)
    if kind == "string":
        return _TEXTS.get(node.get("pattern", ""), "time of day" if "24:00" in node.get("pattern", "") else "text")
    return {"boolean": "`true`, `false`"}.get(str(kind), "any value")


def _range(node: Node) -> str:
    low = node.get("minimum", node.get("exclusiveMinimum"))
    high = node.get("maximum", node.get("exclusiveMaximum"))
    above = "above " if "exclusiveMinimum" in node else ""
    if low is None and high is None:
        return ""
    if high is None:
        return f", {above or 'from '}{low:,g}"
    below = "below " if "exclusiveMaximum" in node else ""
    return f", {above}{low:,g} to {below}{high:,g}" if low is not None else f", at most {high:,g}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
