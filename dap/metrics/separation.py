"""BSS Eval, versions 3 and 4: how well sources were separated.

A metric here scores all sources at once, since an estimate is compared with each of them. Its
estimates are in the order of the references.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from dap.decibels import snr_db
from dap.errors import extra
from dap.metrics.remembered import once

with extra("metrics"):
    import mir_eval.separation

METRICS = {
    "sdr_v4": {"label": "SDR (BSS Eval v4)", "unit": "dB", "better": "higher", "joint": True},
    "sdr": {"label": "SDR (BSS Eval v3)", "unit": "dB", "better": "higher", "joint": True},
    "sir": {"label": "SIR", "unit": "dB", "better": "higher", "joint": True},
    "sar": {"label": "SAR", "unit": "dB", "better": "higher", "joint": True},
}

FILTER_TAPS = 512  # fixed in mir_eval


@dataclass(frozen=True, eq=False)
class BssEval:
    """Scores of version 3.

    Attributes:
        sdr, sir, sar: (sources,) float64, in dB.
    """

    sdr: np.ndarray
    sir: np.ndarray
    sar: np.ndarray


def sdr_v4(references: np.ndarray, estimates: np.ndarray, sample_rate: int) -> np.ndarray:
    """SDR of BSS Eval version 4, 10 log10(sum x^2 / sum (x - y)^2) of each source, in dB.

    Version 4 takes all that differs from the source for distortion, also a wrong level and what a
    filter explains (Stöter et al. 2018), so it is the plain SNR. It is that of the whole signal,
    which `museval` gives with one window (fidelity: sdr-of-a).

    Args:
        references: clean sources x, (sources, samples).
        estimates: y, (sources, samples), in the order of the references.
        sample_rate: in Hz; has no influence.

    Returns:
        (sources,) dB; 0 for an estimate of nothing; +inf for a perfect one; NaN where the reference
        is silent.

    Raises:
        ValueError: shapes that are not equal, not (sources, samples), or without sources; samples
            that are not finite.
    """
    references, estimates = _checked(references, estimates)
    return np.array(
        [
            snr_db(source, source - estimate)
            for source, estimate in zip(references, estimates, strict=True)
        ]
    )


def sdr(references: np.ndarray, estimates: np.ndarray, sample_rate: int) -> np.ndarray:
    """SDR of BSS Eval version 3, blind to level and to short filters: (sources,) dB.

    Arguments, errors, and where it is NaN: as `bss_eval`.
    """
    return bss_eval(references, estimates).sdr


def sir(references: np.ndarray, estimates: np.ndarray, sample_rate: int) -> np.ndarray:
    """SIR of BSS Eval version 3, of the other sources in an estimate: (sources,) dB.

    Arguments, errors, and where it is NaN: as `bss_eval`.
    """
    return bss_eval(references, estimates).sir


def sar(references: np.ndarray, estimates: np.ndarray, sample_rate: int) -> np.ndarray:
    """SAR of BSS Eval version 3, of what is of no source: (sources,) dB.

    Arguments, errors, and where it is NaN: as `bss_eval`.
    """
    return bss_eval(references, estimates).sar


def bss_eval(references: np.ndarray, estimates: np.ndarray) -> BssEval:
    """BSS Eval version 3 for sources (Vincent et al. 2006, section III.B), of mir_eval.

    An estimate is projected on the references delayed by 0 to 511 samples: what its reference
    explains is target, what the others add is interference, the rest is artifact. Ratios that are
    infinite in theory (SAR of a mixture, all of a perfect estimate) come out as some 200 to 300 dB
    for float64 signals, which is rounding error and has no other meaning. The SIR of a single
    source is +inf.

    Args:
        references: clean sources, (sources, samples).
        estimates: (sources, samples), in the order of the references; two may be the same signal.

    Returns:
        The scores. An estimate of nothing has an SDR of 0 dB, as its error is the source itself
        (fidelity: silent-estimates); its SIR and SAR are NaN, which is 0 / 0. All scores of all
        sources are NaN where a reference is silent, the references are linearly dependent or too
        short to tell apart (sources * 512 > samples + 511), or the solver finds the projection
        singular. It need not see that of references that are exact delays of each other: their
        scores are meaningless.

    Raises:
        ValueError: as `sdr_v4`.
    """
    return once(("bss_eval",), (references, estimates), lambda: _bss_eval(references, estimates))


def _bss_eval(references: np.ndarray, estimates: np.ndarray) -> BssEval:
    references, estimates = _checked(references, estimates)
    sources, samples = references.shape
    undefined = np.full(sources, np.nan)
    unscorable = BssEval(undefined, undefined, undefined)
    if sources * FILTER_TAPS > samples + FILTER_TAPS - 1 or not references.any(axis=1).all():
        return unscorable
    # mir_eval would score rounding errors; peaks are scaled to 1, since levels may differ widely
    peaks = np.abs(references).max(axis=1, keepdims=True)
    if np.linalg.matrix_rank(references / peaks) < sources:
        return unscorable
    # mir_eval refuses silence; an estimate has no influence on the scores of another
    sounding = np.where(estimates.any(axis=1, keepdims=True), estimates, references)
    with warnings.catch_warnings():
        # the module is to be dropped in mir_eval 0.9; our dependency is pinned below that
        warnings.simplefilter("ignore", FutureWarning)
        try:
            *scores, _ = mir_eval.separation.bss_eval_sources(
                references, sounding, compute_permutation=False
            )
        except AttributeError as error:
            # A singular projection, where mir_eval 0.8 means to catch a LinAlgError by the name
            # np.linalg.linalg.LinAlgError, which numpy 2.4 does not have.
            if error.name != "linalg":
                raise
            return unscorable
    of_silence = (0.0, np.nan, np.nan)
    return BssEval(
        *(
            np.where(estimates.any(axis=1), score, value)
            for score, value in zip(scores, of_silence, strict=True)
        )
    )


def _checked(references: np.ndarray, estimates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The arguments as float64.

    Raises:
        ValueError: as `sdr_v4`.
    """
    references = np.asarray(references, np.float64)
    estimates = np.asarray(estimates, np.float64)
    if references.ndim != 2 or references.shape != estimates.shape or len(references) == 0:
        raise ValueError(
            "references and estimates must be of one shape (sources, samples): "
            f"they have shapes {references.shape} and {estimates.shape}"
        )
    for name, signals in (("references", references), ("estimates", estimates)):
        if not np.isfinite(signals).all():
            raise ValueError(f"{name} hold {(~np.isfinite(signals)).sum()} samples not finite")
    return references, estimates
