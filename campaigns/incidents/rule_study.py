"""The rules of an incident on plays of investigators: the rules that fire in each play."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd

from campaigns.incidents.rehearsal import case_of
from campaigns.over_processes import over_processes
from simulator.errors import InputError
from simulator.incident.beliefs import FALSE_ALARM, Beliefs, answered, load_beliefs, minutes_of, questions
from simulator.incident.fixes import PeopleFix
from simulator.incident.incident_course import IncidentCourse
from simulator.incident.incident_signals import INCIDENT_RULES
from simulator.incident.play import Play
from simulator.incident.player_actions import BelieveAction, CloseAction, DiagnoseAction, FixAction, WaitAction
from simulator.incident.players import PLAYERS, fix_of
from simulator.incident.secret import draw, spec_of
from simulator.session.signal_rules import fired_of

#: The methodical one stops at this probability of a cause.
_SURE = 0.9
RULE_COLUMNS = ["player", "cause", "shape", "seed", "fired"]


class RuleStudyError(InputError):
    """Rules cannot be tried on a case; the message says what is missing."""


def methodical(play: Play, beliefs: Beliefs) -> None:
    """Let people look first, take quick looks first, write suspicions down after each, and fix the likeliest cause.

    A person without a table of expected information could play so; no rule should accuse that person.
    """
    shipped, likely = False, dict[str, float]()
    while play.now_s < play.end_s:
        signs = dict([_page(play)])
        if not shipped and play.now_s < play.end_s:
            play.act(FixAction(kind="fix", fix=next(iter(play.spec.fixes_of(PeopleFix)))))
            shipped = True
        likely = _looked_in_order(play, beliefs, signs)
        if max(likely, key=lambda name: likely[name]) != FALSE_ALARM:
            break
    if play.now_s >= play.end_s:
        return
    cause = max(likely, key=lambda name: likely[name])
    play.act(DiagnoseAction(kind="diagnose", cause=cause, confidence=min(likely[cause], 1.0)))
    play.act(FixAction(kind="fix", fix=fix_of(play.spec, play.spec.causes[cause])))
    if play.now_s < play.end_s:
        play.act(CloseAction(kind="close"))


def _page(play: Play) -> tuple[str, str]:
    return answered(play.spec, play.act(WaitAction(kind="wait"))) or ("", "")


def _looked_in_order(play: Play, beliefs: Beliefs, signs: dict[str, str]) -> dict[str, float]:
    """Take quick looks first until a cause is likely, and return the probability of each."""
    order = sorted(questions(play.spec).values(), key=lambda look: minutes_of(play.spec, look))
    likely = _likely(beliefs, signs)
    for look in order:
        if max(likely.values()) >= _SURE or play.now_s >= play.end_s:
            break
        signs.update([answered(play.spec, play.act(look)) or ("", "")])
        likely = _likely(beliefs, signs)
        play.act(BelieveAction(kind="believe", shares=likely))
    return likely


def _likely(beliefs: Beliefs, signs: dict[str, str]) -> dict[str, float]:
    return beliefs.by_cause(beliefs.after(signs.items()))


#: The investigators whose plays the rules are tried on.
TRIED: dict[str, Callable[[Play, Beliefs], None]] = {
    **{name: PLAYERS[name] for name in ("sensible", "naive", "guess")},
    "methodical": methodical,
}


def wanted_plays(case: str, rounds: int) -> list[tuple[str, str, str, int]]:
    """Return player, cause, shape and seed of each play: every cause once a round, in one of its shapes after the other."""
    causes = spec_of(case_of(case)).causes
    return [
        (player, name, cause.shapes[k % len(cause.shapes)], 1 + place + len(causes) * k)
        for k in range(rounds)
        for place, (name, cause) in enumerate(causes.items())
        for player in TRIED
    ]


def rules_fired(case: str, rounds: int, workers: int = 1, tick: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """Return a row of RULE_COLUMNS a play; fired: names of rules, set apart by spaces. Raises RuleStudyError.

    rounds: incidents of each cause
    """
    if load_beliefs(case_of(case)) is None:
        raise RuleStudyError(
            f"{case}: the case has no rehearsed signs; python -m campaigns.incidents rehearse {case} makes them"
        )
    rows = []
    for row in over_processes(partial(fired_in, case), wanted_plays(case, rounds), workers):
        rows.append(row)
        tick()
    return pd.DataFrame(rows, columns=RULE_COLUMNS)


def fired_in(case: str, wanted: tuple[str, str, str, int]) -> tuple[str, str, str, int, str]:
    """Play an incident, and return its row."""
    player, cause, shape, seed = wanted
    play = Play(case_of(case), draw(case_of(case), seed, cause, shape))
    course = IncidentCourse.of(play)
    assert course.beliefs is not None
    TRIED[player](play, course.beliefs)
    fired = [rule.name for rule, _ in fired_of(INCIDENT_RULES, course)]
    return player, cause, shape, seed, " ".join(fired)
