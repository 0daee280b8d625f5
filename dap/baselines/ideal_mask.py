"""The ratio mask of the true sources: no method that masks the mixture does much better."""

import numpy as np

from dap.errors import DapError
from dap.observation import Observation

BASELINES = {
    "ideal-mask": {
        "title": "ratio mask of the true sources (uses the clean clips)",
        "tasks": ["separate"],
        "corruptions": ["mixture-known"],
    }
}


def restore(observation: Observation, outputs: tuple[str, ...]) -> np.ndarray:
    """(2, samples), clipped to [-1, 1]: what the mask takes out of the mixture, and the rest.

    Raises:
        DapError: the mask is not known.
    """
    import torch

    from dap.masks import masked
    from dap.stft import STFT

    known = observation.known
    if "ratio" not in known:
        raise DapError("ideal-mask needs the mask, which the corruption mixture-known alone tells")
    transform = STFT(int(known["n_fft"]), int(known["hop_length"]), str(known["window"]))
    mixture = transform.analyse(torch.from_numpy(observation.signal))
    mask = torch.from_numpy(known["ratio"])
    return masked(mask, mixture, transform, len(observation.signal)).clamp(-1, 1).numpy()
