"""Tables: scores that a person imports, sidecars beside them, and what monitors compare."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from simulator.errors import InputError
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.score_import import ImportOptions, import_scores
from simulator.evidence.score_tables import load_scores
from simulator.metrics.roc import score_summary
from simulator.monitors.drift_report import ReportRequest, compare
from simulator.monitors.monitor_tables import read_table
from simulator.paths import SCORES
from tests.fuzz.mutate import ANYTHING, as_yaml, changed_text, changed_tree, drawn
from tests.fuzz.runner import Kind, Refusal, Trial

_CELLS = (
    b"", b" ", b"nan", b"inf", b"1e999", b"-1", b"2", b"0.5", b"1" * 400, b"x" * 5000, b'"', b'"a', b"\x00", b"\xff",
    b"\x1b[2J",
    b"=1+1", b"true", b"\r", b"\r\n", b";", b"\t", b",,,", b"\xef\xbb\xbf", b"label", b"score", b"../x", b"\xe2\x80\xae",
    b"'" * 3, b"label,score\n", b"\n" * 500,
)  # fmt: skip


def _scores(rows: int, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    lines = [f"i{row},p{row // 2},{row % 2},{rng.uniform():.4f}" for row in range(rows)]
    return "\n".join(["item,patient,label,score", *lines, ""]).encode()


def _changed(text: bytes, random: Random) -> tuple[bytes, str]:
    told = []
    for _ in range(random.choice((1, 1, 2, 3))):
        text, how = changed_text(text, random, _CELLS)
        told.append(how)
    return text, "; ".join(told)


def score_trials(begin: int, count: int) -> Iterator[Trial]:
    """Scores to import, with lines, cells or bytes changed."""
    random = Random(begin)
    for number in range(count):
        text, how = _changed(_scores(random.choice((70, 70, 70, 5, 0)), number), random)
        yield Trial(f"{number:05d}", {"scores.csv": text}, changed=how)


def try_scores(trial: Trial, folder: Path) -> Refusal | None:
    """Import them, and judge the tables that they make."""
    file, made = folder / "scores.csv", folder / "made"
    try:
        names = import_scores("scores.csv", file.read_bytes(), ImportOptions(), made, folder).names
    except EvidenceError as error:
        return Refusal(str(error), str(error).startswith("scores.csv"))
    for name in names:
        score_summary(name, made)
    return None


_SIDECAR = {
    "kind": "measured", "model": "tiny", "precision": "fp32", "source": "a test", "dataset": "a test", "head": "none",
    "items": 70,
    "positives": 35, "patients": 35, "attribution": "nobody", "date": "2026-01-01",
}  # fmt: skip
_CURVE = YAML(typ="safe", pure=True).load(SCORES / "published.skinvision_resnet50x3.fp32.yaml")


def sidecar_trials(begin: int, count: int) -> Iterator[Trial]:
    """Tables whose sidecar or whose rows are changed."""
    random, extra = Random(begin), drawn(ANYTHING, 100, begin)
    for number in range(count):
        tree, how = changed_tree(random.choice((_SIDECAR, _SIDECAR, _CURVE)), random, extra)
        about, rows = as_yaml(tree), _scores(70, number)
        if random.random() < 0.3:
            about, how = _changed(as_yaml(_SIDECAR), random)
        elif random.random() < 0.3:
            about, (rows, how) = as_yaml(_SIDECAR), _changed(rows, random)
        yield Trial(f"{number:05d}", {"t.tiny.fp32.yaml": about, "t.tiny.fp32.csv": rows}, changed=how)


def try_sidecar(trial: Trial, folder: Path) -> Refusal | None:
    """Read the table as a case does, and judge it."""
    try:
        load_scores("t.tiny.fp32", folder)
        score_summary("t.tiny.fp32", folder)
    except EvidenceError as error:
        return Refusal(str(error), "t.tiny.fp32" in str(error))
    return None


def _watched(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    columns = {"seen": np.arange(40) * 60.0, "brightness": rng.normal(size=40), "objects": rng.poisson(3, 40)}
    return pd.DataFrame(columns | {"camera": rng.choice(["a", "b"], 40)}).to_csv(index=False).encode()


def monitor_trials(begin: int, count: int) -> Iterator[Trial]:
    """Two tables for a monitor, one of them changed, a fifth of them Parquet with changed bytes."""
    random = Random(begin)
    for number in range(count):
        reference, production = _watched(0), _watched(number + 1)
        if random.random() < 0.2:
            production, how = changed_text(_parquet(number), random, _CELLS)
            yield Trial(f"{number:05d}", {"reference.csv": reference, "production.parquet": production}, changed=how)
            continue
        production, how = _changed(production, random)
        yield Trial(f"{number:05d}", {"reference.csv": reference, "production.csv": production}, changed=how)


def _parquet(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    return bytes(pd.DataFrame({"seen": np.arange(40.0), "brightness": rng.normal(size=40)}).to_parquet(index=False))


def try_monitor(trial: Trial, folder: Path) -> Refusal | None:
    """Compare them; the name of a changed file is in whatever is said against it."""
    file = next(folder.glob("production.*"))
    try:
        asked = ReportRequest(time="seen", by="camera") if len(trial.changed) % 2 else ReportRequest()
        compare(read_table(folder / "reference.csv"), read_table(file), asked, lambda *_: None)
    except InputError as error:
        return Refusal(str(error), "production" in str(error) or "reference" in str(error))
    return None


SCORE_KIND = Kind("scores", 500, score_trials, try_scores)
SIDECAR_KIND = Kind("sidecars", 500, sidecar_trials, try_sidecar)
MONITOR_KIND = Kind("monitors", 500, monitor_trials, try_monitor)
