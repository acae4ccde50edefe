"""Investigators that follow a rule: one weighs signs, one always ships a better model, one guesses."""

from __future__ import annotations

from collections.abc import Callable

from simulator.incident.beliefs import FALSE_ALARM, Beliefs, Floats, answered, minutes_of, questions
from simulator.incident.effects import Cause
from simulator.incident.play import Play
from simulator.incident.player_actions import BelieveAction, CloseAction, DiagnoseAction, FixAction, WaitAction
from simulator.incident.section import Incident
from simulator.records.streams import Streams

#: The sensible one stops at this probability of a cause, or when no look is expected to give more bits than this.
_SURE, _LITTLE = 0.97, 0.02


def sensible(play: Play, beliefs: Beliefs) -> None:
    """Take the look with most expected information a minute, until one cause is likely enough; ship the fix that ends it.

    After a likely false alarm it waits for the next page, and starts anew.
    """
    now = _looked(play, beliefs)
    while beliefs.causes[int(now.argmax())] == FALSE_ALARM and play.now_s < play.end_s:
        now = _looked(play, beliefs)
    shares = {name: float(share) for name, share in zip(beliefs.causes, now, strict=True) if name != FALSE_ALARM}
    _finish(play, {name: share / sum(shares.values()) for name, share in shares.items()})


def _looked(play: Play, beliefs: Beliefs) -> Floats:
    """Wait for a page, look until one cause is likely enough, and return the probability of each."""
    _paged(play)
    signs, left = dict[str, str](), dict(questions(play.spec))
    _learn(play, signs)
    now = beliefs.after(signs.items())
    while now.max() < _SURE and left and play.now_s < play.end_s:
        worth = {name: beliefs.bits(name, now) for name in left}
        best = max(worth, key=lambda name: worth[name] / minutes_of(play.spec, left[name]))
        if max(worth.values()) < _LITTLE:
            break
        play.act(left.pop(best))
        _learn(play, signs)
        now = beliefs.after(signs.items())
    return now


def naive(play: Play, _: Beliefs) -> None:
    """Claim that the world has changed, and ship a better model."""
    _paged(play)
    world = next(name for name, cause in play.spec.causes.items() if cause.effects[0].enters_at == "world")
    play.act(DiagnoseAction(kind="diagnose", cause=world, confidence=0.8))
    _ship(play, play.spec.remedies.better_model())


def guess(play: Play, _: Beliefs) -> None:
    """Name any cause, and ship the fix that would end it."""
    _paged(play)
    drawn = Streams(play.secret.seed).named("guess").random()
    causes = list(play.spec.causes)
    _finish(play, {causes[int(drawn * len(causes))]: 1 / len(causes)})


#: Each investigator by its name.
PLAYERS: dict[str, Callable[[Play, Beliefs], None]] = {"sensible": sensible, "naive": naive, "guess": guess}


def fix_of(spec: Incident, cause: Cause) -> str:
    """Return the fix that ends a cause: nothing, more servers, undoing it where it entered, or people against the world."""
    remedies, enters_at = spec.remedies, cause.effects[0].enters_at
    if cause.harmless:
        return next(iter(remedies.nothing))
    if enters_at == "load":
        return next(iter(remedies.picks))
    undoing = [name for name, fix in remedies.undo.items() if enters_at in fix.enters]
    return undoing[0] if undoing else next(iter(remedies.people))


def _paged(play: Play) -> None:
    play.act(WaitAction(kind="wait"))


def _learn(play: Play, signs: dict[str, str]) -> None:
    if answer := answered(play.spec, play.notes[-1]):
        signs[answer[0]] = answer[1]


def _finish(play: Play, shares: dict[str, float]) -> None:
    """Name the likeliest cause with the probabilities of all, and ship the fix that ends it."""
    if play.now_s < play.end_s:
        diagnosis = DiagnoseAction.by(BelieveAction(kind="believe", shares=shares))
        play.act(diagnosis)
        _ship(play, fix_of(play.spec, play.spec.causes[diagnosis.cause]))


def _ship(play: Play, fix: str) -> None:
    play.act(FixAction(kind="fix", fix=fix))
    if play.now_s < play.end_s:
        play.act(CloseAction(kind="close"))
