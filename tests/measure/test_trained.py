from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from simulator.measure.onnx_export import ExportError, adopt, multiply_adds_in, weights_in

pytestmark = pytest.mark.zoo

WEIGHTS = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)


def write(folder: Path, nodes: list[onnx.NodeProto], **constants: np.ndarray) -> Path:
    """A file for one image of 8 x 8, in an old version of the operators, with its weights among its inputs."""
    tensors = [numpy_helper.from_array(value, name) for name, value in ({"weights": WEIGHTS} | constants).items()]
    image = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, 8, 8])
    weights = helper.make_tensor_value_info("weights", TensorProto.FLOAT, [4, 3, 3, 3])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, None)
    convolution = helper.make_node("Conv", ["pixels", "weights"], ["features"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    graph = helper.make_graph([convolution, *nodes], "net", [image, weights], [answer], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    file = folder / "net.onnx"
    onnx.save(onnx.shape_inference.infer_shapes(model), file)
    return file


def reshape(sizes: list[int], source: str = "features", target: str = "answer") -> tuple[onnx.NodeProto, np.ndarray]:
    return helper.make_node("Reshape", [source, f"{target}_sizes"], [target]), np.array(sizes, dtype=np.int64)


@pytest.mark.parametrize("sizes", [[1, 4, 64], [1, 4, -1], [2, 2, 64]], ids=str)
def test_many_images_are_answered_as_one_by_one(tmp_path: Path, sizes: list[int]) -> None:
    first, first_sizes = reshape(sizes, target="between")
    last, last_sizes = reshape([1, 4, 64], source="between")
    file = write(tmp_path, [first, last], between_sizes=first_sizes, answer_sizes=last_sizes)
    images = np.random.default_rng(1).random((5, 3, 8, 8), dtype=np.float32)
    one = ort.InferenceSession(str(file))
    expected = np.concatenate([one.run(None, {"pixels": images[number : number + 1]})[0] for number in range(5)])
    adopt(file, tmp_path / "free.onnx")
    free = ort.InferenceSession(str(tmp_path / "free.onnx"))
    assert [given.name for given in free.get_inputs()] == ["image"]
    np.testing.assert_allclose(free.run(None, {"image": images})[0], expected, rtol=1e-5, atol=1e-5)


def test_resizing_to_sizes_is_freed_too(tmp_path: Path) -> None:
    resize = helper.make_node("Resize", ["features", "none", "none", "sizes"], ["answer"], mode="nearest")
    file = write(tmp_path, [resize], none=np.array([], dtype=np.float32), sizes=np.array([1, 4, 16, 24], dtype=np.int64))
    adopt(file, tmp_path / "free.onnx")
    images = np.ones((3, 3, 8, 8), dtype=np.float32)
    assert ort.InferenceSession(str(tmp_path / "free.onnx")).run(None, {"image": images})[0].shape == (3, 4, 16, 24)


def test_a_network_that_mixes_its_images_is_refused_and_not_written(tmp_path: Path) -> None:
    mean = helper.make_node("ReduceMean", ["features"], ["answer"], axes=[0], keepdims=1)
    file = write(tmp_path, [mean])
    with pytest.raises(ExportError, match="its batch axis cannot be freed"):
        adopt(file, tmp_path / "free.onnx")
    assert list(tmp_path.iterdir()) == [file]


def test_sizes_counted_by_hand(tmp_path: Path) -> None:
    node, sizes = reshape([1, 4, 64])
    adopt(write(tmp_path, [node], answer_sizes=sizes), tmp_path / "free.onnx")
    model = onnx.load(tmp_path / "free.onnx")
    assert weights_in(model) == 4 * 27
    assert multiply_adds_in(model, [3, 8, 8]) == 8 * 8 * 4 * 27
