"""Which estimate is of which source."""

from itertools import permutations

import numpy as np

from dap.decibels import snr_db


def best_permutation(references: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    """The order of the estimates that has the best mean SNR; on a tie, the first.

    It is the SNR without a gain or a filter (fidelity: permutation): a measure that is blind to
    level would match an estimate of nearly nothing to either source.

    Args:
        references: clean sources, (sources, samples). A silent one has no say, as it has no SNR.
        estimates: (sources, samples), in any order; two may be the same signal.

    Returns:
        (sources,) int; estimates[permutation[j]] belongs to references[j].
    """
    references, estimates = (np.asarray(each, np.float64) for each in (references, estimates))
    ratios = np.array(
        [[snr_db(source, source - estimate) for estimate in estimates] for source in references]
    )
    ratios[np.isnan(ratios)] = 0
    rows = np.arange(len(references))
    return np.array(max(permutations(rows), key=lambda order: ratios[rows, list(order)].sum()))
