"""A's U-Net with exponentially growing dilations (decision 2)."""

from functools import partial

from dap.nn.dilated_unet import design

PRIORS = {"dilated-exp": {"title": "U-Net, exponential dilation"}}

build = partial(design, dilation=None, dense=False)
