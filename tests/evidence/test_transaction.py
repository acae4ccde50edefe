"""A change of several files is made whole or not at all, wherever it is interrupted, and a reader never sees a mixture."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import pytest

from simulator.evidence import evidence_files
from simulator.evidence.evidence_files import PENDING, EvidenceError, changing, differences, read_together
from simulator.evidence.score_import import ImportOptions, delete_scores, import_scores
from simulator.evidence.score_tables import load_scores, score_names

MODELS = ("a", "b", "c")


def killed_before(step, folder, content):
    """Import with --overwrite, and be killed before the step of that number that touches the folder."""
    steps = count()

    def counted(function):
        def call(*words, **options):
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*words, **options)

        return call

    Path.replace = counted(Path.replace)
    evidence_files._write = counted(evidence_files._write)
    evidence_files.shutil.rmtree = counted(evidence_files.shutil.rmtree)
    import_scores("t.csv", content, ImportOptions(overwrite=True), folder)


def scores(items, models=MODELS):
    """A CSV of scores of so many items for each model."""
    rows = [f"{item % 2},0.{item + 1:03d},i{item},{model}" for model in models for item in range(items)]
    return "\n".join(["label,score,item,model", *rows, ""]).encode()


def sizes(folder):
    """Items of each table there; raises where rows and sidecar do not fit, or a file is not as its manifest says."""
    return {load_scores(name, folder).about.items for name in score_names(folder)}


def leftovers(folder):
    return [*folder.rglob(PENDING), *folder.rglob("*.part")]


@pytest.mark.long
def test_an_import_that_is_killed_at_any_step_leaves_the_old_tables_or_the_new_ones(tmp_path):
    folder, forked, seen = tmp_path / "own", get_context("fork"), set()
    for step in count():
        import_scores("t.csv", scores(60), ImportOptions(overwrite=True), folder)
        killed = forked.Process(target=killed_before, args=(step, folder, scores(70)))
        killed.start()
        killed.join()
        found = sizes(folder)
        assert found in ({60}, {70}), f"killed before step {step}"
        seen |= found
        with changing(folder):
            pass
        assert leftovers(folder) == []
        assert not differences(folder)
        if killed.exitcode == 0:
            break
    assert step > len(MODELS) * 2
    assert seen == {60, 70}


@pytest.mark.long
def test_an_import_that_is_killed_at_random_fifty_times_is_never_half_there(tmp_path):
    folder, content, rng = tmp_path / "casesim" / "scores", tmp_path / "t.csv", random.Random(1)
    importing = [sys.executable, "-m", "simulator.cli", "scores", "import", str(content), "--overwrite"]
    environment = os.environ | {"XDG_DATA_HOME": str(tmp_path)}
    content.write_bytes(scores(60))
    began = time.monotonic()
    subprocess.run(importing, env=environment, check=True, capture_output=True)
    took = time.monotonic() - began
    for round_ in range(50):
        content.write_bytes(scores(61 + round_))
        process = subprocess.Popen(importing, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(took * rng.uniform(0.6, 1.1))
        process.kill()
        process.wait()
        found = sizes(folder)
        assert len(found) == 1, f"round {round_}: tables of {sorted(found)} items"
        with changing(folder):
            pass
        assert leftovers(folder) == []
        assert not differences(folder)


def test_of_two_imports_at_once_exactly_one_succeeds_unless_told_to_overwrite(tmp_path):
    def importing(items, overwrite):
        try:
            import_scores("t.csv", scores(items), ImportOptions(overwrite=overwrite), tmp_path / "own")
        except EvidenceError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda items: importing(items, False), range(60, 68)))
        assert sorted(bool(sentence) for sentence in told) == [False] + 7 * [True]
        assert all("is there already" in sentence for sentence in told if sentence)
        assert not any(pool.map(lambda items: importing(items, True), range(60, 68)))
    assert len(sizes(tmp_path / "own")) == 1


def test_who_reads_while_others_import_sees_whole_tables(tmp_path):
    folder = tmp_path / "own"
    import_scores("t.csv", scores(60), ImportOptions(), folder)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(
            lambda: [import_scores("t.csv", scores(60 + n % 2), ImportOptions(overwrite=True), folder) for n in range(20)]
        )
        while not writing.done():
            assert load_scores("mine.a.fp32", folder).about.items in (60, 61)
        writing.result()


def test_a_full_disk_is_a_sentence_and_nothing_was_written(tmp_path, monkeypatch):
    folder, calls, written = tmp_path / "own", count(), evidence_files._write
    import_scores("t.csv", scores(60), ImportOptions(), folder)

    def full(path, content):
        if next(calls) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        written(path, content)

    monkeypatch.setattr(evidence_files, "_write", full)
    with pytest.raises(EvidenceError, match=r"own: cannot be written: No space left on device; nothing was changed"):
        import_scores("t.csv", scores(70), ImportOptions(overwrite=True), folder)
    assert sizes(folder) == {60}
    assert leftovers(folder) == []


def test_a_folder_that_is_read_only_is_a_sentence(tmp_path, monkeypatch):
    def refused(path, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(EvidenceError, match=r"own: cannot be written: Read-only file system; nothing was changed"):
        import_scores("t.csv", scores(60), ImportOptions(), tmp_path / "own")


def test_a_change_whose_body_fails_changes_nothing(tmp_path):
    with pytest.raises(KeyError), changing(tmp_path) as change:
        change.write(tmp_path / "a", b"x")
        raise KeyError
    assert not (tmp_path / "a").exists()
    assert leftovers(tmp_path) == []


def test_files_that_belong_together_are_all_old_or_all_new(tmp_path, monkeypatch):
    """Interrupted between the two files of a table: the next reader sees both as they were to be."""
    with changing(tmp_path) as change:
        for name in ("a", "b"):
            change.write(tmp_path / name, b"old")
    with monkeypatch.context() as patched, changing(tmp_path) as change:
        patched.setattr(evidence_files, "settle", lambda root: (root / PENDING / "a").replace(root / "a"))
        for name in ("a", "b"):
            change.write(tmp_path / name, b"new")
    assert [path.read_bytes() for path in (tmp_path / "a", tmp_path / "b")] == [b"new", b"old"]
    assert read_together([tmp_path / "a", tmp_path / "b"]) == [b"new", b"new"]
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("step", range(3))
def test_a_removal_that_is_interrupted_is_made_or_is_not(tmp_path, step, monkeypatch):
    """Before the new manifest is in its place the file comes back; after it the file is gone."""
    with changing(tmp_path) as change:
        change.write(tmp_path / "a", b"old")
    moves, moved = count(), Path.replace

    def interrupted(path, target):
        if next(moves) == step:
            raise KeyboardInterrupt
        return moved(path, target)

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt), changing(tmp_path) as change:
        patched.setattr(Path, "replace", interrupted)
        patched.setattr(evidence_files, "settle", lambda root: None)
        change.remove(tmp_path / "a")
    with changing(tmp_path):
        pass
    assert (tmp_path / "a").exists() == (step < 2)
    assert not differences(tmp_path)
    assert leftovers(tmp_path) == []


def test_a_table_of_ones_own_can_be_deleted_and_no_other(tmp_path):
    import_scores("t.csv", scores(60), ImportOptions(), tmp_path)
    delete_scores("mine.b.fp32", tmp_path)
    assert score_names(tmp_path) == ["mine.a.fp32", "mine.c.fp32"]
    assert not differences(tmp_path)
    with pytest.raises(EvidenceError, match=r"there is no table 'mine.b.fp32' of your own; did you mean"):
        delete_scores("mine.b.fp32", tmp_path)
    with pytest.raises(EvidenceError, match="comes with CaseSim"):
        delete_scores("published.skinvision_resnet50x3.fp32", tmp_path)
