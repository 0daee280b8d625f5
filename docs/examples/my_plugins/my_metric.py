import numpy as np

METRICS = {"peak_error": {"label": "Peak error", "unit": "", "better": "lower"}}


def peak_error(
    reference: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    where: np.ndarray | None = None,
) -> float:
    """The largest error of a sample; NaN where there is none to score."""
    error = np.abs(reference - estimate)
    if where is not None:
        error = error[where]
    return float(error.max()) if error.size else float("nan")
