"""What a person names is read only where it is a regular file, and no more of it than is allowed."""

import os
import socket
import subprocess
import tracemalloc
from pathlib import Path

import pytest

from simulator.files import UnreadableError, make_folders, read_within
from simulator.limits import Limit

TEN = Limit("a file of the tests", 10, "bytes", "enough for a test")


def refused(path: Path) -> str:
    with pytest.raises(UnreadableError) as error:
        read_within(path, TEN)
    assert str(error.value) == f"{path}: {error.value.reason}"
    return error.value.reason


@pytest.mark.parametrize("size", [0, 9, 10])
def test_a_file_within_the_limit_is_read_whole(tmp_path, size):
    (path := tmp_path / "x").write_bytes(b"a" * size)
    assert read_within(path, TEN) == b"a" * size


def test_a_longer_file_is_refused_with_the_limit(tmp_path):
    (path := tmp_path / "x").write_bytes(b"a" * 11)
    assert refused(path) == "is longer than 10 bytes, the most that is read"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="has no such device")
def test_a_device_without_an_end_is_refused(tmp_path):
    (link := tmp_path / "case.yaml").symlink_to("/dev/zero")
    for path in (Path("/dev/zero"), link):
        assert refused(path) == "cannot be read: it is a device; expected a file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with a name")
def test_a_pipe_that_nobody_writes_to_does_not_block(tmp_path):
    os.mkfifo(path := tmp_path / "x")
    assert "it is a pipe" in refused(path)


def test_a_folder_a_loop_and_what_is_not_there_are_refused(tmp_path):
    (loop := tmp_path / "loop").symlink_to(loop)
    for path in (tmp_path, loop, tmp_path / "none", tmp_path / ("x" * 300), tmp_path / "a\0b"):
        assert refused(path).startswith("cannot be read: ")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="has no such sockets")
def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("s")
        assert refused(Path("s")).startswith("cannot be read: ")


def test_a_file_that_claims_to_be_empty_is_read_all_the_same():
    """What lies in /proc has no size."""
    claims = Path("/proc/self/status")
    if not claims.exists():
        pytest.skip("has no /proc")
    assert claims.stat().st_size == 0
    assert "is longer than" in refused(claims)


def test_a_short_file_takes_no_memory_for_all_that_is_allowed(tmp_path):
    (tmp_path / "short").write_bytes(b"x")
    tracemalloc.start()
    assert read_within(tmp_path / "short", Limit("a file", 2**30, "bytes", "a test")) == b"x"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_folders_are_made_however_many_lie_in_each_other(tmp_path):
    deep = tmp_path.joinpath(*["a"] * 1200)
    make_folders(deep)
    make_folders(deep)
    assert deep.is_dir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileExistsError):
        make_folders(tmp_path / "file")
    with pytest.raises(OSError, match="too long"):
        make_folders(tmp_path / ("b" * 300) / "c")
    subprocess.run(["rm", "-rf", tmp_path / "a"], check=True)  # pytest's own way calls itself for each level
