"""B's ablation: harmonic convolutions of one anchor (Equation 3 of B)."""

from functools import partial

from dap.nn.harmonic_unet import harmonic

PRIORS = {"harmonic-single": {"title": "harmonic U-Net, single anchor"}}

build = partial(harmonic, anchors=1, mixing="none")
