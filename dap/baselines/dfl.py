"""Speech denoising with deep feature losses: a network that was trained on speech in noise.

Germain, Chen and Koltun 2018, with their published weights. Of all methods this one alone has seen
clean recordings (fidelity: dfl).
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dap.crossfade import in_parts
from dap.data.weights import folder
from dap.errors import DapError
from dap.observation import Observation

if TYPE_CHECKING:
    from dap.nn.deep_feature_losses import EnhancementNetwork

RATE = 16000
BASELINES = {
    "dfl": {
        "title": "deep feature losses, a trained network for speech",
        "tasks": ["denoise"],
        "sample_rates": [16000],
        "speech": True,
        "peak": 0.5,  # its own data's levels are lower than 1
        "weights": {
            "by": "Germain, Chen and Koltun 2018",
            "on": "speech in noise, of VoiceBank and DEMAND",
            "licence": "MIT",
            "citation": "F. G. Germain, Q. Chen and V. Koltun, Speech Denoising with Deep Feature "
            "Losses, arXiv:1806.10522, 2018",
            "files": [
                {
                    "file": "se_model.ckpt.index",
                    "url": "https://raw.githubusercontent.com/francoisgermain/"
                    "SpeechDenoisingWithDeepFeatureLosses/32bfcba7a153ef217fda0290ccda0e68742ea353/"
                    "models/se_model.ckpt.index",
                    "bytes": 1906,
                    "sha256": "077a3c5cc1d12b28851d1cbeda65e610360c7d12c2072ba7b6551e399e164711",
                },
                {
                    "file": "se_model.ckpt.data-00000-of-00001",
                    "url": "https://raw.githubusercontent.com/francoisgermain/"
                    "SpeechDenoisingWithDeepFeatureLosses/32bfcba7a153ef217fda0290ccda0e68742ea353/"
                    "models/se_model.ckpt.data-00000-of-00001",
                    "bytes": 643700,
                    "sha256": "26a265e01e8de5d2b7452ce53628f1eb42efde63f78cfe0de3b8d8bdc60dfba7",
                },
            ],
        },
    }
}

CHECKPOINT = "se_model.ckpt"
PART_SECONDS, FADE_SECONDS = 30.0, 0.064


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """The same signal for each output: (outputs, samples) float32.

    Raises:
        DapError: the rate is another than 16 kHz; the weights are not to be had.
    """
    if observation.sample_rate != RATE:
        raise DapError(
            f"dfl is for {RATE} Hz, and the recording has {observation.sample_rate}: resample it"
        )
    network = _network(folder("dfl"))
    # what it normalises by is each part's own
    enhanced = in_parts(
        network,
        observation.signal,
        part=round(PART_SECONDS * RATE),
        reach=network.reach,
        fade=round(FADE_SECONDS * RATE),
    )
    return np.repeat(np.clip(enhanced, -1, 1)[np.newaxis], len(outputs), axis=0)


@cache
def _network(weights: Path) -> "EnhancementNetwork":
    from dap.nn.deep_feature_losses import EnhancementNetwork
    from dap.nn.tensor_bundle import read

    return EnhancementNetwork(read(weights / CHECKPOINT))
