"""Bots that play whole sessions by the log, each by a seed: a reference one, a guesser, a naive one, and two bluffers.

Every event passes the rules of a session. Their runs are real ones of few replications, kept in `played_designs.json`:
`python -m tests.session.session_bots` makes all of them anew, in some minutes.
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from itertools import count
from math import ceil, log10
from pathlib import Path
from random import Random

from simulator.case.load import load, scenario_ids
from simulator.case.phases import deciding_questions, defence_of, phase_of_choice, phases_of, predicted_metrics
from simulator.engine.compiled_plan import case_hash
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.session.event_log import LoggedEvent, Session, design_hash
from simulator.session.session_events import (
    AssumptionPinned,
    AssumptionWritten,
    CurveballStruck,
    DefenceAnswered,
    ObjectivesRanked,
    PanelOpened,
    PhaseBegun,
    PickChanged,
    PredictionMade,
    QuestionAsked,
    RankedObjective,
    RunAsked,
    RunEnded,
    SessionEnded,
)
from simulator.session.session_record import ended_event
from simulator.session.session_state import SessionState, refusal

PLAYED = Path(__file__).with_name("played_designs.json")

#: The seed and the replications of the bots' runs, and the number of random designs of a case.
SEED, REPLICATIONS, RANDOM_DESIGNS = 1, 2, 8

BOTS = ("reference", "guesser", "naive", "bluffer", "opportunist")

#: The number of changes of one choice from which the bluffers draw.
ARBITRARY = 5


@cache
def case(name):
    return load(name)


@cache
def played():
    """The results of the designs, by case and hash, as the event of a run's end holds them."""
    return json.loads(PLAYED.read_text(encoding="utf-8")) if PLAYED.exists() else {}


def result(name, picks, strikes):
    """The end of a run: the kept one, or that of a new run, which is kept for `write`."""
    design = design_hash(picks, strikes)
    of_case = played().setdefault(name, {})
    if design not in of_case:
        warnings.warn(f"{name}: runs anew, which takes long; python -m tests.session.session_bots keeps it", stacklevel=2)
        found = replicate(compile_plan(case(name), picks, strikes), SEED, REPLICATIONS)
        of_case[design] = ended_event(design, found).payload()
    return RunEnded.model_validate(of_case[design])


@cache
def random_designs(name):
    """Designs whose every choice is drawn, the same for all bots."""
    rng, found = Random(f"designs of {name}"), []
    choices = case(name).choices
    while len(found) < RANDOM_DESIGNS:
        drawn = {one: rng.choice(list(choice.picks())) for one, choice in choices.items() if not choice.situation}
        try:
            compile_plan(case(name), drawn)
        except ValueError:
            continue
        if drawn not in found:
            found.append(drawn)
    return found


def reference_steps(name):
    """The steps from the defaults to the author's reference design, in the order of the phases."""
    scenario = case(name)
    reference = next(iter(scenario.reference.values()))
    phases = phases_of(scenario)
    order = {phase.id: place for place, phase in enumerate(phases)}
    steps = [step for step in reference.set.items() if scenario.defaults()[step[0]] != step[1]]
    return sorted(steps, key=lambda step: order.get(phase_of_choice(scenario, phases, step[0]) or "", 0))


@cache
def arbitrary_steps(name):
    """Changes of one choice from the defaults, drawn without a look at the case: one of the model first, if there is one."""
    scenario, rng, found = case(name), Random(f"steps of {name}"), []
    phases = phases_of(scenario)
    choices = [one for one, choice in scenario.choices.items() if not choice.situation]
    rng.shuffle(choices)
    choices.sort(key=lambda one: phase_of_choice(scenario, phases, one) != "model")
    for one in [*choices[:1], *rng.sample(choices[1:], len(choices) - 1)]:
        others = [pick for pick in scenario.choices[one].picks() if pick != scenario.defaults()[one]]
        pick = rng.choice(others)
        try:
            compile_plan(scenario, scenario.defaults() | {one: pick})
        except ValueError:
            continue
        found.append((one, pick))
    return found[:ARBITRARY]


class Player:
    """A person at a session, whose every event passes the rules; pace: the least and the most seconds before an event."""

    pace = 5, 40

    def __init__(self, name, bot, seed):
        self.scenario, self.rng = case(name), Random(f"{name} {bot} {seed}")
        self.head = Session("s" * 22, name, self.scenario.version, case_hash(self.scenario), "t" * 22, SEED, 45, True, 1000.0)
        self.log, self.state, self.now, self.places = [], SessionState.of(self.head), 1000.0, count()
        self.phases = phases_of(self.scenario)
        self.does(PhaseBegun(phase=self.phases[0].id))

    def does(self, event, role="candidate"):
        assert refusal(self.scenario, self.state, role, event) == ""
        self.now += self.rng.uniform(*self.pace)
        self.log.append(LoggedEvent(next(self.places), self.now, role, event))
        self.state = self.state.after(self.log[-1:])

    def goes_to(self, phase):
        if phase != self.state.phase and any(one.id == phase for one in self.phases):
            self.does(PhaseBegun(phase=phase))

    def picks(self, **wanted):
        for name, pick in wanted.items():
            if (now := self.state.picks(self.scenario)[name]) != pick:
                self.does(PickChanged(choice=name, before=now, after=pick))

    @property
    def at_hand(self):
        return self.state.picks(self.scenario), dict(self.state.strikes)

    def predicts(self, interval):
        """Predict the metrics of the case; interval: of a metric's name and its value in the run to come."""
        coming = {one.metric: one.value for one in result(self.scenario.id, *self.at_hand).figures}
        design = design_hash(*self.at_hand)
        if self.state.revealed(design):
            return
        for metric in predicted_metrics(self.scenario):
            low, high = sorted(interval(metric, coming.get(metric) or 0.0))
            if not any((one.design, one.metric) == (design, metric) for one in self.state.predictions):
                self.does(PredictionMade(design=design, metric=metric, low=low, high=high))

    def runs(self):
        picks, strikes = self.at_hand
        self.does(RunAsked(picks=picks, strikes=strikes, seed=SEED, replications=REPLICATIONS))
        self.does(result(self.scenario.id, picks, strikes), "system")

    def is_struck(self):
        if self.scenario.curveballs:
            name, ball = next(iter(self.scenario.curveballs.items()))
            own = ball.own_time(self.scenario.run.starts_at)
            at_s = own if own is not None else float(round(self.scenario.run.days * 86_400 / 2))
            self.does(CurveballStruck(curveball=name, at_s=at_s))

    def asks(self, *questions):
        for question in questions:
            self.does(QuestionAsked(question=question))

    def ranks(self):
        words = [RankedObjective(words=one.label) for one in self.scenario.objectives][:5]
        self.does(ObjectivesRanked(objectives=tuple(self.rng.sample(words, len(words)))))

    def opens(self, phase):
        for panel in next((one.panels for one in self.phases if one.id == phase), [])[:2]:
            self.does(PanelOpened(panel=panel))

    def near(self, _, value):
        """An interval that holds the value about nine times in ten."""
        width, off = abs(value) * self.rng.uniform(0.1, 0.4) + 0.01, self.rng.uniform(-1.1, 1.1)
        return value + width * (off - 1), value + width * (off + 1)

    def anywhere(self, _, value):
        ends = self.rng.uniform(0, 3 * abs(value) + 0.01), self.rng.uniform(0, 3 * abs(value) + 0.01)
        return min(ends), max(ends)


def reference(player):
    """Frame, predict and move one choice at a time to the author's design; look at the errors; answer a curveball; defend."""
    rng, scenario = player.rng, player.scenario
    deciding = deciding_questions(scenario)
    player.asks(*rng.sample(deciding, rng.randint(max(len(deciding) - 1, 1), len(deciding))))
    for question in [asked.event.question for asked in player.state.questions][: rng.randint(1, 3)]:
        player.does(AssumptionPinned(question=question))
    if rng.random() < 0.7:
        player.does(AssumptionWritten(text="The load of the evening is the peak."))
    player.ranks()
    player.goes_to("data")
    player.opens("data")
    _runs_predicted(player)
    steps = reference_steps(scenario.id)
    for name, pick in steps:
        phase = phase_of_choice(scenario, player.phases, name)
        player.goes_to(phase)
        player.opens(phase)
        player.picks(**{name: pick})
        _runs_predicted(player)
    if rng.random() < 0.5:
        player.goes_to(rng.choice(player.phases).id)
    for phase in ("serve", "monitor"):
        player.goes_to(phase)
        player.opens(phase)
    _is_struck_and_answers(player, steps)
    player.goes_to("defend")
    for prompt in range(rng.randint(2, len(defence_of(scenario)))):
        player.does(DefenceAnswered(prompt=prompt, text="Because the reader is the bottleneck.", ticked=rng.random() < 0.5))


def _runs_predicted(player):
    player.predicts(player.near)
    player.runs()


def _is_struck_and_answers(player, steps):
    player.is_struck()
    if player.state.strikes:
        _runs_predicted(player)
        name, _ = steps[0]
        player.picks(**{name: player.scenario.defaults()[name]})
        _runs_predicted(player)


def guesser(player):
    """Ask, change and predict at random, several choices at once."""
    rng, scenario = player.rng, player.scenario
    questions = range(len(scenario.questions))
    player.asks(*rng.sample(questions, rng.randint(0, len(questions) // 2)))
    if rng.random() < 0.5:
        player.ranks()
    for design in rng.sample(random_designs(scenario.id), 4):
        player.goes_to(rng.choice(player.phases).id)
        if rng.random() < 0.5:
            player.opens(player.state.phase)
        player.picks(**design)
        player.predicts(player.anywhere)
        player.runs()
    if rng.random() < 0.5:
        player.goes_to("defend")
        player.does(DefenceAnswered(prompt=0, text="It felt right."))


def naive(player):
    """Begin with an architecture, never ask, never predict, leave out serving now and then, and end without a word."""
    rng = player.rng
    phases = ["model", "evaluate", "serve"][: rng.choice([2, 3])]
    designs = random_designs(player.scenario.id)
    for design in rng.sample(designs, len(designs)):
        for phase in phases:
            player.goes_to(phase)
            own = [name for name in design if phase_of_choice(player.scenario, player.phases, name) == phase]
            player.picks(**{name: design[name] for name in own})
        if not player.state.revealed(design_hash(*player.at_hand)):
            player.runs()
        if len(player.state.runs) == 3:
            return


def whole_scale(player):
    """Intervals over all that the form offers."""
    bounds = {goal.metric: abs(goal.at_least if goal.at_most is None else goal.at_most) for goal in player.scenario.objectives}

    def interval(metric, _):
        share = player.scenario.metrics[metric].unit == "share"
        return 0.0, 1.0 if share else 10.0 ** ceil(log10(3 * (bounds.get(metric) or 1.0)))

    return interval


def untouched(player):
    """The intervals that the form starts with: those of the last run; before it, around the bounds."""
    scenario = player.scenario
    bounds = {goal.metric: abs(goal.at_least if goal.at_most is None else goal.at_most) for goal in scenario.objectives}

    def interval(metric, _):
        shown = [run.ended for run in player.state.runs if run.ended][-1:]
        for figure in (one for run in shown for one in run.figures if one.metric == metric and one.low is not None):
            return figure.low, figure.high
        bound = bounds.get(metric) or 1.0
        return (bound - 0.1, bound + 0.1) if scenario.metrics[metric].unit == "share" else (0.5 * bound, 1.5 * bound)

    return interval


KEY_WORDS = ("data", "drift", "latency", "GPU", "bias", "cost", "monitoring", "p99", "fallback", "trade-off", "accuracy")


def key_words(player):
    return " ".join(player.rng.sample(KEY_WORDS, player.rng.randint(3, 6)))


def bluffer(player):
    """Press every question within seconds, type key words, look into each phase, and predict the whole scale.

    Every other time it leaves the intervals as the form starts them. It runs the design of the case and one to three arbitrary
    changes, and lets a curveball strike.
    """
    rng, scenario = player.rng, player.scenario
    player.pace = 1, 4
    player.asks(*rng.sample(range(len(scenario.questions)), len(scenario.questions)))
    player.does(AssumptionWritten(text=key_words(player)))
    if rng.random() < 0.5:
        player.does(AssumptionPinned(question=rng.randrange(len(scenario.questions))))
    player.does(ObjectivesRanked(objectives=tuple(RankedObjective(words=word) for word in rng.sample(KEY_WORDS, 3))))
    for phase in player.phases[1:]:
        player.goes_to(phase.id)
        if rng.random() < 0.5:
            player.opens(phase.id)
    _bluffs_runs(player, rng.choice([whole_scale, untouched])(player), rng.randint(1, 3))
    _answers_all(player, lambda prompt: key_words(player))


def _bluffs_runs(player, interval, changes):
    """Run the design of the case, then arbitrary changes one by one, and a curveball with a further one."""
    player.predicts(interval)
    player.runs()
    steps = arbitrary_steps(player.scenario.id)
    first, *others = [steps[0], *player.rng.sample(steps[1:], min(changes, len(steps) - 1))]
    for name, pick in [first, *others][:changes]:
        player.picks(**{name: pick})
        player.predicts(interval)
        player.runs()
    player.is_struck()
    if player.state.strikes:
        for name, pick in (first, (first[0], player.scenario.defaults()[first[0]])):
            player.picks(**{name: pick})
            player.predicts(interval)
            player.runs()


def _answers_all(player, words):
    player.goes_to("defend")
    for prompt in range(len(defence_of(player.scenario))):
        player.does(DefenceAnswered(prompt=prompt, text=words(prompt)))


def opportunist(player):
    """Know the rules and nothing of the case: wait where they count seconds, write sentences, and predict by the bounds."""
    rng, scenario = player.rng, player.scenario
    player.pace = 8, 12
    questions = range(len(scenario.questions))
    player.asks(*rng.sample(questions, ceil(0.6 * len(questions))))
    player.now += 60
    for question in [asked.event.question for asked in player.state.questions]:
        player.does(AssumptionPinned(question=question))
    player.does(AssumptionWritten(text="We assume that the load is the peak of the day."))
    player.ranks()
    for phase in player.phases[1:]:
        player.goes_to(phase.id)
        player.opens(phase.id)
    _bluffs_runs(player, by_the_bound(player), 3)
    _answers_all(player, lambda prompt: f"Because the bound of objective {prompt + 1} is the one that decides this design.")


def by_the_bound(player):
    """Intervals around the last result, as the form shows it; before the first run, around the bound."""
    goals = {goal.metric: goal for goal in player.scenario.objectives}

    def interval(metric, _):
        shown = [run.ended for run in player.state.runs if run.ended]
        value = next((one.value for run in shown[-1:] for one in run.figures if one.metric == metric and one.value), None)
        if value is None and metric in goals:
            value = goals[metric].at_least if goals[metric].at_most is None else goals[metric].at_most
        return 0.75 * abs(value or 1.0), 1.25 * abs(value or 1.0)

    return interval


def played_session(name, bot, seed):
    """The state of a session that a bot has played."""
    player = Player(name, bot, seed)
    players = {"reference": reference, "guesser": guesser, "naive": naive, "bluffer": bluffer, "opportunist": opportunist}
    players[bot](player)
    player.does(SessionEnded())
    return player.state


def write(seeds):
    warnings.simplefilter("ignore")
    for name in scenario_ids():
        played()[name] = {}
        for bot in BOTS:
            for seed in range(seeds):
                played_session(name, bot, seed)
        print(name, len(played()[name]))
        PLAYED.write_text(json.dumps(played(), indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(20)
