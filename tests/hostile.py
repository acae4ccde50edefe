"""ONNX files that a stranger might bring: calls without an end, calls that take all memory, weights that lie elsewhere."""

from pathlib import Path

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

_IMAGE = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 16, 16])
_ANSWER = helper.make_tensor_value_info("answer", TensorProto.FLOAT, None)
_LARGEST = helper.make_node("ReduceMax", ["image"], ["largest"], axes=[0, 1, 2, 3], keepdims=0)


def endless(path: Path, trips: int = 2**62) -> Path:
    """A loop that doubles a number so often."""
    one = numpy_helper.from_array(np.array([1], np.int64), "one")
    count = numpy_helper.from_array(np.array(trips, np.int64), "trips")
    first = helper.make_node("Reshape", ["largest", "one"], ["first"])
    loop = helper.make_node("Loop", ["trips", "", "first"], ["answer"], body=_doubling())
    return _saved(path, [_LARGEST, first, loop], [one, count])


def _doubling() -> GraphProto:
    info = helper.make_tensor_value_info
    given = [info("trip", TensorProto.INT64, []), info("on", TensorProto.BOOL, []), info("number", TensorProto.FLOAT, [1])]
    found = [info("still_on", TensorProto.BOOL, []), info("doubled", TensorProto.FLOAT, [1])]
    nodes = [helper.make_node("Identity", ["on"], ["still_on"]), helper.make_node("Add", ["number"] * 2, ["doubled"])]
    return helper.make_graph(nodes, "doubling", given, found)


def hungry(path: Path, gib: float) -> Path:
    """An answer that takes so much memory."""
    side = int((gib * 2**30 / 4) ** 0.5)
    shape = numpy_helper.from_array(np.array([side, side], np.int64), "shape")
    return _saved(path, [_LARGEST, helper.make_node("Expand", ["largest", "shape"], ["answer"])], [shape])


def elsewhere(path: Path, location: str, inside: bool = False, **told: str) -> Path:
    """A weight that lies in another file. inside: in a constant, not among the weights; told: offset and length"""
    weight = TensorProto(name="weight", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, "offset": "0", "length": "4", **told}.items():
        weight.external_data.add(key=key, value=value)
    product = helper.make_node("Mul", ["image", "weight"], ["answer"])
    if inside:
        return _saved(path, [helper.make_node("Constant", [], ["weight"], value=weight), product], [])
    return _saved(path, [product], [weight])


def _saved(path: Path, nodes: list[NodeProto], weights: list[TensorProto]) -> Path:
    graph = helper.make_graph(nodes, "graph", [_IMAGE], [_ANSWER], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())  # not by `onnx.save`, which would look for the weights
    return path
