"""The cheapest course of an incident in hindsight, and the regret of a play: how much more it cost than that course."""

from __future__ import annotations

from simulator.case.schema import Scenario
from simulator.incident.beliefs import load_beliefs
from simulator.incident.incident_score import score
from simulator.incident.play import Play
from simulator.incident.player_actions import CloseAction, DiagnoseAction, FixAction, WaitAction
from simulator.incident.players import PLAYERS, fix_of
from simulator.incident.secret import Secret

#: The investigators whose courses count, in the order of the screen; the first one stands beside every total.
COURSES = ("nothing", "sensible", "opportunist")
#: A player that knows the secret from the first page on.
KNOWING = "knowing"
#: The courses on the screen.
COURSE_NAMES = {
    "nothing": "nothing, monitors off",
    "sensible": "the sensible investigator",
    "opportunist": "the opportunist",
    KNOWING: "knowing the cause at the first page",
}


def courses(scenario: Scenario, secret: Secret) -> dict[str, float]:
    """Return the total (USD) of each course on this very incident; those that weigh signs need a case with signs."""
    play = Play(scenario, secret)
    beliefs = load_beliefs(play.scenario)
    knowing(play)
    totals = {KNOWING: score(play).total_usd}
    for name in COURSES if beliefs else ():
        play = Play(scenario, secret, like=play)
        assert beliefs is not None
        PLAYERS[name](play, beliefs)
        totals[name] = score(play).total_usd
    return totals


def knowing(play: Play) -> None:
    """Wait for the first page, name the true cause, and ship the fix that ends it where it is."""
    spec, cause, sites = play.spec, play.secret.cause, list(play.spec.sites)
    assert cause is not None
    play.act(WaitAction(kind="wait"))
    play.act(DiagnoseAction(kind="diagnose", cause=cause, confidence=1.0))
    struck = play.secret.struck_sites(spec)
    for name in dict.fromkeys(fix_of(spec, spec.causes[true]) for true in play.secret.causes):
        site = sites[min(struck)] if spec.fixes[name].by_site and len(struck) == 1 else None
        if play.now_s < play.end_s:
            play.act(FixAction(kind="fix", fix=name, site=site))
    play.act(CloseAction(kind="close"))


def regret(total_usd: float, totals: dict[str, float]) -> float:
    """Return how much more a play cost than the cheapest course (USD); 0 for one that was cheaper."""
    return max(total_usd - min(totals.values()), 0.0)
