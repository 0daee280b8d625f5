"""`python -m benchmarks.separation FOLDER`: ways to separate mixtures, and how many sources die.

FOLDER is laid out like paper A's corpora. Each mixture is of a piano and a drum, each at a peak of
1; an estimate belongs to the source that makes the sum of both plain SNRs larger.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import mean

import click
import numpy as np
import torch

from benchmarks.__main__ import heading
from benchmarks.export_clips import export
from benchmarks.reference_fit import DESIGNS
from dap.decibels import snr_db
from dap.fitting import method
from dap.observation import Observation
from dap.options import FitOptions
from dap.seeds import derive

SPECTROGRAM = {"n_fft": 1022, "hop_length": 64, "window": "hann"}
BASE = FitOptions.from_preset("fast", learning_rate=0.0015, restarts=0)
A = "narayanaswamy2021"
WAYS = {
    "l2, smoothness 0.01": {"separation": A, "reconstruction": "l2", "smoothness": 0.01},
    "l2, smoothness 1": {"separation": A, "reconstruction": "l2", "smoothness": 1.0},
    "complex, 0.01": {"separation": A, "reconstruction": "complex", "smoothness": 0.01},
    "complex, 1": {"separation": A, "reconstruction": "complex", "smoothness": 1.0},
    "magnitude, 0.01": {"separation": A, "reconstruction": "magnitude", "smoothness": 0.01},
    "tian2019, magnitude, 0.01": {
        "separation": "tian2019", "reconstruction": "magnitude", "smoothness": 0.01,
    },
    "tian2019, magnitude, 1": {
        "separation": "tian2019", "reconstruction": "magnitude", "smoothness": 1.0,
    },
    "tian2019, l2, 0.01": {"separation": "tian2019", "reconstruction": "l2", "smoothness": 0.01},
}  # fmt: skip


def snrs(sources: np.ndarray, estimates: np.ndarray) -> list[float]:
    """Plain SNR of each source in dB, (sources, samples) both, by the better permutation."""
    orders = [
        [snr_db(source, source - estimate) for source, estimate in zip(sources, order, strict=True)]
        for order in (estimates, estimates[::-1])
    ]
    return max(orders, key=sum)


def fit(sources: np.ndarray, design: str, options: FitOptions, seed: int) -> dict:
    """One fit: the SNRs of its last iterate, its restarts, and whether a source is dead."""
    torch.set_num_threads(1)
    mixture = sources.sum(axis=0)
    restored = method.restore(
        design,
        "separate",
        Observation(mixture, {}, sample_rate=16000),
        fit=options,
        spectrogram=SPECTROGRAM,
        device="cpu",
        seed=seed,
    )
    return {
        "snr": snrs(sources, restored.selections["last"]),
        "mixture": [snr_db(source, source - mixture) for source in sources],
        "dead": "dead" in str(restored.cost["warnings"]),
        "restarts": restored.cost["restarts"],
    }


def mixtures(folder: Path, count: int, samples: int) -> list[np.ndarray]:
    """Of the loudest stretches of recordings: (2, samples) each, the piano and the drum."""
    arrays = export(folder, count, samples=samples, corpora=("piano", "drums"))
    return list(arrays["clips"].reshape(count, 2, samples))


def row(name: str, fits: Sequence[dict]) -> str:
    """A line of the table: the means over some fits."""
    dead = sum(each["dead"] for each in fits)
    restarts = sum(each["restarts"] for each in fits)
    means = [mean(each[key][k] for each in fits) for key in ("snr", "mixture") for k in (0, 1)]
    numbers = " | ".join(f"{number:.2f}" for number in means)
    return f"| {name} | {len(fits)} | {dead} | {restarts} | {numbers} |"


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--way", multiple=True, type=click.Choice(list(WAYS)), help="Default: all.")
@click.option("--design", multiple=True, type=click.Choice(list(DESIGNS)), help="Default: all.")
@click.option("--mixtures", "count", default=6, show_default=True)
@click.option("--samples", default=4096, show_default=True, help="Of a mixture, at 16 kHz.")
@click.option("--width", default=0.25, show_default=True)
@click.option("--restarts", default=0, show_default=True)
@click.option("--jobs", default=2, show_default=True, help="Fits beside each other.")
def main(
    folder: Path,
    way: Sequence[str],
    design: Sequence[str],
    count: int,
    samples: int,
    width: float,
    restarts: int,
    jobs: int,
) -> None:
    """Separate mixtures of the recordings under FOLDER in each of several ways."""
    clips = mixtures(folder, count, samples)
    print(
        f"{heading('cpu', 1)}; {count} mixtures of {samples} samples, width {width:g}, "
        f"{BASE.iterations} iterations\n\n"
        "| way | fits | with a dead source | restarts | SNR, piano | drums | mixture, piano | "
        "drums |\n| --- |" + " ---: |" * 7
    )
    with ProcessPoolExecutor(jobs) as pool:
        for name in way or WAYS:
            options = replace(BASE, width=width, restarts=restarts, **WAYS[name])
            asked = list(product(range(count), design or DESIGNS))
            fits = list(
                pool.map(
                    fit,
                    [clips[k] for k, _ in asked],
                    [which for _, which in asked],
                    [options] * len(asked),
                    [derive(0, k, which) for k, which in asked],
                )
            )
            for which in design or DESIGNS:
                of_design = [
                    each for each, (_, other) in zip(fits, asked, strict=True) if other == which
                ]
                print(row(f"{name}, `{which}`", of_design), flush=True)
            print(row(f"{name}, all", fits), flush=True)


if __name__ == "__main__":
    main()
