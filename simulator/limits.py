"""How much of anything is taken: the bounds that keep one input from taking the machine. `docs/limits.md` lists them all."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 1024, 1024**2, 1024**3


@dataclass(frozen=True)
class Limit:
    """The most that is taken of something.

    of: what is bounded, as in "a case's file"; unit: of `most`, in the plural
    """

    of: str
    most: int
    unit: str
    why: str

    def __str__(self) -> str:
        return f"{self.most:,} {self.unit}"


CASE_FILE = Limit("a case's file", 512 * KIB, "bytes", "a case of a hundred stages takes a tenth of that")
PATH = Limit("the path of a case's file", 4096, "characters", "no usual system has longer ones")
CASE_VALUES = Limit("what a case's file holds", 20_000, "keys and values", "a case of a hundred stages has a tenth of that")
CASE_DEPTH = Limit("the nesting of a case's file", 24, "levels", "the deepest place that a case has is at 10")
CASE_NUMBER = Limit("a whole number in a case's file", 10**15, "above or below 0", "exact as a number of any kind")
OPTIONS = Limit("the options of all choices of a case", 400, "options", "each is tried when the case is read")
BY_THE_CLOCK = Limit("what one part of a case does by the clock in a run", 3_000_000, "times", "as often takes a minute or two")
RUN_MEMORY = Limit("what the requests of a replication take", 1792 * MIB, "bytes of memory", "a worker then has 2 GiB in all")
RUN_STEPS = Limit("the turns of the stages in a replication", 30_000_000, "turns", "as many take some minutes")
RUNS_KEPT = Limit("runs that a server keeps to show them again", 768 * MIB, "bytes of memory", "some forty of the longest case")
SWEEP_POINTS = Limit("the points of a sweep", 100_000, "points", "as many take some hours on two cores")
SWEEPS_KEPT = Limit("the outcomes of sweeps that are kept", 2 * GIB, "bytes", "some fifty thousand points; the oldest go first")
FAULTS_TOLD = Limit("the faults that a command tells", 100, "faults", "whoever has mended a hundred asks again")
ONNX_FILE = Limit("an ONNX file", 2 * GIB, "bytes", "its format holds no more; larger weights lie in files beside it")
ONNX_WEIGHTS = Limit("an ONNX file and its weights", 6 * GIB, "bytes", "more does not run in the memory that a model may take")
MODEL_MEMORY = Limit("the memory of a model at work", 8 * GIB, "bytes", "others use the machine too; less where less is free")
MODEL_SILENCE = Limit("one call of a model, or its loading", 300, "seconds", "what takes longer may be a loop that has no end")
MODEL_SECONDS = Limit("measuring a model", 7200, "seconds", "nothing else is measured meanwhile; most take two minutes")

EVIDENCE_TEXT = Limit("a sidecar, or a file of the catalogue", 128 * KIB, "bytes", "the longest that ships takes 12 thousand")
EVIDENCE_FILE = Limit("a profile, a table or a report", 64 * MIB, "bytes", "the longest that ships takes a million")

SCORE_FILE = Limit("a CSV of scores", 32 * MIB, "bytes", "the most rows that are read, at 160 bytes each")
SCORE_ROWS = Limit("a CSV of scores", 200_000, "rows", "each resampling of more would be a wait")
SCORE_COLUMNS = Limit("a CSV of scores", 200, "columns", "nine are read, the rest is named and left out")
SCORE_TABLES = Limit("the tables of one CSV of scores", 50, "tables", "models and precisions that somebody compares")
OWN_TABLES = Limit("score tables of one's own", 200, "tables", "a list of more is no list any more")
OWN_SCORES_BYTES = Limit("score tables of one's own", 128 * MIB, "bytes", "all of them are read for a list")
UPLOADS_KEPT = Limit("how long an upload is kept without a visit", 24 * 3600, "seconds", "a class comes back the same day")
LISTED_ROWS = Limit("the rows that a list of score tables resamples", 60_000, "rows", "they take ten seconds")

MONITORED_FILE = Limit("a CSV or Parquet file for the monitors", 50 * MIB, "bytes", "a million rows of five columns")
UPLOADED_FILE = Limit("a file that is uploaded", 500 * MIB, "bytes", "it is held in memory; the command takes larger models")
UPLOADED_IN_A_TAB = Limit("the files that a page holds", 1024 * MIB, "bytes", "two of the largest")
UPLOADED_IN_ALL = Limit("the files that all pages of a server hold", 4096 * MIB, "bytes", "a class with a large file each")

LABELS_FILE = Limit("the labels of a data set", 512 * MIB, "bytes", "those of COCO's training images take 450 MB")
IMAGE_PIXELS = Limit("a picture of a data set", 50_000_000, "pixels", "a camera has that many; decoded they take 150 MB")


def every() -> list[Limit]:
    """All limits, in the order of this file."""
    return [found for found in globals().values() if isinstance(found, Limit)]
