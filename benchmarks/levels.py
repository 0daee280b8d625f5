"""`python -m benchmarks.levels FILES`: what a recording's level does to `dap.restore`, in SNR.

Each file's loudest stretch, at a peak of 0.5 and with white noise of std 0.05, is denoised as it
is, at other gains, with an offset, and, quiet, with a click of full scale, each time rounded to 16
bits as in a file. The SNR is that of what comes out, divided by the gain and without the offset,
for the last two without the 64 ms on each side of the middle, where the click is.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

import dap
from dap.audio import excerpt, read
from dap.decibels import snr_db
from dap.errors import DapError

SAMPLE_RATE = 16000
FULL_SCALE = 32768
AROUND = round(0.064 * SAMPLE_RATE)


class Case(NamedTuple):
    """What is done to a recording: multiplied, shifted, and given one sample of full scale."""

    name: str
    gain: float = 1.0
    offset: float = 0.0
    click: bool = False
    rest: bool = False  # whether what is around the middle, where a click would be, is left out


CASES = (
    Case("as it is"),
    *(Case(f"gain {gain:g}", gain=gain) for gain in (0.3, 0.1, 0.01)),
    *(Case(f"offset {offset:g}", offset=offset) for offset in (0.05, 0.3, 0.9)),
    Case("gain 0.04, rest", gain=0.04, rest=True),
    Case("gain 0.04 and a click of 1, rest", gain=0.04, click=True, rest=True),
)


def clean_and_noisy(path: Path, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """The loudest stretch of a recording, without and with noise, (samples,) each."""
    samples = round(seconds * SAMPLE_RATE)
    whole = read(path, SAMPLE_RATE)
    options = {"window": "loudest", "window_index": 0, "level": "peak", "seed": 0}
    clean = 0.5 * excerpt(whole, samples, **options).signal.astype(np.float64)
    return clean, clean + 0.05 * np.random.default_rng(0).standard_normal(samples)


def quality(clean: np.ndarray, noisy: np.ndarray, case: Case, **options: object) -> float:
    """SNR in dB of one restoration.

    Args:
        options: of `dap.restore`.
    """
    x = case.gain * noisy + case.offset
    heard = np.ones(len(x), bool)
    middle = len(x) // 2
    if case.click:
        x[middle] = 1.0
    if case.rest:
        heard[middle - AROUND : middle + AROUND] = False
    fit = {"method": "dilated-exp-dense", "selection": "average", **options}
    audio = dap.restore(np.round(FULL_SCALE * x) / FULL_SCALE, SAMPLE_RATE, **fit).audio
    error = (audio - case.offset) / case.gain - clean
    return snr_db(clean[heard], error[heard])


def rows(files: list[Path], seeds: int, seconds: float, **options: object) -> Iterator[str]:
    """The lines of a table in Markdown, each as soon as it is measured."""
    signals = [clean_and_noisy(path, seconds) for path in files]
    noisy = np.mean([snr_db(clean, noisy - clean) for clean, noisy in signals])
    yield f"| case | n | mean SNR, dB (noisy: {noisy:.2f}) | std over seeds |"
    yield "| --- | ---: | ---: | ---: |"
    for case in CASES:
        values = np.array(
            [
                [quality(*signal, case, seed=seed, **options) for seed in range(seeds)]
                for signal in signals
            ]
        )
        spread = np.sqrt(values.var(axis=1, ddof=1).mean())
        yield f"| {case.name} | {values.size} | {values.mean():.2f} | {spread:.2f} |"


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(2))
@click.option("--seconds", default=0.3, show_default=True, help="Of each recording.")
@click.option("--iterations", default=200, show_default=True)
@click.option("--width", default=0.25, show_default=True)
@click.option("--method", default="dilated-exp-dense", show_default=True)
def main(files: tuple[Path, ...], seeds: int, seconds: float, **options: object) -> None:
    """Denoise each of FILES at several levels, and print the SNR as a table."""
    try:
        for line in rows(list(files), seeds, seconds, device="cpu", **options):
            click.echo(line)
    except DapError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
