"""Measuring one subject after another, so that a stop loses at most the thread count under way."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.failures import Failure, forget_failure, write_failure
from simulator.evidence.profiles import Profile, ThreadRun, write_profile
from simulator.making.zoo.machine import library_version, provenance
from simulator.making.zoo.measure import Advance, Effort, measure
from simulator.making.zoo.providers import CPU
from simulator.making.zoo.refusals import RefusedError, at_step
from simulator.making.zoo.subjects import ONE_THREAD, Photos, Ready, Subject, make_ready

#: Above this part of the machine, what other programs took has spoilt the measurement.
_DISTURBED = 0.05
#: A call of more multiply-adds than this takes seconds; its batch size is left out, save the two smallest.
_LARGEST_CALL = 64e9
#: An item of more multiply-adds than this is measured in fewer calls.
_LARGE_ITEM, _FEWEST_CALLS = 16e9, 5


@dataclass(frozen=True)
class Campaign:
    """Where profiles go, what may be used to make them, and how thoroughly to measure."""

    device: str
    out: Path
    cache: Path
    photos: Photos
    threads: tuple[int, ...] = (1, 2)
    effort: Effort = field(default_factory=Effort)
    trained: Path | None = None
    provider: str = CPU

    def profile_path(self, subject: Subject) -> Path:
        """Where the profile of `subject` belongs."""
        return self.out / self.device / f"{subject}.json"

    def thread_counts(self, subject: Subject) -> tuple[int, ...]:
        """The thread counts at which `subject` is measured: a step beside the network has one, whatever is asked."""
        return (1,) if subject.model in ONE_THREAD else self.threads

    def kept(self, subject: Subject) -> int:
        """How many thread counts of `subject` an interrupted campaign finished."""
        return len(list(self._cells.glob(f"{subject}.*t.*.json")))

    def prepare(self, subject: Subject) -> Failure | None:
        """Make what `subject` needs ready in the cache; a refusal is written beside the profiles and returned.

        Raises PhotoError or MissingFileError.
        """
        try:
            self._ready(subject)
        except RefusedError as error:
            return self._failed(subject, error)
        return None

    def run(self, subject: Subject, advance: Advance, note: Callable[[str], None]) -> Profile | Failure:
        """Measure `subject` and write its profile, or why there is none; raises PhotoError or MissingFileError.

        `advance` is told of fractions of one thread count, `note` of what a person should know. Thread counts that
        an interrupted campaign finished are not measured again.
        """
        try:
            ready = self._ready(subject)
            with at_step("run"):
                runs = [self._thread_run(subject, ready, threads, advance) for threads in self.thread_counts(subject)]
        except RefusedError as error:
            return self._failed(subject, error)
        for run in runs:
            if (run.others_share or 0) > _DISTURBED:
                note(
                    f"{subject}: other programs took {run.others_share:.0%} of this machine during threads={run.threads}; "
                    "measure again with --overwrite when it is quiet"
                )
        profile = self._profile(subject, ready, runs)
        write_profile(profile, self.out)
        forget_failure(self.device, subject.model, subject.precision, self.out)
        for cell in self._cells.glob(f"{subject}.*t.*.json"):
            cell.unlink()
        return profile

    def _ready(self, subject: Subject) -> Ready:
        return make_ready(subject, self.cache / "models", self.photos, self.trained, self.provider)

    def _failed(self, subject: Subject, error: RefusedError) -> Failure:
        failure = Failure(
            model=subject.model,
            precision=subject.precision,
            device=self.device,
            step=error.step,
            reason=str(error),
            libraries={name: library_version(name) for name in ("onnxruntime", "torch")},
            date=datetime.now(UTC).date().isoformat(),
        )
        write_failure(failure, self.out)
        return failure

    @property
    def _cells(self) -> Path:
        return self.cache / "unfinished" / self.device

    def _thread_run(self, subject: Subject, ready: Ready, threads: int, advance: Advance) -> ThreadRun:
        effort = self._effort(subject, ready)
        conditions = hashlib.sha256(f"{ready.sha256} {effort} {self.provider}".encode()).hexdigest()[:12]
        cell = self._cells / f"{subject}.{threads}t.{conditions}.json"
        if cell.is_file():
            advance(1.0)
            return ThreadRun.model_validate_json(cell.read_bytes())
        run = measure(ready.start(threads), threads, effort, advance)
        with in_one_step(cell) as part:
            part.write_text(run.model_dump_json(exclude_none=True), encoding="utf-8")
        return run

    def _effort(self, subject: Subject, ready: Ready) -> Effort:
        if subject.model in ONE_THREAD:
            # One batch size at one thread: cheap enough for the 200 calls that a tail needs.
            return replace(self.effort, batches=(1,), least=200, most=200)
        item = ready.multiply_adds or 0
        within = sum(batch * item <= _LARGEST_CALL for batch in self.effort.batches)
        batches = self.effort.batches[: max(within, 2)]
        least = _FEWEST_CALLS if item > _LARGE_ITEM else self.effort.least
        return replace(self.effort, batches=batches, least=least)

    def _profile(self, subject: Subject, ready: Ready, runs: list[ThreadRun]) -> Profile:
        return Profile(
            model=subject.model,
            precision=subject.precision,
            device=self.device,
            task=ready.task,
            family=ready.family,
            input_shape=ready.input_shape,
            parameters=ready.parameters,
            multiply_adds=ready.multiply_adds,
            file_bytes=ready.file.stat().st_size,
            provenance=provenance(
                ready.libraries,
                ready.weights,
                ready.protocol,
                ready.sha256,
                ready.calibration,
                # What runs beside the network stays on the processor.
                None if self.provider == CPU or subject.model in ONE_THREAD else self.provider,
            ),
            runs=runs,
        )
