"""Limits on every input, so that one input cannot take the whole machine. `docs/limits.md` lists them all."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 1024, 1024**2, 1024**3


@dataclass(frozen=True)
class Limit:
    """The most of an input that is accepted.

    of: the input, such as "a case's file"; unit: of `most`, in the plural; why: the reason for the number
    """

    of: str
    most: int
    unit: str
    why: str

    def __str__(self) -> str:
        return f"{self.most:,} {self.unit}"


CASE_FILE = Limit("a case's file", 512 * KIB, "bytes", "a case of a hundred stages takes a tenth of it")
PATH = Limit("the path of a case's file", 4096, "characters", "common systems have no longer ones")
CASE_VALUES = Limit("the contents of a case's file", 20_000, "keys and values", "a case of a hundred stages has a tenth of it")
CASE_DEPTH = Limit("the nesting of a case's file", 24, "levels", "the deepest place in a case is at 10")
CASE_NUMBER = Limit("a whole number in a case's file", 10**15, "above or below 0", "any number type holds it exactly")
OPTIONS = Limit("the options of all choices of a case", 400, "options", "each is tried when the case is read")
ROUTE_OUTCOMES = Limit(
    "joint outcomes of draws that route a request more than once", 1000, "outcomes", "the load of each is worked out"
)
BY_THE_CLOCK = Limit("timed events of one part of a case in a run", 3_000_000, "times", "they take a minute or two")
RUN_MEMORY = Limit(
    "the memory of the requests of a replication", 1792 * MIB, "bytes of memory", "a worker then has 2 GiB in all"
)
RUN_STEPS = Limit("the turns of the stages in a replication", 10_000_000, "turns", "they take two or three minutes")
RUNS_KEPT = Limit(
    "runs that a server keeps to show again", 128 * MIB, "bytes of memory", "packed, some twenty of the longest case"
)
RUNS_OPENED = Limit("of these, the runs that are open", 48 * MIB, "bytes of memory", "pages draw from the latest ones")
KEPT_RUN = Limit("a replication that is kept on disk", 16 * MIB, "bytes", "a replication of the longest case takes two")
KEPT_RUNS = Limit("the runs that are kept on disk", GIB, "bytes", "all that is prepared; those read longest ago go first")
SWEEP_POINTS = Limit("the points of a sweep", 100_000, "points", "they take some hours on two cores")
SWEEPS_KEPT = Limit(
    "the outcomes of sweeps that are kept", 2 * GIB, "bytes", "some fifty thousand points; those read longest ago go first"
)
FAULTS_SHOWN = Limit("the faults that a command shows", 100, "faults", "the author fixes a hundred, then checks again")
PACK_FILE = Limit("a pack of a case", 64 * MIB, "bytes", "it is held in memory; a case with ten score tables takes a hundredth")
PACK_BYTES = Limit("the files of a pack, unpacked", 128 * MIB, "bytes", "they are held in memory while they are checked")
PACK_FILES = Limit("the files of a pack", 200, "files", "a longer list cannot be read before it is installed")
PACK_RATIO = Limit("a file of a pack, unpacked", 250, "times its packed size", "tables shrink to a tenth; more is a zip bomb")
PACK_NAME = Limit("the name of a file in a pack", 200, "characters", "a table's name, a device's and a model's fit")
INSTALLED_CASES = Limit("the installed cases", 200, "cases", "a longer list cannot be read")
ONNX_FILE = Limit("an ONNX file", 2 * GIB, "bytes", "its format holds no more; larger weights lie in files beside it")
ONNX_WEIGHTS = Limit("an ONNX file and its weights", 6 * GIB, "bytes", "more does not run in the memory that a model may take")
MODEL_MEMORY = Limit("the memory of a model at work", 8 * GIB, "bytes", "others use the machine too; less where less is free")
MODEL_SILENCE = Limit("one call of a model, or its loading", 300, "seconds", "a longer one may be an endless loop")
MODEL_SECONDS = Limit("measuring a model", 7200, "seconds", "nothing else is measured meanwhile; most take two minutes")

EVIDENCE_TEXT = Limit("a sidecar, or a file of the catalogue", 128 * KIB, "bytes", "the longest shipped one takes 12 thousand")
EVIDENCE_FILE = Limit("a profile, a table or a report", 64 * MIB, "bytes", "the longest shipped one takes a million")

SCORE_FILE = Limit("a CSV of scores", 32 * MIB, "bytes", "the most rows that are read, at 160 bytes each")
SCORE_ROWS = Limit("a CSV of scores", 200_000, "rows", "resampling more takes too long on a page")
SCORE_COLUMNS = Limit("a CSV of scores", 200, "columns", "nine are read; the others are listed and left out")
SCORE_TABLES = Limit("the tables of one CSV of scores", 50, "tables", "the models and precisions of a comparison")
OWN_TABLES = Limit("the user's own score tables", 200, "tables", "a longer list cannot be read")
OWN_SCORES_BYTES = Limit("the user's own score tables", 128 * MIB, "bytes", "all of them are read for a list")
UPLOADS_KEPT = Limit("an upload without a visit", 24 * 3600, "seconds", "a class comes back within the day")
LISTED_ROWS = Limit("the rows that a list of score tables resamples", 60_000, "rows", "they take ten seconds")

RECORDING_FILE = Limit("a recording beside a case", 1024 * MIB, "bytes", "a run could not hold more requests")
RECORDED_CELLS = Limit("the rows of a recording times its columns", 100_000_000, "cells", "a run takes one column at a time")
RECORDED_BYTES = Limit("a recording, decoded", 1024 * MIB, "bytes", "a small Parquet file may stand for much more")

MONITORED_CELLS = Limit(
    "the rows of a file for the monitors times its columns", 20_000_000, "cells", "four times a million rows of five columns"
)
MONITORED_BYTES = Limit("a file for the monitors, decoded", 256 * MIB, "bytes", "numbers take 160 MB at most")
MONITORED_MEMORY = Limit(
    "reading two files for the monitors", 2 * GIB, "bytes of memory", "each takes several times its decoded size"
)
MONITORED_SECONDS = Limit("reading two files for the monitors", 120, "seconds", "the largest take ten")
MONITORED_PARTS = Limit("slices and windows of a comparison", 1000, "slices and windows", "a window a day for two years")
MONITORED_WORD = Limit("a word that names a slice or a group", 1000, "characters", "no longer one can be read in a table")
MONITORED_FILE = Limit("a CSV or Parquet file for the monitors", 50 * MIB, "bytes", "a million rows of five columns")
FOLLOWED_BYTES = Limit(
    "the new lines of a followed file, at a time", 8 * MIB, "bytes", "a hundred thousand rows of ten columns"
)
UPLOADED_FILE = Limit("a file that is uploaded", 500 * MIB, "bytes", "it is held in memory; the command takes larger models")
UPLOADED_IN_A_TAB = Limit("the files that a page holds", 1024 * MIB, "bytes", "two of the largest")
UPLOADED_IN_ALL = Limit("the files that all pages of a server hold", 4096 * MIB, "bytes", "a class with a large file each")

TOKEN = Limit("the token of a server", 512, "characters", "an address with it stays short enough for every browser")
WRONG_TOKENS = Limit("wrong tokens of one address in a row", 10, "tokens", "then one more every 30 s, so guessing takes ages")
WRONG_TOKENS_OF_ALL = Limit(
    "wrong tokens of all addresses in a row", 100, "tokens", "then one more every second, however many machines guess"
)
TOKEN_ADDRESSES = Limit(
    "the addresses whose wrong tokens are counted", 1024, "addresses", "they take a few hundred KB; the oldest go first"
)

REQUEST_HEAD = Limit(
    "the headers of a request, cookies included", 32 * KIB, "bytes", "a browser with cookies of other servers sends a tenth"
)
ROOM_COOKIES = Limit("the rooms that a browser is in by its cookies", 16, "cookies", "the latest; a link lasts seven days")
ROOM_KEYS = Limit(
    "the secrets of rooms that a server remembers", 4096, "secrets", "they take a few hundred KB; the oldest go first"
)
ADDRESS = Limit("the address of a page", 16 * KIB, "characters", "a link with five hundred actions takes half of it")
FIELD_TEXT = Limit("a text in a field of a page", 16 * KIB, "characters", "no field keeps a quarter of it; the rest is cut")
PAGE_BYTES = Limit("a message of a browser to a page", 1088 * KIB, "bytes", "a page with hundreds of fields takes a tenth")
SAID_BYTES = Limit("a message of a browser on the socket of news", 64 * KIB, "bytes", "a change of a board takes a hundredth")
SAID_MESSAGES = Limit("the messages of one socket of news", 40, "messages a second", "a hand that drags a box sends four")

STUDIO_BYTES = Limit("a message of the editor in Studio", 1088 * KIB, "bytes", "JSON takes two for each line break of a case")
VERSIONS_KEPT = Limit("the earlier texts of a case's file", 50, "versions", "a day of saving; the oldest go first")

ROOMS_PER_CORE = Limit(
    "the interview rooms of a server", 3, "rooms at once for each core", "six on two cores were quick; CASESIM_ROOMS changes it"
)

SESSION_EVENTS = Limit("the log of a session", 5000, "events", "the last thousand are kept for interviewer, ratings and end")
OWN_EVENTS = Limit("the candidate's part of the log of a session", 4000, "events", "a busy hour has an eighth of it")
SESSION_TEXT = Limit("a text of an event", 4000, "characters", "a page and a half; a long answer takes a third of it")
SESSION_PAYLOAD = Limit("an event of a session", 64 * KIB, "bytes", "the longest text in any script fits")
SESSION_FILE = Limit("a file of sessions", 32 * MIB, "bytes", "a few hundred busy sessions")
SESSION_DEPTH = Limit("the nesting of a file of sessions", 20, "levels", "the deepest place in one is at 10")

LABELS_FILE = Limit("the labels of a data set", 512 * MIB, "bytes", "those of COCO's training images take 450 MB")
IMAGE_PIXELS = Limit("a picture of a data set", 50_000_000, "pixels", "a camera has as many; decoded they take 150 MB")


def every() -> list[Limit]:
    return [limit for limit in globals().values() if isinstance(limit, Limit)]
