"""Two sources at once, and what the best mask would be, for the ceiling of what masks can do."""

import numpy as np

from dap.data.corruptions import Context, mixture
from dap.observation import Observation

CORRUPTIONS = {"mixture-known": {"task": "separate", "options": {}}}


def corrupt(sources: list[np.ndarray], options: dict, context: Context) -> Observation:
    """The sum of the sources, as `mixture` has it; `ideal-mask` alone is to read what is known.

    Leaves in `known` the first source's `ratio` mask (bins, frames) of the study's transform, and
    that transform's `n_fft`, `hop_length` and `window`, of shape ().
    """
    import torch

    from dap.masks import ratio_mask
    from dap.stft import STFT

    observation = mixture.corrupt(sources, options, context)
    transform = STFT(**context.spectrogram)
    target, whole = (
        transform.analyse(torch.from_numpy(np.asarray(signal, np.float32)))
        for signal in (sources[0], observation.signal)
    )
    known = {"ratio": ratio_mask(target, whole).numpy()}
    known |= {name: np.array(value) for name, value in context.spectrogram.items()}
    return Observation(observation.signal, known, observation.metadata)
