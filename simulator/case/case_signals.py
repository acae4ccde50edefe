"""Signals of a session: what an interviewer looks for, with four anchored levels of each.

A case may word the anchors itself. The evidence that a log holds on each is in `simulator.session.session_signals`: that of its
phase, unless the signal has its own.
"""

from __future__ import annotations

from typing import NamedTuple


class CaseSignal(NamedTuple):
    """A signal. anchors: the behaviour at each of four levels, the lowest first.

    phase: that it belongs to, None for the whole session; on_card: whether the scorecard of an interview rates it
    """

    name: str
    label: str
    anchors: tuple[str, str, str, str]
    phase: str | None = None
    on_card: bool = False


SIGNALS = (
    CaseSignal(
        "framing",
        "Framing",
        (
            "Starts with an architecture; the goal stays vague.",
            "Repeats the brief; asks little that would change the design.",
            "States the goal in numbers, asks what decides, writes assumptions down.",
            "Also ranks the objectives, and says which assumption would change the design.",
        ),
        on_card=True,
    ),
    CaseSignal(
        "data",
        "Data and labels",
        (
            "Does not mention data.",
            "Takes the labels as true and the sample as the population.",
            "Names the source of the labels, their number, and who is missing.",
            "Also says what the next label would buy, and how drift would show.",
        ),
        phase="data",
        on_card=True,
    ),
    CaseSignal(
        "model",
        "Choice of the model",
        (
            "Names a model without a reason.",
            "Takes the most accurate one.",
            "Compares candidates by accuracy, latency and cost.",
            "Also knows what compression costs, and starts from a baseline.",
        ),
        phase="model",
        on_card=True,
    ),
    CaseSignal(
        "evaluation",
        "Evaluation and thresholds",
        (
            "One accuracy figure.",
            "A fitting metric, without the price of its errors.",
            "Chooses a threshold by the price of both errors, with an interval.",
            "Also looks at groups, and at what the data cannot show.",
        ),
        phase="evaluate",
        on_card=True,
    ),
    CaseSignal(
        "serving",
        "Serving and cost",
        (
            "No constraint of deployment.",
            "Names latency, without load or cost.",
            "Sizes machines and people for the peak, with a cost.",
            "Also finds the bottleneck, and moves it for the least money.",
        ),
        phase="serve",
        on_card=True,
    ),
    CaseSignal(
        "safety",
        "Failure and safety",
        (
            "No failure is named.",
            "Names failures, without what happens then.",
            "Has a fallback for the failure that hurts most, and an alarm.",
            "Also says who is harmed meanwhile, and how long it lasts.",
        ),
        phase="monitor",
    ),
    CaseSignal(
        "quantified",
        "Reasoning with numbers",
        (
            "Changes things at random.",
            "Guesses directions.",
            "Predicts sizes, moves one thing at a time, checks against intervals.",
            "Also explains each surprise before the next change.",
        ),
    ),
    CaseSignal(
        "communication",
        "Communication",
        (
            "Cannot say why.",
            "Describes what was done.",
            "Gives the reason and the price of each choice.",
            "Also names what would change their mind.",
        ),
        on_card=True,
    ),
)

#: The phase of each signal; None for those of the whole session.
SIGNAL_PHASES = {signal.name: signal.phase for signal in SIGNALS}
