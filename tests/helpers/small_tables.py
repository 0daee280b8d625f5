"""Scores made by hand, and tables of them."""

from itertools import product

import numpy as np
import pandas as pd

from dap.reporting.tables import summarise

BETTER = {"snr": "higher", "pesq_nb": "higher", "envelope_distance": "lower", "sdr": "higher"}
CORPORA = {
    "speech": {"title": "Synthetic speech", "stands_for": "ljspeech"},
    "piano": {"title": "Synthetic piano", "stands_for": "piano"},
    "drums": {"title": "Synthetic drums", "stands_for": "drums"},
    "own": {"title": "My recordings", "stands_for": None},
}
UNITS = {"snr": "dB", "sdr": "dB"}
COLUMNS = ["corpus", "method", "clip", "selection", "metric", "value"]


def scores(rows, **constants):
    frame = pd.DataFrame(rows, columns=COLUMNS)
    defaults = {"experiment": "e", "seed": 0, "source": "", "scope": "full", "iteration": 10}
    units = [UNITS.get(metric, "") for metric in frame["metric"]]
    return frame.assign(**(defaults | constants), unit=units)


def ladder(values, metric="snr", corpus="speech", selection="last", **constants):
    """Scores of methods on clips a, b, ...: {"conv": [1, 2]}."""
    return scores(
        [
            (corpus, method, chr(97 + i), "last" if method == "observed" else selection, metric, v)
            for method, several in values.items()
            for i, v in enumerate(several)
        ],
        **constants,
    )


def summary(frame, methods=("conv", "dense"), metrics=("snr",), selections=("last",), **options):
    names = {"methods": methods, "metrics": metrics, "selections": selections}
    return summarise(frame, **(names | {"better": BETTER, "corpora": CORPORA} | options))


SIX = {
    "observed": [1.0, 2, 3, 4, 5, 6],
    "conv": [2.0, 3, 4, 5, 6, 7],
    "dense": [3.0, 4.5, 6, 7, 8.5, 10],
}

# an experiment, as the overview of a report knows it
ENTRY = {
    "name": "e",
    "title": "Denoising",
    "metric": "snr",
    "label": "SNR",
    "unit": "dB",
    "better": "higher",
    "methods": ["conv", "dense"],
    "priors": ["conv"],
}


def study():
    """Three corpora, two metrics, three selections, eight clips, two seeds, some NaN."""
    rng = np.random.default_rng(0)
    parts = []
    for seed in (0, 1):
        for metric, corpus in product(("snr", "pesq_nb"), ("own", "piano", "speech")):
            for selection in ("last", "average", "oracle"):
                values = {"observed": rng.normal(5, 1, 8)} if selection == "last" else {}
                values |= {"conv": rng.normal(6, 1, 8), "dense": rng.normal(9, 1, 8)}
                if metric == "pesq_nb":
                    values["conv"][2] = np.nan
                parts.append(ladder(values, metric, corpus, selection, seed=seed))
    return pd.concat(parts, ignore_index=True)


STUDY = {"metrics": ["snr", "pesq_nb"], "selections": ["last", "average", "oracle"]}
PRINTED = {"title": "Denoising", "better": BETTER, "labels": {"snr": "SNR", "pesq_nb": "PESQ_NB"}}
