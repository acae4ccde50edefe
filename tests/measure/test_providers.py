import pytest

from simulator.measure import onnx_runtime as providers
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.onnx_runtime import check_provider, provider_list

pytestmark = pytest.mark.zoo


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = ["CUDAExecutionProvider", "AzureExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(providers.ort, "get_available_providers", lambda: offered)


@pytest.mark.usefixtures("here")
def test_what_onnx_runtime_offers_is_taken() -> None:
    assert [check_provider(name) for name in ("cpu", "cuda")] == ["cpu", "cuda"]
    assert provider_list("cuda") == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert provider_list("cpu") == ["CPUExecutionProvider"]


@pytest.mark.usefixtures("here")
def test_what_it_does_not_offer_is_told_with_what_it_does() -> None:
    with pytest.raises(CannotMeasureError, match=r"does not offer openvino here, it offers: cpu, cuda; .*onnxruntime-openvino"):
        check_provider("openvino")


@pytest.mark.usefixtures("here")
def test_an_unknown_provider_is_told_with_those_there_are() -> None:
    with pytest.raises(
        CannotMeasureError, match="no provider 'gpu'; there are: cpu, cuda, tensorrt, openvino, coreml; here: cpu"
    ):
        check_provider("gpu")
