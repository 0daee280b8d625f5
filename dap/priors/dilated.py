"""A's U-Net with one constant dilation of 4 (decision 2)."""

from functools import partial

from dap.nn.dilated_unet import design

PRIORS = {"dilated": {"title": "U-Net, constant dilation"}}

build = partial(design, dilation=4, dense=False)
