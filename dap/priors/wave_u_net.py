"""The waveform prior of Michelashvili and Wolf (2019), to which paper B compares."""

from dap.fitting.objectives.waveform import objective
from dap.nn.wave_unet import wave_u_net

PRIORS = {
    "wave-u-net": {
        "title": "Wave-U-Net",
        "domain": "waveform",
        "tasks": ["denoise", "inpaint", "dequantize"],
        "published": {"iclr2020": "wave-u-net"},
    }
}

build = wave_u_net

__all__ = ["PRIORS", "build", "objective"]
