"""A's U-Net without dilation and dense blocks (fidelity: dilations-of-the-ablations)."""

from functools import partial

from dap.nn.dilated_unet import design

PRIORS = {"conv": {"title": "U-Net, no dilation"}}

build = partial(design, dilation=1, dense=False)
