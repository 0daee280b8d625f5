"""B's proposal: harmonic convolutions of seven anchors, mixed (decision 15; Equation 5 of B)."""

from functools import partial

from dap.nn.harmonic_unet import harmonic

PRIORS = {"harmonic": {"title": "harmonic U-Net", "published": {"iclr2020": "harmonic"}}}

build = partial(harmonic, anchors=7, mixing="matrix")
