"""The JSON Schema (draft 7) of a case, for editors: made from the models that read a case, with their descriptions.

It refuses nothing that the checker accepts. Faults of a single value are in it; names that refer to nothing, and fields that
need each other, are the checker's alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from inspect import getsource
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from simulator.case.references import OF_KEYS, OF_VALUE
from simulator.case.schema import Scenario

Node = dict[str, Any]

#: The dialect that editors read.
DRAFT = "http://json-schema.org/draft-07/schema#"

#: Keys of a schema whose values are schemas by name.
_NAMED = ("properties", "patternProperties", "definitions")

#: Keys whose values are plain data.
_PLAIN = ("default", "const", "enum", "required", "examples")


@lru_cache(maxsize=1)
def _schema_of(validator: object) -> Node:
    """Return the schema of a case; validator: that of the model, which changes where a kind is added."""
    made = Scenario.model_json_schema(schema_generator=_Described, ref_template="#/definitions/{model}")
    made = _with_references(made, made.pop("$defs"))
    title = {"$schema": DRAFT, "title": "A case of CaseSim"}
    changed: Node = _changed(made, _as_draft_7)
    return title | changed


def case_schema() -> Node:
    """Return the schema; callers must not mutate it."""
    Scenario.model_rebuild()
    return _schema_of(Scenario.__pydantic_validator__)


def _with_references(whole: Node, definitions: Node) -> Node:
    """Return the schema with a reference in the place of each model within another one."""

    def moved(node: Node) -> Node:
        if "properties" not in node or "title" not in node:
            return node
        definitions.setdefault(node["title"], node)
        return {"$ref": f"#/definitions/{node['title']}"}

    def changed(model: Node) -> Node:
        return model | {"properties": {name: _changed(field, moved) for name, field in model.get("properties", {}).items()}}

    definitions |= {name: changed(model) for name, model in list(definitions.items())}
    return changed(whole) | {"definitions": definitions}


def _changed(node: Any, change: Callable[[Node], Node]) -> Any:
    """Return a schema with each of its schemas changed, the inner ones first."""
    if isinstance(node, list):
        return [_changed(part, change) for part in node]
    if not isinstance(node, dict):
        return node
    parts = {
        key: value
        if key in _PLAIN
        else {name: _changed(part, change) for name, part in value.items()}
        if key in _NAMED
        else _changed(value, change)
        for key, value in node.items()
    }
    return change(parts)


def _as_draft_7(node: Node) -> Node:
    """Return a schema as draft 7 writes it, without titles that only repeat a name, and with keys of no other pattern."""
    made = {key: value for key, value in node.items() if key not in ("title", "discriminator", "prefixItems")}
    if "prefixItems" in node:
        made |= {"items": node["prefixItems"]}
    if "patternProperties" in node:
        made["additionalProperties"] = False
    if "discriminator" in node:
        del made["oneOf"]
        made |= _by_kind(node["discriminator"]["mapping"])
    if "$ref" in node and len(made) > 1:  # what stands beside a reference counts for nothing in draft 7
        made["allOf"] = [{"$ref": made.pop("$ref")}, *made.get("allOf", [])]
    return made


def _by_kind(models: dict[str, str]) -> Node:
    """Return the schema of a mapping whose model its `kind` decides, so that an editor speaks of that model alone."""
    kind: Node = {"description": "which kind it is; the other keys depend on it", "enum": list(models)}
    chosen = [
        {"if": {"properties": {"kind": {"const": name}}, "required": ["kind"]}, "then": {"$ref": model}}
        for name, model in models.items()
    ]
    return {"type": "object", "required": ["kind"], "properties": {"kind": kind}, "allOf": chosen}


class _Described(GenerateJsonSchema):
    """Adds the words of docstrings to models and fields, and the names that the keys of a mapping are."""

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        return made | ({OF_KEYS: keys[OF_VALUE]} if OF_VALUE in keys else {})

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        words = words_on_fields(model)
        for name, field in made.get("properties", {}).items():
            if name in words:
                field["description"] = words[name]
        if description := " ".join((model.__dict__.get("__doc__") or "").split()):
            made["description"] = description
        return made


def words_on_fields(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings below the fields of a model and of those that it extends.

    They are read from the source when words are needed: pydantic's `use_attribute_docstrings` reads them at every start.
    """
    words: dict[str, str] = {}
    for base in model.__mro__:
        if issubclass(base, BaseModel) and base is not BaseModel:
            words = _own_words(base) | words
    return words


def _own_words(model: type[BaseModel]) -> dict[str, str]:
    definition = _classes_of(model.__module__).get(model.__name__)
    return {
        field.target.id: " ".join(words.value.value.split())
        for field, words in pairwise(definition.body if definition else ())
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(words, ast.Expr) and isinstance(words.value, ast.Constant) and isinstance(words.value.value, str)
    }


@cache
def _classes_of(module: str) -> dict[str, ast.ClassDef]:
    """Return the definitions of a module's classes; none for a module without a file."""
    try:
        tree = ast.parse(getsource(import_module(module)))
    except (OSError, TypeError, ImportError):
        return {}
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
