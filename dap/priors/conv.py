"""A's plain U-Net: no dilation, no dense connections (decision 2)."""

from functools import partial

from dap.nn.dilated_unet import design

PRIORS = {"conv": {"title": "U-Net, no dilation"}}

build = partial(design, dilation=1, dense=False)
