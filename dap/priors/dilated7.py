"""B's U-Net of 7x7 convolutions with a dilation of 3 (fidelity: network-of-b)."""

from functools import partial

from dap.nn.harmonic_unet import regular

PRIORS = {"dilated7": {"title": "U-Net, 7x7, dilation 3", "published": {"iclr2020": "dilated"}}}

build = partial(regular, dilation=3)
