"""Perceptual metrics of speech."""

import numpy as np

from dap.errors import extra
from dap.metrics.level import checked
from dap.metrics.remembered import remembered

with extra("metrics"):
    import pesq

# "sample_rates": those it is defined for; "speech": only for corpora of speech;
# "whole": has no value inside gaps alone
METRICS = {
    "pesq_nb": {
        "label": "PESQ (narrow band)",
        "unit": "",
        "better": "higher",
        "speech": True,
        "whole": True,
        "sample_rates": [8000, 16000],
    },
    "pesq_wb": {
        "label": "PESQ (wide band)",
        "unit": "",
        "better": "higher",
        "speech": True,
        "whole": True,
        "sample_rates": [16000],
    },
}

# The C code has room for 50 utterances and crashes the process by writing past them.
# An utterance lasts 0.2 s, and so does the pause before the next, so 20 s cannot hold more.
LONGEST_SECONDS = 20
# The C code squares samples in float32 after scaling both signals by the louder one's peak: 200 dB
# below that, the energy underflows to zero and is divided by.
SILENT = 1e-10


@remembered
def pesq_nb(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Narrow-band PESQ as MOS-LQO (ITU-T P.862, mapped by P.862.1), about 1.0 to 4.549.

    Both signals are brought to one level first, so a gain has no effect. A perfect estimate scores
    4.549.

    Args:
        reference: clean signal, (samples,).
        estimate: (samples,).
        sample_rate: 8000 or 16000 Hz.
        where: must be None: PESQ aligns and weighs whole utterances.

    Returns:
        MOS-LQO; NaN where PESQ finds no utterance, a signal is silent (or peaks 200 dB below the
        other), lasts under 1/4 s or over 20 s, or the C code fails otherwise.

    Raises:
        ValueError: another sample rate; `where` is not None; and as `dap.metrics.level.checked`.
    """
    return _score(reference, estimate, sample_rate, where, "nb", (8000, 16000))


@remembered
def pesq_wb(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """Wide-band PESQ as MOS-LQO (ITU-T P.862.2), about 1.0 to 4.644; else as `pesq_nb`.

    Args:
        reference: clean signal, (samples,).
        estimate: (samples,).
        sample_rate: 16000 Hz.
        where: must be None.

    Returns:
        MOS-LQO, or NaN where `pesq_nb` gives it. A perfect estimate scores 4.644.

    Raises:
        ValueError: another sample rate; `where` is not None; and as `dap.metrics.level.checked`.
    """
    return _score(reference, estimate, sample_rate, where, "wb", (16000,))


def _score(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None,
    mode: str,
    rates: tuple[int, ...],
) -> float:
    if where is not None:
        raise ValueError(f"pesq_{mode} scores whole signals: where must be None")
    if sample_rate not in rates:
        known = " or ".join(map(str, rates))
        raise ValueError(f"pesq_{mode} needs a sample rate of {known} Hz: it is {sample_rate}")
    reference, estimate, _ = checked(reference, estimate, None)
    if not sample_rate / 4 <= reference.size <= LONGEST_SECONDS * sample_rate:
        return float("nan")
    peaks = np.abs(reference).max(), np.abs(estimate).max()
    if min(peaks) <= SILENT * max(peaks):
        return float("nan")
    score = pesq.pesq(sample_rate, reference, estimate, mode, on_error=pesq.PesqError.RETURN_VALUES)
    return float(score) if score >= 0 else float("nan")  # errors are negative
