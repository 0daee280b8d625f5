import numpy as np

from dap.observation import Observation

BASELINES = {"moving-average": {"title": "mean of five samples", "tasks": ["denoise"]}}


def restore(observation: Observation, outputs: tuple[str, ...]) -> np.ndarray:
    """(outputs, samples) float32."""
    smooth = np.convolve(observation.signal, np.full(5, 0.2), "same")
    return np.repeat(smooth[np.newaxis].astype(np.float32), len(outputs), axis=0)
