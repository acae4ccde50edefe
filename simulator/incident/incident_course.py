"""The course of an incident: its log of actions, beside the probabilities that follow from its findings, and its suspicions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from simulator.errors import InputError
from simulator.incident.beliefs import Beliefs, load_beliefs, many_brier
from simulator.incident.fixes import NothingFix, protects
from simulator.incident.incident_score import HELPS, DebriefStep, path
from simulator.incident.play import Play
from simulator.incident.player_actions import BelieveAction, DiagnoseAction, FixAction, NotebookEntry, WaitAction
from simulator.incident.players import fix_of
from simulator.incident.secret import HOUR_S
from simulator.incident.study_panel import load_study, studied

#: A look of up to ten minutes is no detour (s); the part of the best look's information that counts as near.
QUICK_S, NEAR = 600.0, 0.5
#: Kinds of look whose words or pictures say more to a person than their sign does.
_TELLING = ("changes", "pictures", "labels", "query", "ask")


@dataclass(frozen=True, eq=False)
class IncidentCourse:
    """A play that is over, read in order; places count the lines of the notebook from 0 on.

    beliefs: from rehearsed signs; None for a case without them
    helping: by cause, the fixes that take away a part of its harm in the study of the case
    fault: the sentence on tables that cannot be read
    """

    play: Play
    beliefs: Beliefs | None
    helping: Mapping[str, Collection[str]]
    fault: str = ""

    @classmethod
    def of(cls, play: Play) -> IncidentCourse:
        """Return the course of a play, with the tables of its case; one without tables, or with broken ones, has none."""
        try:
            return cls(play, load_beliefs(play.scenario), helping_fixes(play.scenario.id))
        except InputError as error:
            return cls(play, None, {}, str(error))

    @cached_property
    def steps(self) -> list[DebriefStep]:
        """The page and the looks."""
        return path(self.play, self.beliefs) if self.beliefs else []

    @property
    def notes(self) -> list[NotebookEntry]:
        return self.play.notes

    @cached_property
    def looks(self) -> list[int]:
        return [place for place, note in enumerate(self.notes) if note.look]

    @cached_property
    def diagnoses(self) -> dict[int, DiagnoseAction]:
        return {place: note.diagnosis for place, note in enumerate(self.notes) if note.diagnosis}

    @property
    def named(self) -> tuple[int, DiagnoseAction] | None:
        """The last diagnosis, and its place."""
        return next(reversed(self.diagnoses.items()), None)

    @cached_property
    def suspicions(self) -> dict[int, BelieveAction]:
        return {place: note.beliefs for place, note in enumerate(self.notes) if note.beliefs}

    @cached_property
    def fixes(self) -> dict[int, str]:
        """The names of the fixes that change something, by place."""
        shipped = {place: note.action.fix for place, note in enumerate(self.notes) if isinstance(note.action, FixAction)}
        nothing = self.play.spec.fixes_of(NothingFix)
        return {place: fix for place, fix in shipped.items() if fix not in nothing}

    def protects(self, place: int) -> bool:
        """Return whether the fix at a place spares the users harm before the cause is known: people look, or a roll back."""
        return protects(self.play.spec.fixes[self.fixes[place]])

    def fits(self, fix: str, cause: str) -> bool:
        """Return whether a fix is one for a cause: it acts where the cause enters, or it helps in the study of the case."""
        return fix == fix_of(self.play.spec, self.play.spec.causes[cause]) or fix in self.helping.get(cause, ())

    @cached_property
    def pages(self) -> list[int]:
        return [place for place, note in enumerate(self.notes) if note.ring or note.complaint]

    @property
    def early_page(self) -> int | None:
        """The first page, if it came before the onset: a false alarm."""
        first = next(iter(self.pages), None)
        return first if first is not None and self.notes[first].until_s < self.play.secret.onset_s else None

    @property
    def true_page(self) -> int | None:
        """The first page since the onset."""
        onset_s = self.play.secret.onset_s
        return next((place for place in self.pages if self.notes[place].until_s >= onset_s), None)

    def waited_h(self, since: int, until: int) -> float:
        """Return the hours of waiting between two places."""
        waits = [note for note in self.notes[since + 1 : until] if isinstance(note.action, WaitAction)]
        return sum(note.until_s - note.at_s for note in waits) / HOUR_S

    def likely(self, place: int) -> Mapping[str, float]:
        """Return the probability of each cause by the findings before a place; empty before the first."""
        return next((step.shares for step in reversed(self.steps) if step.place < place), {})

    def asked_before_a_wait(self, place: int) -> bool:
        """Return whether the question of a look was asked before the latest wait: then the look checks that it still holds."""
        waits = [at for at in range(place) if isinstance(self.notes[at].action, WaitAction)]
        earlier = {(self.notes[look].look, self.notes[look].question) for look in self.looks if waits and look < waits[-1]}
        return (self.notes[place].look, self.notes[place].question) in earlier

    def is_quick(self, place: int) -> bool:
        """Return whether a look took no more than ten minutes: no detour."""
        return self.notes[place].until_s - self.notes[place].at_s <= QUICK_S

    def looked_before(self, place: int) -> list[int]:
        return [look for look in self.looks if look < place]

    def reads_more(self, place: int) -> bool:
        """Return whether looks before a place say more to a person than the table of signs knows."""
        known = {step.place for step in self.steps if step.bits is not None}
        kinds = {look: self.play.spec.looks[self.notes[look].look].kind for look in self.looked_before(place)}
        return any(kind in _TELLING or look not in known for look, kind in kinds.items())


def helping_fixes(case: str) -> dict[str, dict[str, float]]:
    """Return the fixes that take away a part of the harm of each cause in the study of a case, with these parts, largest first.

    Raises EvidenceError.
    """
    if case not in studied():
        return {}
    rows = load_study(case).fixes
    causes = rows[rows["took_away"] >= HELPS].groupby("cause")
    largest_first = {str(cause): of.sort_values("took_away", ascending=False) for cause, of in causes}
    return {cause: dict(zip(of["fix"], of["took_away"], strict=True)) for cause, of in largest_first.items()}


@dataclass(frozen=True)
class SuspicionScore:
    """Suspicions that were written down at a place of the notebook.

    true_share: their share of the true cause; brier: their score
    likely, likely_brier: the same of the findings up to then; None for a case without a table of signs
    """

    place: int
    true_share: float
    brier: float
    likely: float | None
    likely_brier: float | None


def equal_brier(causes: int) -> float:
    """Return the score of equal suspicion of every cause."""
    return 1 - 1 / causes


def suspicion_scores(course: IncidentCourse) -> list[SuspicionScore]:
    """Return the score of each record of suspicions, in order."""
    truth = course.play.secret.truth

    def scored(shares: Mapping[str, float]) -> tuple[float, float]:
        return sum(shares.get(name, 0.0) for name in truth), many_brier(shares, truth)

    likely = {place: course.likely(place) for place in course.suspicions}
    return [
        SuspicionScore(place, *scored(action.shares), *(scored(likely[place]) if likely[place] else (None, None)))
        for place, action in course.suspicions.items()
    ]
