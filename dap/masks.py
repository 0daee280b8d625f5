"""Ratio masks: which share of each bin of a mixture's spectrogram is the target's."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from dap.stft import STFT


def ratio_mask(target: Tensor, mixture: Tensor) -> Tensor:
    """The target's magnitude over the mixture's, clipped to [0, 1] (fidelity: mask-of-training).

    Args:
        target, mixture: real and imaginary parts, (..., 2, F, T).

    Returns:
        (..., F, T); 0 where both are silent.
    """
    magnitude, whole = torch.hypot(*target.unbind(-3)), torch.hypot(*mixture.unbind(-3))
    return (magnitude / whole.clamp_min(torch.finfo(whole.dtype).tiny)).clamp(0, 1)


def masked(mask: Tensor, mixture: Tensor, transform: "STFT", samples: int) -> Tensor:
    """What a mask takes out of a mixture, and the rest; both have the mixture's phase.

    Args:
        mask: (F, T), of the target.
        mixture: real and imaginary parts, (2, F, T).

    Returns:
        (2, samples): the target, and what is left.
    """
    shares = torch.stack((mask, 1 - mask))[:, None]  # (2, 1, F, T)
    return transform.synthesise(shares * mixture, samples)
