"""The waveform prior of Michelashvili and Wolf (2019), to which paper B compares."""

from dap.nn.wave_u_net import wave_u_net
from dap.waveform import objective

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
