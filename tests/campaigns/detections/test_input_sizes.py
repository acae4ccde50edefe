"""Networks at another size of the picture: exact for convolutions, and shifts from shares that are known."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper
from scipy.signal import correlate2d
from scipy.stats import norm

from campaigns.detections.input_sizes import Judged, heights_of, resized, shift_of, side_for, takes_part
from simulator.measure.detector_io import Takes, place
from simulator.metrics.detection_quality import Boxes


@pytest.mark.parametrize(("side", "part", "square"), [(416, 0.75, 320), (416, 0.5, 224), (352, 0.5, 192), (640, 0.75, 480)])
def test_the_picture_lies_on_the_smallest_square_that_holds_it(side, part, square):
    takes = takes_part(Takes(side, "corner"), part)
    assert (side_for(side, part), takes.side) == (square, square)
    assert place(1000, 500, takes).scale[0] == pytest.approx(part * side / 1000)


def network(path, side, kernel):
    """A convolution, then a reshape to rows of cells and back, as channels are shuffled, with the side in its shapes."""
    shapes = {"flat": [1, 1, side * side], "back": [1, 1, side, side]}
    weights = [numpy_helper.from_array(kernel[None, None], "kernel")]
    weights += [numpy_helper.from_array(np.array(shape, np.int64), name) for name, shape in shapes.items()]
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["seen"], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["seen", "flat"], ["cells"]),
        helper.make_node("Reshape", ["cells", "back"], ["answer"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, side, side]) for name in ("image", "answer")]
    model = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], weights))
    model.ir_version, model.opset_import[0].version = 8, 13
    onnx.save(model, path)


def test_a_resized_network_convolves_as_ever(tmp_path):
    rng = np.random.default_rng(1)
    kernel = rng.standard_normal((3, 3)).astype(np.float32)
    network(tmp_path / "net.onnx", 16, kernel)
    model = resized(tmp_path / "net.onnx", 64, 32)  # of a stride of 4: 16 cells become 8
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 8
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 8
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    image = rng.standard_normal((8, 8)).astype(np.float32)
    [answer] = session.run(None, {"image": image[None, None]})
    assert answer[0, 0] == pytest.approx(correlate2d(image, kernel, "same"), abs=1e-4)


def test_the_shift_of_boxes_with_one_recall_is_a_difference_of_quantiles():
    found = np.arange(200) < 60
    [shift] = shift_of(np.full((1, 200), 0.5), found, np.ones((1, 200)))
    assert shift == pytest.approx(norm.ppf(0.3) - norm.ppf(0.5), abs=1e-6)


def test_changes_are_counted_by_height_and_paired_by_object():
    labels = Boxes(np.repeat(np.arange(20), 2), np.zeros(40, int), np.zeros((40, 4)))
    height = np.tile([10.0, 100.0], 20)
    usual, smaller = np.tile([True, True], 20), np.tile([False, True], 20)
    rows = {row["low_px"]: row for row in heights_of(Judged(labels, height, usual, smaller, 0.5, 20, 1), "net")}
    assert (rows[0.0]["change"], rows[0.0]["change_low"], rows[0.0]["change_high"]) == (-1, -1, -1)
    assert (rows[80.0]["boxes"], rows[80.0]["change"]) == (20, 0)
