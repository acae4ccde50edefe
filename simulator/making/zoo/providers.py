"""Execution providers: what ONNX Runtime lets a model run on, by the short names that the command takes."""

import onnxruntime as ort

from simulator.making.zoo.refusals import CannotMeasureError

CPU = "cpu"
PROVIDERS = {
    CPU: "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
#: Which build of ONNX Runtime brings a provider along.
_BUILDS = {
    "cuda": "the package onnxruntime-gpu, on a machine with an NVIDIA GPU",
    "tensorrt": "the package onnxruntime-gpu, with TensorRT installed",
    "openvino": "the package onnxruntime-openvino",
    "coreml": "the package onnxruntime on macOS",
}


def check_provider(name: str) -> str:
    """The name itself where this machine's ONNX Runtime offers it; raises CannotMeasureError that lists what it offers."""
    here = [short for short, full in PROVIDERS.items() if full in ort.get_available_providers()]
    if name in here:
        return name
    if name not in PROVIDERS:
        raise CannotMeasureError(f"there is no provider '{name}'; there are: {', '.join(PROVIDERS)}; here: {', '.join(here)}")
    raise CannotMeasureError(
        f"ONNX Runtime {ort.__version__} does not offer {name} here, it offers: {', '.join(here)}; {name} comes with "
        f"{_BUILDS.get(name, 'every build')}"
    )


def provider_list(name: str) -> list[str]:
    """What a session is to run on: the provider, and the processor for what it cannot do."""
    return list(dict.fromkeys([PROVIDERS[name], PROVIDERS[CPU]]))
