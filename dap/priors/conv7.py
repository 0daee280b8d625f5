"""B's U-Net of regular 7x7 convolutions (fidelity: network-of-b)."""

from functools import partial

from dap.nn.harmonic_unet import regular

PRIORS = {"conv7": {"title": "U-Net, 7x7", "published": {"iclr2020": "conv"}}}

build = partial(regular, dilation=1)
