import pytest

from simulator.measure.guarded import CannotMeasureError, RefusedError, at_step

pytestmark = pytest.mark.zoo


def test_what_a_tool_raises_is_told_with_its_step_kind_and_first_line() -> None:
    with pytest.raises(RefusedError) as refused, at_step("quantize"):
        raise TypeError("\n no such operator \nand a page of advice")
    assert refused.value.step == "quantize"
    assert str(refused.value) == "the quantizer cannot convert it: TypeError: no such operator"


def test_a_tool_that_says_nothing_is_named() -> None:
    with pytest.raises(RefusedError, match=r"^it cannot be turned into ONNX: AssertionError$"), at_step("export"):
        raise AssertionError


def test_a_long_line_is_cut() -> None:
    with pytest.raises(RefusedError) as refused, at_step("run"):
        raise ValueError("x" * 5000)
    assert len(str(refused.value)) < 400


def test_the_first_step_that_refused_is_the_one_that_is_told() -> None:
    with pytest.raises(RefusedError) as refused, at_step("run"), at_step("export"):
        raise ValueError("no")
    assert refused.value.step == "export"


@pytest.mark.parametrize("error", [CannotMeasureError, ModuleNotFoundError, KeyboardInterrupt])
def test_what_is_no_fault_of_the_model_passes(error: type[BaseException]) -> None:
    with pytest.raises(error), at_step("quantize"):
        raise error("no such folder")
