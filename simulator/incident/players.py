"""Investigators that follow a rule: one weighs signs, two follow a fixed list, and three do not look."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from simulator.arrays import Floats
from simulator.incident.beliefs import FALSE_ALARM, Beliefs, answered, minutes_of, questions
from simulator.incident.effects import Cause
from simulator.incident.fixes import NothingFix, PeopleFix, PicksFix, UndoFix
from simulator.incident.play import Play
from simulator.incident.player_actions import BelieveAction, CloseAction, DiagnoseAction, FixAction, LookAction, WaitAction
from simulator.incident.section import Incident
from simulator.records.streams import Streams

#: The sensible one stops at this probability of a cause, or when no look is expected to give more bits than this.
_SURE, _LITTLE = 0.97, 0.02
#: Hours to the next check after a likely false alarm and else, the most checks, and the part of earlier evidence that counts.
_PATIENCE_H, _NEXT_DAY_H, _CHECKS, _KEPT = 72.0, 24.0, 4, 0.5
#: A cause is acted on from this probability on.
_LIKELY = 0.9
#: The fixed lists: kinds of look in their order at the first page, with a figure where there are several. The looks of the
#: script cost no money.
LISTS = {
    "checklist": ("changes", "pictures", "replicas", "counters", "audit"),
    "script": ("changes/servers", "counters", "slices/found", "ask/site"),
}


def sensible(play: Play, beliefs: Beliefs) -> None:
    """Take the look with most expected information a minute, until one cause is likely enough; ship the fix that ends it.

    It looks again on a later day before it believes in chance, in the weather, or in a harmless cause.
    """
    play.act(WaitAction(kind="wait"))
    now, checks = _looked(play, beliefs, beliefs.prior), 0
    while checks < _CHECKS and play.now_s < play.end_s and not _settled(play.spec, beliefs, now, checks):
        alarm = beliefs.likeliest(now)[0] == FALSE_ALARM
        play.act(WaitAction(kind="wait", hours=_PATIENCE_H if alarm else _NEXT_DAY_H))
        checks += 1
        if play.now_s < play.end_s:
            now = _looked(play, beliefs, _recalled(now, beliefs.later))
    _finish(play, beliefs.by_cause(now))


def _settled(spec: Incident, beliefs: Beliefs, now: Floats, checks: int) -> bool:
    """Return whether a cause is likely enough to act on, seen on a second day where it may pass by itself."""
    name, share = beliefs.likeliest(now)
    cause = spec.causes[name]
    passes = cause.harmless or cause.enters_at in (None, "world")
    return bool(share >= _LIKELY and cause.effects and (checks > 0 or not passes))


def _recalled(now: Floats, before: Floats) -> Floats:
    """Return the probabilities to begin a later day with: part of the evidence counts, since signs of two days are alike."""
    shares = now**_KEPT * before ** (1 - _KEPT)
    return np.asarray(shares / shares.sum())


def _looked(play: Play, beliefs: Beliefs, prior: Floats) -> Floats:
    """Look until one cause is likely enough, and return the probability of each."""
    signs, left = dict[str, str](), dict(questions(play.spec))
    _learn(play, signs)
    now = beliefs.after(signs.items(), prior)
    while (beliefs.likeliest(now)[1] < _SURE or not signs) and left and play.now_s < play.end_s:
        worth = {name: beliefs.bits(name, now) for name, look in left.items() if name in beliefs.chances and _can(play, look)}
        if not worth:
            break
        best = max(worth, key=lambda name: worth[name] / minutes_of(play.spec, left[name]))
        if max(worth.values()) < _LITTLE:
            break
        play.act(left.pop(best))
        _learn(play, signs)
        now = beliefs.after(signs.items(), prior)
    return now


def _listed(play: Play, beliefs: Beliefs, kinds: Iterable[str]) -> None:
    """Read each look of a list as well as its signs allow, and name the likeliest cause; a program sees nothing in pictures."""
    _paged(play)
    signs, looks = dict[str, str](), play.spec.looks
    _learn(play, signs)
    for question in kinds:
        kind = question.partition("/")[0]
        named = {name: look for name, look in questions(play.spec).items() if looks[look.look].kind == kind}
        unsigned = [LookAction(kind="look", look=name) for name, look in looks.items() if look.kind == kind]
        for look in [look for name, look in named.items() if question in (kind, name)] or unsigned:
            if _can(play, look):
                play.act(look)
                _learn(play, signs)
    now = beliefs.after(signs.items())
    _finish(play, beliefs.by_cause(now))


def naive(play: Play, _: Beliefs) -> None:
    """Claim that the world has changed, and ship a better model."""
    _paged(play)
    causes = play.spec.causes.items()
    world = next(name for name, cause in causes if cause.enters_at == "world")
    if play.now_s < play.end_s:
        play.act(DiagnoseAction(kind="diagnose", cause=world, confidence=0.8))
        _ship(play, [FixAction(kind="fix", fix=play.spec.better_model())])


def guess(play: Play, _: Beliefs) -> None:
    """Name any cause, and ship the fix that would end it."""
    _paged(play)
    drawn = Streams(play.secret.seed).named("guess").random()
    causes = list(play.spec.causes)
    _finish(play, {causes[int(drawn * len(causes))]: 1 / len(causes)})


def everything(play: Play, _: Beliefs) -> None:
    """Take no look, and ship every fix that puts something back, everywhere, and people."""
    _paged(play)
    _ship(play, [FixAction(kind="fix", fix=name) for name in (*play.spec.fixes_of(UndoFix), *play.spec.fixes_of(PeopleFix))])


#: Each investigator by its name.
PLAYERS: dict[str, Callable[[Play, Beliefs], None]] = {
    "sensible": sensible,
    **{name: partial(_listed, kinds=kinds) for name, kinds in LISTS.items()},
    **{player.__name__: player for player in (naive, guess, everything)},
}


def fix_of(spec: Incident, cause: Cause) -> str:
    """Return the fix that ends a cause: nothing, more servers, undoing it where it entered, or people against the world."""
    if cause.harmless or cause.enters_at is None:
        return next(iter(spec.fixes_of(NothingFix)))
    if cause.enters_at == "load":
        return next(iter(spec.fixes_of(PicksFix)))
    undoing = [name for name, fix in spec.fixes_of(UndoFix).items() if cause.enters_at in fix.enters]
    return undoing[0] if undoing else next(iter(spec.fixes_of(PeopleFix)))


def _paged(play: Play) -> None:
    play.act(WaitAction(kind="wait"))


def _can(play: Play, look: LookAction) -> bool:
    """Return whether there is time and money for a look."""
    return play.now_s < play.end_s and play.spec.looks[look.look].cost(look.frames)[1] <= play.looks_usd_left


def _learn(play: Play, signs: dict[str, str]) -> None:
    if answer := answered(play.spec, play.notes[-1]):
        signs[answer[0]] = answer[1]


def _finish(play: Play, shares: dict[str, float]) -> None:
    """Name the likeliest cause with the probabilities of all, and ship the fix that ends it."""
    diagnosis = DiagnoseAction.by(BelieveAction(kind="believe", shares=shares))
    play.act(diagnosis)
    if play.now_s < play.end_s:
        fix = fix_of(play.spec, play.spec.causes[diagnosis.cause])
        site = _site_of(play) if play.spec.fixes[fix].by_site else None
        _ship(play, [FixAction(kind="fix", fix=fix, site=site)])


def _site_of(play: Play) -> str | None:
    """Return the site that stands out in the latest figures by slice; None where none was looked at."""
    for note in reversed(play.notes):
        table = note.finding.table if note.finding else None
        if table is not None and "by" in table and "deviations" in table:
            sites = table[table["by"] == "site"]["deviations"].abs().to_numpy()
            return list(play.spec.sites)[int(sites.argmax())]
    return None


def _ship(play: Play, fixes: Iterable[FixAction]) -> None:
    for fix in fixes:
        if play.now_s < play.end_s:
            play.act(fix)
    if play.now_s < play.end_s:
        play.act(CloseAction(kind="close"))
