"""Uniform quantization of the samples on [-1, 1]."""

import numpy as np

from dap.data.corruptions import Context
from dap.decibels import snr_db
from dap.errors import DapError
from dap.observation import Observation

CORRUPTIONS = {
    "quantization": {
        "task": "dequantize",
        "options": {
            "bins": {
                "description": "Number of levels; even for a mid-rise quantizer.",
                "type": "integer",
                "minimum": 2,
                "default": 16,
            },
            "quantizer": {
                "description": "Whether 0 is a decision (mid-rise) or a level (mid-tread).",
                "enum": ["mid-rise", "mid-tread"],
                "default": "mid-rise",
            },
        },
        "allOf": [
            {
                "if": {"properties": {"quantizer": {"const": "mid-rise"}}},
                "then": {"properties": {"bins": {"multipleOf": 2}}},
            }
        ],
    }
}
QUANTIZERS = ("mid-rise", "mid-tread")
EDGE = 1e-6  # of a cell, beside an edge that it shares with another


def corrupt(sources: list[np.ndarray], options: dict, context: Context) -> Observation:
    """Quantize the signal (fidelity: quantizer).

    Nothing is drawn. What lies beyond [-1, 1] saturates.
    """
    (clean,) = sources
    bins, quantizer = options["bins"], options["quantizer"]
    level, lower, upper = cells(clean, bins, quantizer)
    known = {"lower": lower, "upper": upper}
    known |= {"bins": np.array(bins, np.int64), "quantizer": np.array(quantizer)}
    metadata = {
        "snr_db": snr_db(clean, level.astype(np.float64) - clean),
        "levels": len(np.unique(level)),
        "saturated_fraction": float((np.abs(clean) > 1).mean()),
    }
    return Observation(level, known, metadata)


def cells(
    signal: np.ndarray, bins: int, quantizer: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The level that a uniform quantizer on [-1, 1] gives each sample, and the cell around it.

    The step is 2 / bins. "mid-rise" has a decision at 0 and levels at the middles of its cells, for
    an even number of bins. "mid-tread" has a level at 0; for an even number of bins there is one
    level more below 0 than above, as in two's complement. The outermost cells reach to -1 and 1.

    Args:
        signal: (samples,).

    Returns:
        level, lower and upper, float32 (samples,) each.

    Raises:
        DapError: the quantizer does not exist, or not with this number of bins.
    """
    if quantizer not in QUANTIZERS:
        raise DapError(f"quantizer is {quantizer!r}: must be {' or '.join(QUANTIZERS)}")
    if bins < 2 or (quantizer == "mid-rise" and bins % 2):
        raise DapError(
            f"bins is {bins}: must be {'even and ' * (quantizer == 'mid-rise')}at least 2"
        )
    step = 2.0 / bins
    half = 0.5 if quantizer == "mid-rise" else 0.0  # of a step, from a level to the next decision
    index = np.floor(np.asarray(signal, np.float64) / step + 0.5 - half)
    index = np.clip(index, -(bins // 2), (bins - 1) // 2)
    level = (index + half) * step
    lower = np.where(index == -(bins // 2), -1.0, level - step / 2)
    upper = np.where(index == (bins - 1) // 2, 1.0, level + step / 2)
    return level.astype(np.float32), lower.astype(np.float32), upper.astype(np.float32)


def inside(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds within which each sample is in its cell alone, where cells share their edges.

    What lies between them is quantized to the level that the cells are of. The outermost edges, -1
    and 1, stay.

    Args:
        lower, upper: (samples,) float32, as of `cells`.
    """
    margin = np.maximum(EDGE * (upper - lower), np.spacing(np.maximum(-lower, upper)))
    return np.where(lower > -1, lower + margin, lower), np.where(upper < 1, upper - margin, upper)
