"""`python -m benchmarks.coverage`: how often 95 % intervals of a mean contain it, by simulation.

Samples of a known mean stand for the paired differences of a comparison. For each distribution and
number of clips, the table has the share of samples whose interval contains the mean, and the
interval's median length in standard deviations of the distribution, of

- `t`: the interval of tables and verdicts (`dap.scoring.statistics.mean_interval`);
- `bootstrap-t`: t, with the quantiles of (resample's mean - mean) / resample's standard error;
- `percentile`: the quantiles of the resamples' means.
"""

import argparse
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from dap.scoring.statistics import CONFIDENCE, mean_interval

CLIPS = (5, 10, 20, 50)
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
OUTLIERS, SCALE = 0.1, 10.0  # the share of outliers, and how far out they are


class Distribution(NamedTuple):
    """Its samples, by a generator and a shape, its mean and its standard deviation."""

    sample: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
    mean: float
    std: float


class Cell(NamedTuple):
    """A line of the table: coverage and median length / std, by method."""

    distribution: str
    clips: int
    coverage: dict[str, float]
    length: dict[str, float]


def _wide(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.normal(size=shape) * np.where(rng.random(shape) < OUTLIERS, SCALE, 1.0)


def _one_sided(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.normal(size=shape) + SCALE * (rng.random(shape) < OUTLIERS)


DISTRIBUTIONS = {
    "normal": Distribution(lambda rng, shape: rng.normal(size=shape), 0.0, 1.0),
    "exponential": Distribution(lambda rng, shape: rng.exponential(size=shape), 1.0, 1.0),
    # of a standard normal logarithm
    "lognormal": Distribution(
        lambda rng, shape: rng.lognormal(size=shape),
        np.exp(0.5),
        np.sqrt((np.e - 1) * np.e),
    ),
    "contaminated, both sides": Distribution(
        _wide, 0.0, np.sqrt(1 - OUTLIERS + OUTLIERS * SCALE**2)
    ),
    "contaminated, one side": Distribution(
        _one_sided, OUTLIERS * SCALE, np.sqrt(1 + OUTLIERS * (1 - OUTLIERS) * SCALE**2)
    ),
}


def bootstrap(
    samples: np.ndarray, resamples: int, rng: np.random.Generator
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The ends of the intervals by resampling.

    Args:
        samples: (simulations, clips).
        resamples: of each sample.
        rng: draws them.

    Returns:
        low and high, each (simulations,), of `bootstrap-t` and `percentile`.
    """
    simulations, clips = samples.shape
    ends = {name: np.empty((2, simulations)) for name in ("bootstrap-t", "percentile")}
    for index, sample in enumerate(samples):
        drawn = sample[rng.integers(clips, size=(resamples, clips))]
        means, errors = drawn.mean(axis=1), drawn.std(axis=1, ddof=1) / np.sqrt(clips)
        ends["percentile"][:, index] = np.quantile(means, TAILS)
        spread = errors > 0  # a resample of one value alone has no t
        t = (means[spread] - sample.mean()) / errors[spread]
        error = sample.std(ddof=1) / np.sqrt(clips)
        ends["bootstrap-t"][:, index] = sample.mean() - error * np.quantile(t, TAILS)[::-1]
    return {name: (low, high) for name, (low, high) in ends.items()}


def simulate(name: str, clips: int, *, simulations: int, resamples: int, seed: int) -> Cell:
    """One line of the table.

    Args:
        name: of `DISTRIBUTIONS`.
        clips: of a sample.
        simulations: samples.
        resamples: of each sample; 0 leaves out the methods that resample.
        seed: of samples and resamples.
    """
    distribution = DISTRIBUTIONS[name]
    rng = np.random.default_rng([seed, list(DISTRIBUTIONS).index(name), clips])
    samples = distribution.sample(rng, (simulations, clips))
    _, low, high = mean_interval(samples.T)
    intervals = {"t": (low, high)}
    if resamples:
        intervals |= bootstrap(samples, resamples, rng)
    return Cell(
        name,
        clips,
        {
            method: float(np.mean((low <= distribution.mean) & (distribution.mean <= high)))
            for method, (low, high) in intervals.items()
        },
        {
            method: float(np.median(high - low) / distribution.std)
            for method, (low, high) in intervals.items()
        },
    )


def table(*, simulations: int, resamples: int, seed: int) -> Iterator[str]:
    """The lines of a Markdown table."""
    methods = ["t", *(["bootstrap-t", "percentile"] if resamples else [])]
    headers = ["differences", "n", *(f"{method}, %" for method in methods)]
    headers += [f"{method}, length" for method in methods]
    yield f"| {' | '.join(headers)} |"
    yield f"| --- |{' ---: |' * (len(headers) - 1)}"
    for name in DISTRIBUTIONS:
        for clips in CLIPS:
            cell = simulate(name, clips, simulations=simulations, resamples=resamples, seed=seed)
            shares = [f"{100 * cell.coverage[method]:.1f}" for method in methods]
            lengths = [f"{cell.length[method]:.2f}" for method in methods]
            yield f"| {' | '.join([name, str(clips), *shares, *lengths])} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=10_000, help="samples of each line")
    parser.add_argument("--resamples", type=int, default=999, help="of each sample; 0 for t alone")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    for line in table(**vars(asked)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
