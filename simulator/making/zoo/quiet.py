"""Silence for the tools that export and quantize; importable without torch."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import onnxruntime as ort

#: Severities of ONNX Runtime's log.
_WARNINGS, _ERRORS_ONLY = 2, 3


@contextmanager
def quiet_tools() -> Iterator[None]:
    """Silences the exporters' and quantizers' advice, which is not for the person who measures."""
    logging.disable(logging.WARNING)
    ort.set_default_logger_severity(_ERRORS_ONLY)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
        ort.set_default_logger_severity(_WARNINGS)
