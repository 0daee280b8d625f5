"""B's ablation of mixing alone: as many layers and parameters (fidelity: ablation-of-mixing)."""

from functools import partial

from dap.nn.harmonic_unet import harmonic

PRIORS = {
    "harmonic-unmixed-wide": {
        "title": "harmonic U-Net, anchors without mixing, as many parameters",
    }
}

build = partial(harmonic, anchors=7, mixing="sum")
