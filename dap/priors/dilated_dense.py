"""A's dense blocks, one dilation of 4 (fidelity: constant-dilation-and-dense-blocks)."""

from functools import partial

from dap.nn.dilated_unet import design

PRIORS = {"dilated-dense": {"title": "dense U-Net, constant dilation"}}

build = partial(design, dilation=4, dense=True)
