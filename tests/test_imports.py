"""The fitting core imports on a bare GPU machine, and what the Snakefile parses stays light."""

import subprocess
import sys

import pytest

LIGHT = [
    "dap",
    "dap.study.study",
    "dap.study.params",
    "dap.study.presentation",
    "dap.plugins",
    "dap.runtime.provenance",
    "dap.data.catalogue",
    "dap.data.known",
    "dap.data.weights",
    "dap.options",
]
CORE = [
    "dap.fitting.loop",
    "dap.fitting.objectives.tasks",
    "dap.stft",
    "dap.fitting.method",
    "dap.priors.conv",
    "dap.masks",
    "dap.training.loop",
    "dap.training.mixtures",
    "dap.training.model",
    "dap.training.recordings",
]


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (
            LIGHT,
            ["torch", "librosa", "scipy", "pandas", "matplotlib", "soundfile", "pooch", "tarfile"],
        ),
        (
            CORE,
            [
                *("snakemake", "pesq", "soundfile", "librosa", "scipy", "pandas", "mir_eval"),
                *("yaml", "click", "tqdm", "soxr", "pywt", "noisereduce"),
            ],
        ),
    ],
)
def test_imports_stay_light(modules, absent):
    program = "\n".join(
        [
            "import sys",
            *(f"sys.modules[{name!r}] = None" for name in absent),  # importing it would raise
            *(f"import {name}" for name in modules),
        ]
    )
    subprocess.run([sys.executable, "-c", program], check=True)
