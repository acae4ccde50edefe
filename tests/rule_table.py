"""The tables of docs/practice.md, on the rules of a session: python -m tests.rule_table writes them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from math import sqrt

from simulator.case.load import scenario_ids
from simulator.paths import ROOT
from simulator.session.session_signals import SIGNALS
from simulator.session.session_state import SessionState
from simulator.session.signal_rules import MISTAKES, RULES, fired_rules, mistakes
from tests.session.session_bots import BOTS, case, played_session

PAGE = ROOT / "docs" / "practice.md"
RULE_MARK, MISTAKE_MARK = "<!-- rules -->\n", "<!-- mistakes -->\n"
SEEDS = range(20)

Fired = Callable[[str, SessionState], set[str]]


def shares(fired: Fired) -> dict[str, dict[str, str]]:
    """The share of sessions of each bot in which something fires, with its 95% interval by Wilson, in words."""
    found: dict[str, dict[str, str]] = {}
    for bot in BOTS:
        plays = [fired(name, played_session(name, bot, seed)) for name, seed in product(scenario_ids(), SEEDS)]
        for name in {name for names in plays for name in names}:
            found.setdefault(name, {})[bot] = share(sum(name in names for names in plays), len(plays))
    return found


def share(count: int, of: int) -> str:
    """A share in per cent with its 95% interval (Wilson 1927)."""
    z, part = 1.96, count / of
    middle, half = (
        (part + z * z / 2 / of) / (1 + z * z / of),
        z / (1 + z * z / of) * sqrt(part * (1 - part) / of + z * z / 4 / of / of),
    )
    return f"{part:.0%} ({max(middle - half, 0):.0%} to {min(middle + half, 1):.0%})"


def rule_table() -> str:
    """A row a rule, as Markdown."""
    labels = {signal.name: signal.label for signal in SIGNALS}
    found = shares(lambda name, state: {rule.name for rule, _ in fired_rules(case(name), state)})
    rows = [
        [labels[rule.signal], rule.level.replace("_", " "), rule.states, *_bots(found.get(rule.name, {}))] for rule in RULES
    ]
    return _table(["signal", "level", "fires on", *BOTS], rows)


def mistake_table() -> str:
    """A row a mistake, as Markdown."""
    found = shares(lambda name, state: {mistake.name for mistake, _ in mistakes(case(name), state)})
    rows = [[one.label, one.states, *_bots(found.get(one.name, {}))] for one in MISTAKES]
    return _table(["mistake", "shown by", *BOTS], rows)


def _bots(by_bot: dict[str, str]) -> list[str]:
    none = share(0, len(scenario_ids()) * len(SEEDS))
    return [by_bot.get(bot, none) for bot in BOTS]


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(text: str) -> str:
    """The page with both tables made anew."""
    for mark, made in ((RULE_MARK, rule_table()), (MISTAKE_MARK, mistake_table())):
        before, after = text.split(mark)
        text = f"{before}{mark}{made}\n\n{after.partition(chr(10) * 2)[2]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
