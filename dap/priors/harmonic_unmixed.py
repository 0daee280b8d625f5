"""B's ablation: harmonic convolutions of seven anchors, one weight each (Equation 4 of B)."""

from functools import partial

from dap.nn.harmonic_unet import harmonic

PRIORS = {"harmonic-unmixed": {"title": "harmonic U-Net, anchors without mixing"}}

build = partial(harmonic, anchors=7, mixing="scalars")
