"""Measuring one subject after another, so that a stop loses at most the thread count under way."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from simulator.evidence.profiles import Profile, ThreadRun, write_profile
from simulator.zoo.machine import provenance
from simulator.zoo.measure import Advance, Effort, measure
from simulator.zoo.subjects import ONE_THREAD, Photos, Ready, Subject, make_ready

#: Above this part of the machine, what other programs took has spoilt the measurement.
_DISTURBED = 0.05


@dataclass(frozen=True)
class Campaign:
    """Where profiles go, what may be used to make them, and how thoroughly to measure."""

    device: str
    out: Path
    cache: Path
    photos: Photos
    threads: tuple[int, ...] = (1, 2)
    effort: Effort = field(default_factory=Effort)

    def profile_path(self, subject: Subject) -> Path:
        """Where the profile of `subject` belongs."""
        return self.out / self.device / f"{subject}.json"

    def thread_counts(self, subject: Subject) -> tuple[int, ...]:
        """The thread counts at which `subject` is measured: a step beside the network has one, whatever is asked."""
        return (1,) if subject.model in ONE_THREAD else self.threads

    def kept(self, subject: Subject) -> int:
        """How many thread counts of `subject` an interrupted campaign finished."""
        return len(list(self._cells.glob(f"{subject}.*t.*.json")))

    def run(self, subject: Subject, advance: Advance, note: Callable[[str], None]) -> Profile:
        """Measure `subject` and write its profile; raises PhotoError or ExportError.

        `advance` is told of fractions of one thread count, `note` of what a person should know. Thread counts that
        an interrupted campaign finished are not measured again.
        """
        ready = make_ready(subject, self.cache / "models", self.photos)
        runs = [self._thread_run(subject, ready, threads, advance) for threads in self.thread_counts(subject)]
        for run in runs:
            if (run.others_share or 0) > _DISTURBED:
                note(
                    f"{subject}: other programs took {run.others_share:.0%} of this machine during threads={run.threads}; "
                    "measure again with --overwrite when it is quiet"
                )
        profile = self._profile(subject, ready, runs)
        write_profile(profile, self.out)
        for cell in self._cells.glob(f"{subject}.*t.*.json"):
            cell.unlink()
        return profile

    @property
    def _cells(self) -> Path:
        return self.cache / "unfinished" / self.device

    def _thread_run(self, subject: Subject, ready: Ready, threads: int, advance: Advance) -> ThreadRun:
        effort = self._effort(subject)
        conditions = hashlib.sha256(f"{ready.sha256} {effort}".encode()).hexdigest()[:12]
        cell = self._cells / f"{subject}.{threads}t.{conditions}.json"
        if cell.is_file():
            advance(1.0)
            return ThreadRun.model_validate_json(cell.read_bytes())
        run = measure(ready.start(threads), threads, effort, advance)
        cell.parent.mkdir(parents=True, exist_ok=True)
        part = cell.with_suffix(".part")
        part.write_text(run.model_dump_json(exclude_none=True), encoding="utf-8")
        part.replace(cell)
        return run

    def _effort(self, subject: Subject) -> Effort:
        if subject.model not in ONE_THREAD:
            return self.effort
        # One batch size at one thread: cheap enough for the 200 calls that a tail needs.
        return replace(self.effort, batches=(1,), least=200, most=200)

    def _profile(self, subject: Subject, ready: Ready, runs: list[ThreadRun]) -> Profile:
        return Profile(
            model=subject.model,
            precision=subject.precision,
            device=self.device,
            input_shape=ready.input_shape,
            parameters=ready.parameters,
            multiply_adds=ready.multiply_adds,
            file_bytes=ready.file.stat().st_size,
            provenance=provenance(ready.libraries, ready.weights, ready.protocol, ready.sha256, ready.calibration),
            runs=runs,
        )
