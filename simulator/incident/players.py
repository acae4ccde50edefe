"""Investigators that follow a rule: one weighs signs, two follow a fixed list, and three do not look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np

from simulator.arrays import Floats
from simulator.incident.beliefs import FALSE_ALARM, Beliefs, answered, questions
from simulator.incident.effects import Cause
from simulator.incident.fixes import NetworkFix, NothingFix, PeopleFix, PicksFix, UndoFix
from simulator.incident.play import Play
from simulator.incident.player_actions import (
    BelieveAction,
    CloseAction,
    DiagnoseAction,
    FixAction,
    LookAction,
    WaitAction,
    WatchAction,
)
from simulator.incident.secret import DAY_S
from simulator.incident.section import Incident
from simulator.incident.stakes import Stakes
from simulator.incident.watches import Watch
from simulator.records.streams import Streams

#: Hours to a check on a later day, the checks, and the part of earlier evidence that counts.
_NEXT_DAY_H, _CHECKS, _KEPT = 24.0, 1, 0.5
#: A cause is acted on from this probability on.
_LIKELY = 0.9
#: Harm is more likely than not from here on; and the most fixes that are shipped.
_MORE_LIKELY, _MOST_FIXES = 0.5, 3
#: The opportunist stops at this probability of a cause, or when no look is expected to give more bits, and ships a cheap fix
#: from the third one on.
_SURE, _LITTLE, _POSSIBLE = 0.97, 0.02, 0.1
#: Monitors of the sensible one: of what is found, of labels, of clips that are dropped, and of each site's images.
_WATCHED = (
    Watch(statistic="found", by="all", test="psi", at=5),
    Watch(statistic="recall", by="all", at=5),
    Watch(statistic="dropped", by="all", window_h=6, at=5),
    Watch(statistic="bytes", by="site", at=6),
)
#: Looks and monitors of the opportunist: what is recorded anyway, and the words of people; three cheap figures.
_RECORDED = ("changes", "counters", "slices", "ask")
_CHEAP = (
    Watch(statistic="found", by="all", at=5),
    Watch(statistic="bytes", by="site", at=6),
    Watch(statistic="dropped", by="all", window_h=6, at=5),
)
#: The fixed lists: kinds of look in their order at the first page, with a figure where there are several. The looks of the
#: script cost no money.
LISTS = {
    "checklist": ("changes", "pictures", "replicas", "counters", "audit"),
    "script": ("changes/servers", "counters", "slices/found", "ask/site"),
}


def sensible(play: Play, beliefs: Beliefs) -> None:
    """Take a look while its expected saving exceeds its price, and ship the fix with the least expected cost.

    It looks again on a later day, and after each fix whose effect is in doubt.
    """
    stakes = Stakes.of(play.scenario, play.spec, beliefs)
    play.act(WatchAction(kind="watch", watches=list(_WATCHED)))
    play.act(WaitAction(kind="wait"))
    now, checks, first = beliefs.prior, 0, True
    while play.now_s < play.end_s:
        now = _looked(play, beliefs, stakes, now, first)
        days, first = _days_left(play), False
        fix = stakes.best_fix(now, days)
        helps = not isinstance(play.spec.fixes[fix], NothingFix) and play.now_s < play.end_s
        settled = _settled(play.spec, beliefs, now, checks) or (checks >= _CHECKS and _harmed(play, stakes, now))
        seen = checks > 0 or not _passes(play.spec, beliefs, now)
        if helps and (settled or (seen and stakes.presses(fix, now, days))):
            _name(play, beliefs.by_cause(now))
            if play.spec.fixes[fix].by_site and _site_of(play) is None:
                play.act(LookAction(kind="look", look=next(iter(_of_kind(play.spec, "slices")))))
            _ship(play, [_aimed(play, fix)])
            (name, share), ended = beliefs.likeliest(now), beliefs.by_cause(stakes.after(fix, now))[FALSE_ALARM]
            now, stakes = _recalled(stakes.after(fix, now), beliefs.later), stakes.without(fix)
            if len(play.shipped) >= _MOST_FIXES or (name != FALSE_ALARM and min(share, ended) >= _LIKELY):
                break
        elif _settled(play.spec, beliefs, now, checks):
            break
        else:
            now = _recalled(now, beliefs.later)
        calm = checks >= _CHECKS or float(now[stakes.rate == 0].sum()) >= _LIKELY
        play.act(WaitAction(kind="wait", hours=None if calm else _NEXT_DAY_H))
        checks += not calm
    if not play.shipped or _settled(play.spec, beliefs, now, checks):
        _name(play, beliefs.by_cause(now))
    _close(play)


def _harmed(play: Play, stakes: Stakes, now: Floats) -> bool:
    """Return whether harm is more likely than not, or a customer has complained, after which nothing more may ring."""
    return bool(now[stakes.rate > 0].sum() >= _MORE_LIKELY or any(note.complaint for note in play.notes))


def _days_left(play: Play) -> float:
    """Return the days for which harm would go on without a fix."""
    return (play.end_s - play.now_s) / DAY_S + play.spec.review_days


def _settled(spec: Incident, beliefs: Beliefs, now: Floats, checks: int) -> bool:
    """Return whether a cause is likely enough to act on, seen on a second day where it may pass by itself."""
    name, share = beliefs.likeliest(now)
    cause = spec.causes[name]
    return bool(share >= _LIKELY and cause.effects and (checks > 0 or not _passes(spec, beliefs, now)))


def _passes(spec: Incident, beliefs: Beliefs, now: Floats) -> bool:
    """Return whether the likeliest cause may pass by itself."""
    cause = spec.causes[beliefs.likeliest(now)[0]]
    return cause.harmless or cause.enters_at in (None, "world")


def _recalled(now: Floats, before: Floats) -> Floats:
    """Return the probabilities to begin a later day with: part of the evidence counts, since signs of two days are alike."""
    shares = now**_KEPT * before ** (1 - _KEPT)
    return np.asarray(shares / shares.sum())


def _looked(play: Play, beliefs: Beliefs, stakes: Stakes, prior: Floats, ahead: bool) -> Floats:
    """Look while a look is worth its price, and return the probability of each cause."""
    signs, left = dict[str, str](), dict(questions(play.spec))
    _learn(play, signs)
    now = beliefs.after(signs.items(), prior)
    while play.now_s < play.end_s and (best := _worthwhile(play, beliefs, stakes, now, left, ahead)):
        play.act(left.pop(best))
        _learn(play, signs)
        now = beliefs.after(signs.items(), prior)
    return now


def _worthwhile(play: Play, beliefs: Beliefs, stakes: Stakes, now: Floats, left: Mapping[str, LookAction], ahead: bool) -> str:
    """Return the look that saves the most in expectation, less its price; empty if none saves anything."""
    days = _days_left(play)
    gains = {
        name: stakes.gain(name, look, now, days, ahead)
        for name, look in left.items()
        if name in beliefs.chances and _can(play, look)
    }
    best = max(gains, key=lambda name: gains[name], default="")
    return best if best and gains[best] > 0 else ""


def _listed(play: Play, beliefs: Beliefs, kinds: Iterable[str]) -> None:
    """Read each look of a list as well as its signs allow, and name the likeliest cause; a program sees nothing in pictures."""
    _paged(play)
    signs, looks = dict[str, str](), play.spec.looks
    _learn(play, signs)
    for question in kinds:
        kind = question.partition("/")[0]
        named = {name: look for name, look in questions(play.spec).items() if looks[look.look].kind == kind}
        unsigned = [LookAction(kind="look", look=name) for name in _of_kind(play.spec, kind)]
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
    _close(play)


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
    _close(play)


def nothing(play: Play, _: Beliefs) -> None:
    """Switch the monitors off, say that nothing has happened, and close at once."""
    play.act(WatchAction(kind="watch", watches=[]))
    play.act(DiagnoseAction(kind="diagnose", cause=FALSE_ALARM, confidence=play.spec.prior[FALSE_ALARM]))
    _close(play)


def opportunist(play: Play, beliefs: Beliefs) -> None:
    """Watch three cheap figures, take the looks without a price of their own, and ship cheap fixes of likely causes first."""
    play.act(WatchAction(kind="watch", watches=list(_CHEAP)))
    _paged(play)
    signs = dict[str, str]()
    _learn(play, signs)
    free = {
        name: look
        for name, look in questions(play.spec).items()
        if name in beliefs.chances and play.spec.looks[look.look].kind in _RECORDED
    }
    now = beliefs.after(signs.items())
    while free and play.now_s < play.end_s and beliefs.likeliest(now)[1] < _SURE:
        best = max(free, key=lambda name: beliefs.bits(name, now))
        look = free.pop(best)
        if beliefs.bits(best, now) < _LITTLE or not _can(play, look):
            break
        play.act(look)
        _learn(play, signs)
        now = beliefs.after(signs.items())
    shares = beliefs.by_cause(now)
    _name(play, shares)
    likely = dict[str, float]()
    for name, share in shares.items():
        fix = fix_of(play.spec, play.spec.causes[name])
        likely[fix] = likely.get(fix, 0.0) + share
    chosen = [fix for fix, share in likely.items() if share >= (_LIKELY if _is_dear(play.spec, fix) else _POSSIBLE)]
    _ship(play, [_aimed(play, fix) for fix in sorted(chosen, key=lambda fix: play.spec.fixes[fix].usd)])
    _close(play)


def _is_dear(spec: Incident, fix: str) -> bool:
    """Return whether a fix is people or a network: what costs most."""
    return isinstance(spec.fixes[fix], PeopleFix | NetworkFix)


#: Each investigator by its name.
PLAYERS: dict[str, Callable[[Play, Beliefs], None]] = {
    "sensible": sensible,
    **{name: partial(_listed, kinds=kinds) for name, kinds in LISTS.items()},
    **{player.__name__: player for player in (naive, guess, everything, nothing, opportunist)},
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
    price = play.spec.look_cost(play.spec.looks[look.look], look.frames)[1]
    return play.now_s < play.end_s and price <= play.looks_usd_left


def _learn(play: Play, signs: dict[str, str]) -> None:
    if answer := answered(play.spec, play.notes[-1]):
        signs[answer[0]] = answer[1]


def _of_kind(spec: Incident, kind: str) -> list[str]:
    return [name for name, look in spec.looks.items() if look.kind == kind]


def _name(play: Play, shares: dict[str, float]) -> DiagnoseAction:
    """Name the likeliest cause with the probabilities of all."""
    diagnosis = DiagnoseAction.by(BelieveAction(kind="believe", shares=shares))
    play.act(diagnosis)
    return diagnosis


def _finish(play: Play, shares: dict[str, float]) -> None:
    """Name the likeliest cause with the probabilities of all, and ship the fix that ends it."""
    diagnosis = _name(play, shares)
    if play.now_s < play.end_s:
        _ship(play, [_aimed(play, fix_of(play.spec, play.spec.causes[diagnosis.cause]))])
    _close(play)


def _aimed(play: Play, fix: str) -> FixAction:
    """Return a fix, at the site that stands out if it goes site by site."""
    return FixAction(kind="fix", fix=fix, site=_site_of(play) if play.spec.fixes[fix].by_site else None)


def _site_of(play: Play) -> str | None:
    """Return the site that a customer names, else the one that stands out most in the figures by slice; None without both.

    Sites that were put back already are left out.
    """
    sites, done = play.spec.sites, {note.action.site for note in play.notes if isinstance(note.action, FixAction)}
    for note in reversed(play.notes):
        if named := [name for name, site in sites.items() if note.complaint and site.label in note.said and name not in done]:
            return named[0]
    latest = dict[str, Floats]()
    for note in play.notes:
        table = note.finding.table if note.finding else None
        if table is not None and "by" in table and "deviations" in table:
            latest[note.question] = table[table["by"] == "site"]["deviations"].abs().to_numpy()
    if not latest:
        return None
    open_ = np.array([name not in done for name in sites])
    return list(sites)[int((np.sum([*latest.values()], axis=0) * open_).argmax())]


def _ship(play: Play, fixes: Iterable[FixAction]) -> None:
    for fix in fixes:
        if play.now_s < play.end_s:
            play.act(fix)


def _close(play: Play) -> None:
    play.act(CloseAction(kind="close"))
