"""A's proposal: exponential dilations and dense blocks (fidelity: network-of-a)."""

from functools import partial

from dap.nn.dilated_unet import design

PRIORS = {"dilated-exp-dense": {"title": "dense U-Net, exponential dilation"}}

build = partial(design, dilation=None, dense=True)
