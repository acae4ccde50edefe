import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.fresh_processes import CrashError, Tell, apart, in_fresh_process
from simulator.measure.guarded import RefusedError, at_step
from simulator.measure.quantize import quantize

pytestmark = pytest.mark.zoo


@pytest.mark.long
def test_the_work_is_done_elsewhere() -> None:
    assert in_fresh_process(os.getpid) != os.getpid()
    assert in_fresh_process(divmod, 7, 2) == (3, 1)


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        in_fresh_process(divmod, 7, 0)


@pytest.mark.long
def test_a_crash_ends_the_work_alone_and_counts_as_a_refusal() -> None:
    with pytest.raises(CrashError):
        in_fresh_process(signal.raise_signal, signal.SIGKILL)
    with pytest.raises(RefusedError, match="ONNX Runtime cannot run it: CrashError: its process crashed"), at_step("run"):
        in_fresh_process(signal.raise_signal, signal.SIGSEGV)


def _starting_others(tell: Tell, complaints: Path) -> None:
    """Start one process after the other, each of which complains when its parent has gone."""
    complaint = f"import os; os.read(0, 1); open({str(complaints)!r}, 'a').write('it has gone')"
    for number in range(10_000):
        subprocess.Popen([sys.executable, "-S", "-c", complaint], stdin=subprocess.PIPE)
        if number == 5:
            tell("begun")


@pytest.mark.long
def test_none_that_the_work_is_starting_finds_out_that_it_has_gone(tmp_path: Path) -> None:
    complaints = tmp_path / "complaints"
    for _ in range(5):
        with apart(_starting_others, complaints) as process:
            assert process.heard() == (False, "begun")
        assert process.resident_bytes == 0
    assert not complaints.exists()


def test_a_quantized_network_first_answers_in_a_fresh_process(tiny_onnx: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.onnx"
    quantize(tiny_onnx, made, "int8_dynamic")
    assert made.is_file()
