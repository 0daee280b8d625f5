"""A's U-Net with one constant dilation of 4 (fidelity: dilations-of-the-ablations)."""

from functools import partial

from dap.nn.dilated_unet import design

PRIORS = {"dilated": {"title": "U-Net, constant dilation"}}

build = partial(design, dilation=4, dense=False)
