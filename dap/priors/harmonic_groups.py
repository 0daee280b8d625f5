"""B's grouped form: one anchor a group of channels, then mixed (fidelity: harmonic-convolution)."""

from functools import partial

from dap.nn.harmonic_unet import harmonic

PRIORS = {"harmonic-groups": {"title": "harmonic U-Net, one anchor a group of channels"}}

build = partial(harmonic, anchors=7, mixing="groups")
