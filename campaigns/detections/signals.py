"""Signals for a monitor without labels: statistics of an image, of the network's input and of a detector's answers."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from campaigns.detections.conditions import LUMA
from simulator.arrays import Pixels
from simulator.evidence.detection_tables import BINS
from simulator.measure.detector_io import Floats

_JPEG_QUALITY = 75


def of_image(pixels: Pixels) -> dict[str, float]:
    """Statistics of an image (h, w, 3) in RGB; values of a pixel are parts of white unless said otherwise.

    brightness, contrast: mean and standard deviation of luma
    sharpness: variance of the Laplacian of luma, in grey levels of 0 to 255
    saturation: mean of (largest - least channel) / largest
    red_less_blue: difference of the channels' means
    entropy_bits: of the histogram of luma
    noise: standard deviation that its smallest structures would have as noise (Immerkaer 1996, CVIU 64:300)
    jpeg_bytes_per_pixel: what it takes as JPEG of quality 75
    """
    values = pixels.astype(np.float32)
    luma = values @ LUMA
    largest = values.max(axis=2)
    shares = np.bincount(luma.astype(np.uint8).ravel(), minlength=256) / luma.size
    shares = shares[shares > 0]
    return {
        "brightness": float(luma.mean()) / 255,
        "contrast": float(luma.std()) / 255,
        "sharpness": float(_laplacian(luma).var()),
        "saturation": float(np.mean((largest - values.min(axis=2)) / np.maximum(largest, 1))),
        "red_less_blue": float(values[..., 0].mean() - values[..., 2].mean()) / 255,
        "entropy_bits": float(-(shares * np.log2(shares)).sum()),
        "noise": float(np.sqrt(np.pi / 2) / 6 * np.abs(_laplacian_of_laplacian(luma)).mean()) / 255,
        "jpeg_bytes_per_pixel": _jpeg_bytes(pixels) / luma.size,
    }


def _laplacian(luma: Floats) -> Floats:
    return luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * luma[1:-1, 1:-1]


def _laplacian_of_laplacian(luma: Floats) -> Floats:
    """Differences that flat and sloping surfaces do not show: the mask 1 -2 1, -2 4 -2, 1 -2 1."""
    across = luma[:, :-2] - 2 * luma[:, 1:-1] + luma[:, 2:]
    return np.asarray(across[:-2] - 2 * across[1:-1] + across[2:], np.float32)


def _jpeg_bytes(pixels: Pixels) -> int:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.tell()


def of_input(tensor: Floats) -> dict[str, float]:
    """Statistics of what reaches the network, (3, side, side): mean, standard deviation, first channel less last."""
    means = tensor.mean(axis=(1, 2))
    return {
        "input_mean": float(tensor.mean()),
        "input_std": float(tensor.std()),
        "input_first_less_last": float(means[0] - means[2]),
    }


def of_scores(scores: NDArray[np.floating], false: NDArray[np.bool_]) -> dict[str, float]:
    """Statistics of a detector's scores on one image, (n,), and which of them are false alarms, (n,).

    score_max, score_mean: over detections that reach the lowest bin, 0 where there is none
    found_<bin>, false_<bin>: how many detections, and false ones, have a score in the bin that begins at so many hundredths
    """
    counted = scores[scores >= BINS[0]]
    edges = [*BINS, np.inf]
    bins = np.histogram(scores, edges)[0], np.histogram(scores[false], edges)[0]
    statistics = {"score_max": float(counted.max(initial=0)), "score_mean": float(counted.mean()) if len(counted) else 0.0}
    for kind, counts in zip(("found", "false"), bins, strict=True):
        statistics |= {f"{kind}_{round(100 * low):02d}": int(count) for low, count in zip(BINS, counts, strict=True)}
    return statistics
