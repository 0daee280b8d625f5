"""BSS Eval: how well sources were separated."""

import warnings
from dataclasses import dataclass

import numpy as np

from dap.errors import extra
from dap.metrics.remembered import once

with extra("metrics"):
    import mir_eval.separation

METRICS = {
    "sdr": {"label": "SDR", "unit": "dB", "better": "higher", "joint": True},
    "sir": {"label": "SIR", "unit": "dB", "better": "higher", "joint": True},
    "sar": {"label": "SAR", "unit": "dB", "better": "higher", "joint": True},
}

FILTER_TAPS = 512  # fixed in mir_eval


@dataclass(frozen=True, eq=False)
class BssEval:
    """Scores in the order of the references.

    Attributes:
        sdr, sir, sar: (sources,) float64, in dB.
        permutation: (sources,) int; estimates[permutation[j]] belongs to references[j].
    """

    sdr: np.ndarray
    sir: np.ndarray
    sar: np.ndarray
    permutation: np.ndarray


def bss_eval(references: np.ndarray, estimates: np.ndarray) -> BssEval:
    """BSS Eval version 3 for sources (Vincent et al. 2006, section III.B), of mir_eval.

    An estimate is projected on the references delayed by 0 to 511 samples: what its reference
    explains is target, what the others add is interference, the rest is artifact. The permutation
    is the one of the best mean SIR; on a tie, the first. Ratios that are infinite in theory (SAR
    of a mixture, all of a perfect estimate) come out as some 200 to 300 dB for float64 signals,
    which is rounding error and has no other meaning. The SIR of a single source is +inf.

    Args:
        references: clean sources, (sources, samples).
        estimates: (sources, samples), in any order; two may be the same signal.

    Returns:
        The scores. All are NaN, and the permutation is the identity, where a reference or an
        estimate is silent, the references are linearly dependent or too short to tell apart
        (sources * 512 > samples + 511), or the solver finds the projection singular. It need not
        see that of references that are exact delays of each other: their scores are meaningless.

    Raises:
        ValueError: shapes that are not equal, not (sources, samples), or without sources; samples
            that are not finite.
    """
    return once(("bss_eval",), (references, estimates), lambda: _bss_eval(references, estimates))


def _bss_eval(references: np.ndarray, estimates: np.ndarray) -> BssEval:
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

    sources, samples = references.shape
    undefined = np.full(sources, np.nan)
    unscorable = BssEval(undefined, undefined, undefined, np.arange(sources))
    if sources * FILTER_TAPS > samples + FILTER_TAPS - 1:
        return unscorable
    if not (references.any(axis=1).all() and estimates.any(axis=1).all()):
        return unscorable
    # mir_eval would score rounding errors; peaks are scaled to 1, since levels may differ widely
    peaks = np.abs(references).max(axis=1, keepdims=True)
    if np.linalg.matrix_rank(references / peaks) < sources:
        return unscorable
    with warnings.catch_warnings():
        # the module is to be dropped in mir_eval 0.9; our dependency is pinned below that
        warnings.simplefilter("ignore", FutureWarning)
        try:
            scores = mir_eval.separation.bss_eval_sources(references, estimates)
        except AttributeError as error:
            # A singular projection, where mir_eval 0.8 means to catch a LinAlgError by the name
            # np.linalg.linalg.LinAlgError, which numpy 2.4 does not have.
            if error.name != "linalg":
                raise
            return unscorable
    return BssEval(*scores)
