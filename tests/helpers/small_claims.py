"""Scores of a few clips, as claims of the papers are examined with them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from dap.reporting.claims import examine

CLAIMS = Path(__file__).resolve().parents[2] / "dap" / "papers" / "claims.csv"
BETTER = {"spectral_snr": "higher", "envelope_distance": "lower", "sdr": "higher"}
INPAINTING = "inpainting improves by 2.5 dB spectral SNR on average over existing methods"
SCHEDULE = (
    "an exponential schedule gains more over constant dilation than constant dilation gains "
    "over none"
)
SLIGHTLY = "the dense dilated prior ends slightly above the harmonic U-Net"
COMPLEXITY = "the gains come without added network complexity"
LONG = {"experiment": "inpaint", "metric": "spectral_snr", "selection": "last"}
DENSE = LONG | {"method": "dense", "over": "conv"}
GAINS = np.array([1.0, 1.5, 2.0, 2.0, 2.5, 3.0])
ZERO = np.zeros(6)


def scores(values, corpus="speech", metric="spectral_snr", **constants):
    """Scores of methods on clips a, b, ...: {"conv": [1, 2]}."""
    rows = [
        (method, chr(97 + i), value)
        for method, several in values.items()
        for i, value in enumerate(several)
    ]
    defaults = {"experiment": "inpaint", "corpus": corpus, "seed": 0, "source": "", "scope": "raw"}
    defaults |= {"selection": "last", "iteration": 10, "metric": metric}
    defaults["unit"] = "" if metric == "envelope_distance" else "dB"
    frame = pd.DataFrame(rows, columns=["method", "clip", "value"])
    return frame.assign(**(defaults | constants))


def finding_of(frame, comparisons, claim=INPAINTING):
    """The finding on one claim."""
    entry = {"paper": "interspeech2021", "claim": claim, "comparisons": comparisons}
    findings = examine(CLAIMS, [entry], frame, BETTER)
    json.dumps(findings, allow_nan=False)
    return next(finding for finding in findings if finding["claim"] == claim)
