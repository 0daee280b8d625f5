"""B's proposal: seven anchors, mixed (Equation 5 of B; fidelity: harmonic-convolution)."""

from functools import partial

from dap.nn.harmonic_unet import harmonic

PRIORS = {"harmonic": {"title": "harmonic U-Net", "published": {"iclr2020": "harmonic"}}}

build = partial(harmonic, anchors=7, mixing="matrix")
