"""What was found best of networks and rules to end a fit, for each task (docs/results/beyond.md).

A's dense design, narrow and on fewer frames, which is fed a classical method's estimate: it has to
correct one, not to make one. The papers' designs are fitted as a study says.
"""

from functools import partial

from dap.nn.dilated_unet import design

PRIORS = {
    "dap-best": {
        "title": "dense U-Net, fed a classical estimate and stopped",
        "fit": {
            "denoise": {
                "preset": "fast",
                "width": 0.25,
                "hop_length": 256,
                "input": "wiener-tracked",
                "weighting": "noise",
                "learning_rate": 0.0048,
                "iterations": 200,
                "cooldown": 0.0,
                "stop": "discrepancy",
                "end_at_stop": True,
                "snapshot_at": [],
            },
            "inpaint": {
                "preset": "fast",
                "width": 0.25,
                "hop_length": 256,
                "input": "janssen",
                "iterations": 1000,
                "cooldown": 0.0,
                "stop": "variance",
                "end_at_stop": True,
                "snapshot_at": [],
            },
            "dequantize": {
                "preset": "fast",
                "width": 0.25,
                "hop_length": 256,
                "input": "cell-projection",
                "consistency": 0.9,
                "iterations": 1000,
                "cooldown": 0.0,
                "stop": "variance",
                "end_at_stop": True,
                "snapshot_at": [],
            },
            "separate": {
                "preset": "fast",
                "width": 0.25,
                "hop_length": 256,
                "input": "hpss",
                "iterations": 1000,
                "cooldown": 0.0,
                "stop": "variance",
                "end_at_stop": True,
                "snapshot_at": [],
            },
        },
    }
}

build = partial(design, dilation=None, dense=True)
