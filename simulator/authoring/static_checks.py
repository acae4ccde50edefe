"""Checks of a case that need no run: its answers are used, its phases have prompts, its numbers have evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import process_time

from simulator.authoring.check_results import CheckResult, result_at
from simulator.authoring.tested_designs import SEED
from simulator.case.document import Path
from simulator.case.phases import phases_of
from simulator.case.prose_figures import placeholders_in, raw_texts, without_placeholders, words_alone
from simulator.case.schema import Scenario
from simulator.engine.plan import compile_plan
from simulator.errors import shortened
from simulator.metrics.replications import run_replications
from simulator.units import counted, span

#: A number in a sentence: digits that are no part of a word or a name, such as Lite0 or fp32.
_NUMBER = re.compile(r"(?<![\w.-])(?:\.?\d[\d,.]*\d|\.?\d(?!\w))")

#: The end of a sentence: a stop, and a space after it.
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"*0-9])")


def static_checks(scenario: Scenario) -> list[CheckResult]:
    return [*_answers(scenario), *_prompts(scenario), *_evidence_of_numbers(scenario), *_time(scenario)]


def _answers(scenario: Scenario) -> Iterator[CheckResult]:
    written = dict(raw_texts(scenario))
    for index, question in enumerate(scenario.questions):
        subject = shortened(question.ask, 60)
        used = question.rests_on or claimed(question.answer, scenario)
        used = used or any(placeholders_in(written["questions", index, "answer"]))
        says = "an objective, a figure, a choice or a claim uses the answer"
        if not used:
            says = "nothing of the case uses this answer; name what it is about in `rests_on`, or claim a sentence of it"
        yield result_at(scenario, ("questions", index), "answer", subject, "pass" if used else "fail", says)


def _prompts(scenario: Scenario) -> Iterator[CheckResult]:
    if not scenario.phases:
        says = "the case names no phases; those that CaseSim derives have no prompts: write `phases`"
        yield result_at(scenario, (), "prompts", "phases", "fail", says)
        return
    last = phases_of(scenario)[-1].id
    for index, phase in enumerate(scenario.phases):
        there = phase.prompts or (phase.id == last and scenario.defence)
        says = "it has prompts" if there else "the phase has no `prompts`: a person who is stuck sees nothing to think about"
        yield result_at(scenario, ("phases", index), "prompts", phase.id, "pass" if there else "fail", says)


def _evidence_of_numbers(scenario: Scenario) -> Iterator[CheckResult]:
    bare = unclaimed(scenario)
    if not bare:
        says = f"{counted(len(scenario.claims), 'claim')} of the text; no sentence with a number is without one"
        yield result_at(scenario, ("claims",), "numbers", "text", "pass", says)
    for path, sentence in bare:
        says = f"no claim bears out this sentence; claim it, or fill its number in with {{figure:...}}: “{shortened(sentence)}”"
        yield result_at(scenario, path, "numbers", "text", "caution", says)


def _time(scenario: Scenario) -> Iterator[CheckResult]:
    plan = compile_plan(scenario)
    begun = process_time()
    run_replications(plan, SEED, 1)
    seconds, most = process_time() - begun, scenario.tests.seconds
    says = f"a replication of the default takes {span(seconds)} of processor time, at most {span(most)} are allowed"
    yield result_at(scenario, ("tests", "seconds"), "time", "a replication", "pass" if seconds <= most else "fail", says)


# ---- numbers of the text


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, with single spaces; headings and list items end one too."""
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n\s*[-*] ", text)]
    return [sentence for part in parts for sentence in _END.split(part) if sentence]


def claimed(text: str, scenario: Scenario) -> bool:
    """Return whether a claim of the case speaks of this text."""
    whole = words_alone(text)
    return any(words_alone(claim.says) in whole or whole in words_alone(claim.says) for claim in scenario.claims)


def unclaimed(scenario: Scenario) -> list[tuple[Path, str]]:
    """Return each sentence of brief, answers and debrief that states a number without a claim, with its place."""
    texts: list[tuple[Path, str]] = [(("brief",), scenario.brief)]
    texts += [(("questions", index, "answer"), question.answer) for index, question in enumerate(scenario.questions)]
    for index, lesson in enumerate(scenario.debrief):
        texts += [(("debrief", index, "title"), lesson.title), (("debrief", index, "text"), lesson.text)]
    written = dict(raw_texts(scenario))
    return [
        (path, sentence)
        for path, text in texts
        for sentence, raw in zip(sentences(text), sentences(written[path]), strict=False)
        if _NUMBER.search(without_placeholders(raw)) and not claimed(sentence, scenario)
    ]
