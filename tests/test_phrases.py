"""A phrase is written from its slots by the catalogue of a language, and remembers its key and its slots."""

import ast
import copy
import pickle
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

import pytest

from simulator.explain.notes import good_of
from simulator.intervals import Interval
from simulator.paths import PACKAGE
from simulator.phrases import Language, Phrase, Quantity, english, phrase

CASES = [
    ("{label}: {n}", {"label": "Queue", "n": 1_234}, "Queue: 1,234"),
    ("{many:upper} wait", {"many": "photos"}, "Photos wait"),
    ("{load:roughly} of {time:duration}", {"load": 0.756, "time": 7200.0}, "76% of 2.00 h"),
    ("{load:significant} or {load:significant 2}", {"load": 1.2345}, "1.23 or 1.2"),
    ("{price:spoken USD} and {cost}", {"price": 12_345.0, "cost": Quantity(0.25, "s")}, "12,300 USD and 250 ms"),
    ("{n:count run} {n:form is|are} done", {"n": 1}, "1 run is done"),
    ("{n:count query|queries} {n:form is|are} done", {"n": 2_000}, "2,000 queries are done"),
    ("{names:and}; {names:quoted}; {names:by  or }", {"names": ["a", "b", "c"]}, "a, b and c; “a”, “b” and “c”; a or b or c"),
    ("a{more:if , of {more:count run}}.", {"more": 3}, "a, of 3 runs."),
    ("a{more:if , of {more:count run}}.", {"more": None}, "a."),
    ("{worse:if {worse:if all|}|none}", {"worse": True}, "all"),
    ("{worse:if {worse:if all|}|none}", {"worse": []}, "none"),
    ("{share.low:percent} of {row.many}", {"share": Interval(0.5, 0.25, 0.75), "row": {"many": "photos"}}, "25.0% of photos"),
]


@pytest.mark.parametrize(("text", "slots", "words"), CASES)
def test_a_text_is_written_from_its_slots(text, slots, words):
    assert Language({"a.b": text}).write("a.b", slots) == words


@pytest.mark.parametrize("slots", [{}, {"label": "Queue"}])
def test_a_slot_that_is_not_given_is_an_error(slots):
    with pytest.raises(KeyError, match="n"):
        Language({"a.b": "{label}: {n}"}).write("a.b", {"label": "Queue"} | slots)


def test_an_unknown_key_is_an_error():
    with pytest.raises(KeyError, match=r"nothing\.here"):
        phrase("nothing.here")


def peak() -> Phrase:
    each = [phrase("trust.peak", label=label, load=load, retried=True) for label, load in (("Reader", 1.26), ("Model", 1.5))]
    at = phrase("trust.most_loaded", label="Reader", load=0.4)
    return phrase("trust.at_peak", at=at, peaks=each)


def test_a_phrase_is_text_that_remembers_its_slots_through_copies():
    whole = peak()
    for same in (whole, copy.copy(whole), copy.deepcopy(whole), pickle.loads(pickle.dumps(whole))):
        assert same == str(same) == whole
        assert [part.key for part in same.each()] == ["trust.at_peak", "trust.most_loaded", "trust.peak", "trust.peak"]
        assert [part.slots.get("load") for part in same.each()] == [None, 0.4, 1.26, 1.5]


@pytest.mark.parametrize("key", english().texts)
def test_every_text_of_the_catalogue_can_be_written(key):
    """Its braces match, and each of its slots has a name and a known way to be written, in its conditions too."""
    ways = list(_ways(english().texts[key]))
    conditions = {name for name, way in ways if way.startswith("if ")}
    slots = {name: _value(way) for name, way in ways if not way.startswith("if ")}
    assert english().write(key, _nested(dict.fromkeys(conditions, True) | slots))
    assert english().write(key, _nested(slots | dict.fromkeys(conditions)))


def _nested(slots: Mapping[str, Any]) -> dict[str, Any]:
    """Return slots with the parts of each in a mapping of its own: `share.low` is `low` of `share`."""
    nested: dict[str, Any] = {}
    for name, value in slots.items():
        first, _, part = name.partition(".")
        nested[first] = nested.get(first, {}) | {part: value} if part else value
    return {name: _nested(value) if isinstance(value, dict) else value for name, value in nested.items()}


def _ways(text: str) -> Iterator[tuple[str, str]]:
    for _, name, way, _ in Formatter().parse(text):
        if name is not None:
            yield name, way or ""
            yield from _ways((way or "")[3:]) if (way or "").startswith("if ") else ()


def _value(way: str):
    if way.startswith(("and", "quoted", "by ")):
        return ["a", "b"]
    return "x" if way in ("", "upper") else 2


GERMAN = """
[language]
conjunction = "und"
quotes = "„“"
decimal = ","
thousands = "."

[trust]
good = "{count} von {all:count Punkt|Punkten} {count:form ist|sind} gut"
no_server = "{label} hat keinen Server."
most_loaded = "{label} ist die am stärksten belastete Stufe, mit {load:roughly} ihrer Kapazität"
at_peak = "{at}. In der Spitze {peaks:by , }: Diese Schlange hängt von der wirklichen Höhe der Spitze ab."
peak = "bekommt {label} das {load:tenths}-Fache seiner Kapazität{retried:if  vor jeder Wiederholung}"
calm = "{at}: ruhig. Kleine Fehler einer Kapazität ändern wenig."
every_size = "{label}: gemessen mit {threads:count Thread|Threads} für jede Größe der Stapel."
sizes = "{label}: gemessen mit {threads:count Thread|Threads} für Stapel von {sizes:and}; Größen dazwischen sind interpoliert."
disturbed = "{label}: Andere Programme nutzten {share:roughly} der Maschine während der Messung."
tail = "{label}: Das 99. Perzentil liegt zwischen {low:duration} und {high:duration}, aus {calls:count Aufruf|Aufrufen}."

[unprovable]
perfect = "Das kann kein Entwurf zeigen: Keine Zahl von {whom} beweist 100%."
"""


@pytest.mark.parametrize(
    ("words", "german"),
    [
        (good_of([]), "0 von 0 Punkten sind gut"),
        (phrase("trust.good", count=1, all=6), "1 von 6 Punkten ist gut"),
        (phrase("trust.no_server", label="Leser"), "Leser hat keinen Server."),
        (
            phrase("trust.calm", at=phrase("trust.most_loaded", label="Leser", load=0.42)),
            "Leser ist die am stärksten belastete Stufe, mit 42% ihrer Kapazität: ruhig. "
            "Kleine Fehler einer Kapazität ändern wenig.",
        ),
        (
            peak(),
            "Reader ist die am stärksten belastete Stufe, mit 40% ihrer Kapazität. In der Spitze bekommt Reader das 1,3-Fache "
            "seiner Kapazität vor jeder Wiederholung, bekommt Model das 1,5-Fache seiner Kapazität vor jeder Wiederholung: "
            "Diese Schlange hängt von der wirklichen Höhe der Spitze ab.",
        ),
        (phrase("trust.every_size", label="Netz", threads=1), "Netz: gemessen mit 1 Thread für jede Größe der Stapel."),
        (
            phrase("trust.sizes", label="Netz", threads=2, sizes=["1", "4", "8"], beyond=None),
            "Netz: gemessen mit 2 Threads für Stapel von 1, 4 und 8; Größen dazwischen sind interpoliert.",
        ),
        (
            phrase("trust.disturbed", label="Netz", share=0.123),
            "Netz: Andere Programme nutzten 12% der Maschine während der Messung.",
        ),
        (
            phrase("trust.tail", label="Netz", low=0.00123, high=0.0456, calls=12_345, batch=1),
            "Netz: Das 99. Perzentil liegt zwischen 1,23 ms und 45,6 ms, aus 12.345 Aufrufen.",
        ),
        (
            phrase("unprovable.perfect", whom="Karzinomen"),
            "Das kann kein Entwurf zeigen: Keine Zahl von Karzinomen beweist 100%.",
        ),
    ],
)
def test_another_language_is_another_catalogue(words, german):
    assert words.in_language(Language.of(GERMAN)) == german


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of `phrase` with a key that is written out, and its place."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "phrase":
                yield f"{file.name}:{node.lineno}", node


def _faults(place: str, call: ast.Call) -> Iterator[str]:
    if not isinstance(key := call.args[0], ast.Constant):  # one of several keys: it is known in a run
        return
    if key.value not in english().texts:
        yield f"{place}: there is no text {key.value}"
        return
    given = {keyword.arg for keyword in call.keywords}
    needed = {name.partition(".")[0] for name, _ in _ways(english().texts[key.value])}
    if lacking := needed - given if None not in given else set():  # `**slots` may hold any
        yield f"{place}: {key.value} needs {', '.join(sorted(lacking))}"
    if unused := given - needed - {None}:
        yield f"{place}: {key.value} does not use {', '.join(sorted(unused))}"


def test_every_phrase_of_the_package_has_a_text_and_its_slots():
    calls = [*_calls()]
    assert len(calls) > 250
    assert [fault for place, call in calls for fault in _faults(place, call)] == []


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("phrase('levers.nothing')", "there is no text levers.nothing"),
        ("phrase('decides.replications')", "decides.replications needs count"),
        ("phrase('decides.nothing', count=1)", "decides.nothing does not use count"),
    ],
)
def test_a_wrong_phrase_is_seen(call, fault):
    assert [*_faults("a.py:1", ast.parse(call, mode="eval").body)] == [f"a.py:1: {fault}"]
