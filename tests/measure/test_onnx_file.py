"""Files that people bring: what is wrong with one is told in a sentence."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from simulator.errors import InputError
from simulator.limits import Limit
from simulator.measure import onnx_file
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.onnx_file import read_onnx
from tests.hostile import elsewhere
from tests.measure.conftest import OnnxMaker

pytestmark = pytest.mark.zoo

KERNEL = np.zeros((8, 3, 3, 3), np.float32)


def told(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_onnx(path).open("cpu")
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"a text that somebody renamed", "is no ONNX file, or a damaged or truncated one"),
        (b"PK\x03\x04 archive/data.pkl", "is no ONNX file: it is a zip archive, such as torch.save writes"),
        (b"\x1c\x00\x00\x00TFL3 more", "is no ONNX file: it is a TensorFlow Lite file"),
        (b"\x89HDF\r\n\x1a\n", "is no ONNX file: it is an HDF5 file"),
        (b"version https://git-lfs.github.com/spec/v1", "is no ONNX file: it is a Git LFS pointer"),
    ],
)
def test_what_is_no_onnx_file_is_told_what_it_is(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "x.onnx").write_bytes(content)
    assert told(tmp_path / "x.onnx").startswith(sentence)


def test_an_absent_file_and_a_folder_are_told(tmp_path: Path) -> None:
    assert "No such file" in told(tmp_path / "x.onnx")
    assert "cannot be read" in told(tmp_path)


def test_a_file_cut_anywhere_is_refused(make_onnx: OnnxMaker, tmp_path: Path) -> None:
    whole = make_onnx(op="Conv", weights=[numpy_helper.from_array(KERNEL, "w")]).read_bytes()
    cut = tmp_path / "cut.onnx"
    for length in range(1, len(whole), 7):
        cut.write_bytes(whole[:length])
        assert told(cut)


def test_weights_in_another_file_are_missed_by_name(make_onnx: OnnxMaker) -> None:
    saved = {"save_as_external_data": True, "location": "net.bin", "size_threshold": 0}
    path = make_onnx(op="Conv", weights=[numpy_helper.from_array(KERNEL, "w")], **saved)
    file = read_onnx(path)
    assert file.files == (path, path.with_name("net.bin"))
    assert file.file_bytes == path.stat().st_size + KERNEL.nbytes
    before = file.sha256
    path.with_name("net.bin").write_bytes(b"\x01" * KERNEL.nbytes)
    assert read_onnx(path).sha256 != before
    path.with_name("net.bin").write_bytes(b"\x01" * 10)
    assert told(path).startswith("its weights are in the file 'net.bin', which is truncated: 10 bytes of 864")
    path.with_name("net.bin").unlink()
    assert told(path).startswith("its weights are in the file 'net.bin', which is missing")


def test_an_operator_of_ones_own_is_named(make_onnx: OnnxMaker) -> None:
    assert "operators that ONNX Runtime" in (text := told(make_onnx(op="Warp", domain="my.ops")))
    assert "my.ops.Warp" in text


def test_an_opset_that_the_runtime_does_not_know_is_told_with_the_newest_it_does(make_onnx: OnnxMaker) -> None:
    assert told(make_onnx(opset=999)).startswith("is written in opset 999, and ONNX Runtime")


def test_an_operator_that_the_opset_lacks_is_named(make_onnx: OnnxMaker) -> None:
    assert told(make_onnx(op="Warp")).startswith("uses the operator Warp, which opset 17 does not have")


@pytest.mark.parametrize(("dtype", "precision"), [(np.float32, "fp32"), (np.float16, "fp16")])
def test_the_precision_is_that_of_most_weights(make_onnx: OnnxMaker, dtype: type, precision: str) -> None:
    file = read_onnx(make_onnx(op="Conv", weights=[numpy_helper.from_array(KERNEL.astype(dtype), "w")]))
    assert (file.precision, file.parameters) == (precision, 8 * 3 * 3 * 3)


def test_quantizing_operators_make_it_int8(make_onnx: OnnxMaker) -> None:
    scale = numpy_helper.from_array(np.float32(1), "scale")
    assert read_onnx(make_onnx(op="QuantizeLinear", weights=[scale])).precision == "int8"


def test_a_model_of_no_nodes_holds_no_network(tmp_path: Path) -> None:
    onnx.save(onnx.ModelProto(ir_version=9), tmp_path / "x.onnx")
    assert told(tmp_path / "x.onnx").startswith("holds no network")


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    "location", ["../there.bin", "../nowhere.bin", "/etc/passwd", "/etc/nothing", "out", "nowhere", "", ".", "..", "a/b", "\\a"]
)
def test_of_a_file_elsewhere_nothing_is_told(location: str, inside: bool, tmp_path: Path) -> None:
    (tmp_path / "there.bin").write_bytes(b"1234")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path / "there.bin")
    (folder / "nowhere").symlink_to(tmp_path / "nowhere.bin")
    assert told(elsewhere(folder / "net.onnx", location, inside)) == (
        f"its weights are in the file '{location}'; expected the plain name of a file in the folder of the ONNX file, and no "
        "link out of it: put the weights beside it, and export it so"
    )


@pytest.mark.parametrize("inside", [False, True])
def test_weights_beside_the_file_are_taken(inside: bool, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"1234")
    assert read_onnx(elsewhere(tmp_path / "net.onnx", "w.bin", inside)).file_bytes > 4


@pytest.mark.parametrize("told_", [{"length": "abc"}, {"offset": "-4"}, {"length": "4.0"}, {"offset": "9" * 5000}])
def test_where_weights_lie_is_told_in_whole_bytes(told_: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"1234")
    [(key, value)] = told_.items()
    expected = f"says that the {key} of weights in another file is '{value[:40]}'; expected a whole number of bytes"
    assert told(elsewhere(tmp_path / "net.onnx", "w.bin", **told_)) == expected


def test_a_device_and_a_pipe_are_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    assert told(tmp_path / "pipe.onnx") == "cannot be read: it is a pipe; expected a file"
    assert told(Path("/dev/zero")) == "cannot be read: it is a device; expected a file"


def test_more_weights_than_are_measured_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "ONNX_WEIGHTS", Limit("weights", 1_000, "bytes", "a test"))
    (tmp_path / "w.bin").write_bytes(b"1" * 1_000)
    assert "bytes long with its weights, and at most 1,000 bytes are measured" in told(elsewhere(tmp_path / "n.onnx", "w.bin"))


def test_weights_in_a_file_of_a_name_too_long_are_missed(make_onnx: OnnxMaker) -> None:
    weight = onnx.TensorProto(name="w", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="x" * 5000)
    path = make_onnx()
    model = onnx.load(path)
    model.graph.initializer.append(weight)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CannotMeasureError, match="which is missing"):
        read_onnx(path)
