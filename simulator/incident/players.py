"""Investigators that follow a rule: one by what it learns, one that always ships a better model, one that guesses."""

from __future__ import annotations

from collections.abc import Callable

from simulator.incident.beliefs import FALSE_ALARM, Beliefs, Floats, answered, questions
from simulator.incident.cause_kinds import Cause, StrikeEffect
from simulator.incident.play import Play
from simulator.incident.player_actions import CloseAction, DiagnoseAction, FixAction, WaitAction
from simulator.incident.section import Incident
from simulator.incident.step_kinds import AnyLook, LabelsLook, NetworkFix, NothingFix, PeopleFix, PicksFix, UndoFix
from simulator.records.streams import Streams

#: The sensible one stops once a cause is so likely, or when no look is expected to tell more bits.
_SURE, _LITTLE = 0.97, 0.02
#: A look costs at least so many minutes: those that it takes to think.
_THINKING = 10.0


def sensible(play: Play, beliefs: Beliefs) -> None:
    """Ask what is expected to tell most a minute, until one cause is likely enough; ship what ends that cause.

    Where nothing but a false alarm is likely, it waits for the next page, and asks anew.
    """
    now = _looked(play, beliefs)
    while beliefs.causes[int(now.argmax())] == FALSE_ALARM and play.now_s < play.end_s:
        now = _looked(play, beliefs)
    found = max((name for name in beliefs.causes if name != FALSE_ALARM), key=lambda name: now[beliefs.causes.index(name)])
    _finish(play, found, float(now[beliefs.causes.index(found)]))


def _looked(play: Play, beliefs: Beliefs) -> Floats:
    """Wait for a page, and look until it is clear enough what is behind it; how likely each cause is."""
    _paged(play)
    asked, left = dict[str, str](), dict(questions(play.spec))
    _learn(play, asked)
    now = beliefs.after(asked.items())
    while now.max() < _SURE and left and play.now_s < play.end_s:
        worth = {name: beliefs.bits(name, now) for name in left}
        best = max(worth, key=lambda name: worth[name] / (_THINKING + minutes_of(play.spec.looks[left[name].look])))
        if max(worth.values()) < _LITTLE:
            break
        play.act(left.pop(best))
        _learn(play, asked)
        now = beliefs.after(asked.items())
    return now


def naive(play: Play, _: Beliefs) -> None:
    """The world has changed, it says, and a better model is needed."""
    _paged(play)
    better = next(name for name, fix in play.spec.fixes.items() if isinstance(fix, NetworkFix) and fix.instead_of is None)
    world = next(name for name, cause in play.spec.causes.items() if cause.effects[0].enters_at == "world")
    play.act(DiagnoseAction(kind="diagnose", cause=world, confidence=0.8))
    _ship(play, better)


def guess(play: Play, _: Beliefs) -> None:
    """Name any cause, and ship what would end it."""
    _paged(play)
    drawn = Streams(play.secret.seed).named("guess").random()
    causes = list(play.spec.causes)
    _finish(play, causes[int(drawn * len(causes))], 1 / len(causes))


#: Each investigator by its name.
PLAYERS: dict[str, Callable[[Play, Beliefs], None]] = {"sensible": sensible, "naive": naive, "guess": guess}


def minutes_of(look: AnyLook) -> float:
    """How long a look takes, with as many frames as it has unless something else is asked."""
    frames = 100 if isinstance(look, LabelsLook) else getattr(look, "frames", 0)
    return look.minutes + frames * getattr(look, "minutes_a_frame", 0.0) / getattr(look, "people", 1)


def fix_of(spec: Incident, cause: Cause) -> str:
    """What ends a cause: nothing for a harmless one, undoing it where it entered, more servers, or people against the world."""
    effect = cause.effects[0]
    if cause.harmless:
        return _first(spec, lambda fix: isinstance(fix, NothingFix))
    if isinstance(effect, StrikeEffect):
        return _first(spec, lambda fix: isinstance(fix, PicksFix))
    undoing = [name for name, fix in spec.fixes.items() if isinstance(fix, UndoFix) and effect.enters_at in fix.enters]
    return undoing[0] if undoing else _first(spec, lambda fix: isinstance(fix, PeopleFix))


def _first(spec: Incident, fits: Callable[[object], bool]) -> str:
    return next(name for name, fix in spec.fixes.items() if fits(fix))


def _paged(play: Play) -> None:
    play.act(WaitAction(kind="wait"))


def _learn(play: Play, asked: dict[str, str]) -> None:
    if found := answered(play.spec, play.notes[-1]):
        asked[found[0]] = found[1]


def _finish(play: Play, cause: str, confidence: float) -> None:
    if play.now_s < play.end_s:
        play.act(DiagnoseAction(kind="diagnose", cause=cause, confidence=min(confidence, 1.0)))
        _ship(play, fix_of(play.spec, play.spec.causes[cause]))


def _ship(play: Play, fix: str) -> None:
    play.act(FixAction(kind="fix", fix=fix))
    if play.now_s < play.end_s:
        play.act(CloseAction(kind="close"))
