import os
import subprocess
import sys

import pytest
from pydantic import BaseModel, ValidationError

from simulator.evidence.evidence_files import content_hash, first_fault, in_one_step


class Inner(BaseModel):
    rows: list[int]


class Outer(BaseModel):
    inner: Inner


def test_what_is_written_stands_there_whole_and_nothing_beside_it(tmp_path):
    path = tmp_path / "new" / "report.json"
    with in_one_step(path) as part:
        part.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_writer_leaves_the_old_file_and_no_remains(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), in_one_step(path) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_swept_away_and_what_another_is_writing_is_not(tmp_path):
    path = tmp_path / "report.json"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, others = (tmp_path / f".report.json.{pid}-0123abcd.part" for pid in (gone.pid, os.getpid()))
    left.touch()
    others.touch()
    with in_one_step(path) as part:
        part.write_text("whole")
    assert sorted(tmp_path.iterdir()) == [others, path]


def test_a_fault_names_file_field_and_what_is_wrong(tmp_path):
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"inner": {"rows": [1, "x"]}})
    told = first_fault(tmp_path / "a.json", caught.value)
    assert told.startswith(f"{tmp_path / 'a.json'}: inner.rows.1: Input should be a valid integer")
    assert told.endswith("got x")
    assert "\n" not in told


def test_the_same_content_has_the_same_hash_wherever_it_lies_and_another_has_another(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    two.write_text("a")
    before = content_hash(one)
    assert (len(before), content_hash(two)) == (12, before)
    one.write_text("b")
    os.utime(one, ns=(1, 1))  # clocks of file systems may be coarse
    assert content_hash(one) != before
