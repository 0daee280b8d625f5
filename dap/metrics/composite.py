"""Composite ratings of enhanced speech (Hu and Loizou 2008), with wide-band PESQ.

Each predicts a listener's rating of 1 to 5 (ITU-T P.835) from PESQ, LLR, WSS and segmental SNR.
These are cached (`dap.metrics.remembered`), so that each is computed once for an estimate, however
many metrics use it.
"""

import numpy as np

from dap.metrics.segmental import llr, ssnr, wss
from dap.metrics.speech import pesq_wb

METRICS = {
    "csig": {
        "label": "CSIG",
        "unit": "",
        "better": "higher",
        "speech": True,
        "whole": True,
        "sample_rates": [16000],
    },
    "cbak": {
        "label": "CBAK",
        "unit": "",
        "better": "higher",
        "speech": True,
        "whole": True,
        "sample_rates": [16000],
    },
    "covl": {
        "label": "COVL",
        "unit": "",
        "better": "higher",
        "speech": True,
        "whole": True,
        "sample_rates": [16000],
    },
}


def csig(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Signal distortion, 3.093 - 1.029 LLR + 0.603 PESQ - 0.009 WSS, clipped to 1..5.

    Args:
        reference: clean signal, (samples,).
        estimate: (samples,).
        sample_rate: 16000 Hz.
        where: must be None.

    Returns:
        The rating; 5 for a perfect estimate; NaN where PESQ or a part is.

    Raises:
        ValueError: as `dap.metrics.speech.pesq_wb`.
    """
    pesq = pesq_wb(reference, estimate, sample_rate, where)
    likelihood, slope = (metric(reference, estimate, sample_rate) for metric in (llr, wss))
    return _rating(3.093 - 1.029 * likelihood + 0.603 * pesq - 0.009 * slope)


def cbak(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Intrusiveness of the background, 1.634 + 0.478 PESQ - 0.007 WSS + 0.063 SSNR, 1..5.

    Arguments, value and errors as `csig`.
    """
    pesq = pesq_wb(reference, estimate, sample_rate, where)
    slope, level = (metric(reference, estimate, sample_rate) for metric in (wss, ssnr))
    return _rating(1.634 + 0.478 * pesq - 0.007 * slope + 0.063 * level)


def covl(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Overall quality, 1.594 + 0.805 PESQ - 0.512 LLR - 0.007 WSS, clipped to 1..5.

    Arguments, value and errors as `csig`.
    """
    pesq = pesq_wb(reference, estimate, sample_rate, where)
    likelihood, slope = (metric(reference, estimate, sample_rate) for metric in (llr, wss))
    return _rating(1.594 + 0.805 * pesq - 0.512 * likelihood - 0.007 * slope)


def _rating(value: float) -> float:
    return float(np.clip(value, 1, 5))  # NaN stays NaN
