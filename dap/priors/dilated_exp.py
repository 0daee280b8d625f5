"""A's U-Net with exponentially growing dilations (fidelity: dilations-of-the-ablations)."""

from functools import partial

from dap.nn.dilated_unet import design

PRIORS = {"dilated-exp": {"title": "U-Net, exponential dilation"}}

build = partial(design, dilation=None, dense=False)
