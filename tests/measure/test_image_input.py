"""What a model takes: found where its input says so, asked for where it does not, refused where it is no image."""

import numpy as np
import pytest
from onnx import numpy_helper

from simulator.measure.guarded import CannotMeasureError
from simulator.measure.onnx_file import Shape, find_image, read_onnx, read_shape
from tests.measure.conftest import Axes, OnnxMaker

pytestmark = pytest.mark.zoo

BATCHES = (1, 2, 4)


@pytest.fixture
def look(make_onnx: OnnxMaker):
    """Shape of one item and the batch size, where fixed, of a model over these axes."""

    def found(axes: Axes, given: Shape | None = None, **made: object) -> tuple[Shape, int | None, str]:
        path = make_onnx(axes=axes, **{"op": "Identity"} | made)
        session = read_onnx(path).open("cpu")
        image = find_image(path, session)
        shape = image.shape(given)
        return shape, *image.batch(session, shape, BATCHES)

    return found


@pytest.mark.parametrize("dtype", ["FLOAT", "FLOAT16", "DOUBLE", "UINT8", "INT8"])
@pytest.mark.parametrize("item", [(3, 8, 9), (8, 9, 3), (1, 8, 9), (8, 9, 1), (4, 8, 9)])
def test_images_of_each_type_and_layout_are_found(look, item: Shape, dtype: str) -> None:
    assert look(("N", *item), dtype=dtype) == (item, None, "")


@pytest.mark.parametrize(("axes", "given"), [(("N", 3, "H", "W"), (3, 8, 9)), ((None, None, None, None), (8, 9, 3))])
def test_free_sizes_are_asked_for_and_taken(look, axes: Axes, given: Shape) -> None:
    with pytest.raises(CannotMeasureError, match=r"leaves the size of its input 'image'.*open.*--input-shape 3,640,640"):
        look(axes)
    assert look(axes, given)[0] == given


def test_channels_last_are_asked_for_in_their_own_order(look) -> None:
    with pytest.raises(CannotMeasureError, match="such as --input-shape 640,640,3"):
        look(("N", "H", "W", 3))


def test_a_shape_that_does_not_fit_is_refused(look) -> None:
    with pytest.raises(CannotMeasureError, match=r"--input-shape 3,9,9 does not fit its input 'image' \(\?, 3, 8, 9\)"):
        look(("N", 3, 8, 9), (3, 9, 9))


def test_other_channels_are_taken_on_the_persons_word(look) -> None:
    with pytest.raises(CannotMeasureError, match=r"does not look like an image.*say so with --input-shape 12,8,9"):
        look(("N", 12, 8, 9))
    assert look(("N", 12, 8, 9), (12, 8, 9))[0] == (12, 8, 9)


@pytest.mark.parametrize(
    ("axes", "made", "sentence"),
    [
        (("N", 128), {}, r"is no vision model: its input 'image' has the shape \(N, 128\)"),
        (("N", 128), {"dtype": "INT64"}, "is no vision model: its input 'image' .* holds int64; images hold one of float32"),
        (("N", "tokens", 768), {}, "is no vision model"),
        (("N", 3, 8, 8, 8), {}, "is no vision model"),
        (("N", 3, 8, 9), {"dtype": "STRING"}, "is no vision model: .* holds string"),
        (("N", 3, 8, 9), {"more_inputs": [("mask", ("N", 7))]}, r"has 2 inputs, 'image' \(N, 3, 8, 9\), 'mask' \(N, 7\)"),
    ],
)
def test_what_takes_no_image_is_no_vision_model(look, axes: Axes, made: dict[str, object], sentence: str) -> None:
    with pytest.raises(CannotMeasureError, match=sentence):
        look(axes, **made)


@pytest.mark.parametrize(
    ("axes", "batch", "sentence"),
    [
        ((1, 3, 8, 9), 1, "has its batch fixed at 1: measured at batch 1 only; for more, re-export"),
        ((4, 3, 8, 9), 4, "has its batch fixed at 4: measured at that only, and cases need batch 1 too"),
        ((3, 8, 9), 1, "takes one image a call and has no batch axis"),
    ],
)
def test_a_fixed_batch_is_told_with_the_way_out(look, axes: Axes, batch: int, sentence: str) -> None:
    _, found, said = look(axes)
    assert found == batch
    assert said.startswith(sentence)


def test_a_batch_axis_that_is_free_in_name_only_is_found_out(look) -> None:
    target = numpy_helper.from_array(np.array([1, 216], np.int64), "target")
    _, batch, said = look(("N", 3, 8, 9), op="Reshape", weights=[target])
    assert batch == 1
    assert said.startswith("has a free batch axis, but fails on a batch of 2")


def test_a_size_that_does_not_run_is_told(look) -> None:
    target = numpy_helper.from_array(np.array([1, 216], np.int64), "target")
    with pytest.raises(CannotMeasureError, match=r"does not run on an image of \(3, 4, 4\): .*reshape"):
        look(("N", 3, "H", "W"), (3, 4, 4), op="Reshape", weights=[target])


def test_an_input_larger_than_the_memory_is_refused_before_it_is_made(look) -> None:
    with pytest.raises(CannotMeasureError, match="GiB are free in all; measure a smaller --batch or --input-shape"):
        look(("N", 3, "H", "W"), (3, 60_000, 60_000))


@pytest.mark.parametrize(("text", "shape"), [("3,224,224", (3, 224, 224)), ("8x9x3", (8, 9, 3)), ("3, 8, 9", (3, 8, 9))])
def test_shapes_are_read(text: str, shape: Shape) -> None:
    assert read_shape(text) == shape


@pytest.mark.parametrize("text", ["", "224", "3,224", "3,-1,4", "3,0,4", "a,b,c", "1,3,224,224", "3,99999999,4"])
def test_what_is_no_shape_is_told(text: str) -> None:
    with pytest.raises(CannotMeasureError, match="expected three numbers, such as 3,224,224"):
        read_shape(text)
