"""`python -m benchmarks.bandwidth FILES`: recordings above 16 kHz, at their own rate or by bands.

The loudest stretch of each file, at a peak of 0.5, is given white noise, or gaps, and restored by
each method in two ways: at its own rate, or its band up to 8 kHz at 16 kHz and the band above by
the classical method of the task at the recording's rate.
"""

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import soundfile

import dap
from dap.audio import excerpt
from dap.decibels import snr_db
from dap.errors import DapError
from dap.restoration.bands import low_band, with_low_band
from dap.scoring.statistics import paired

BAND_RATE = 16000
NOISE_DB = -10.0  # re the sound
GAP_SECONDS = 0.03  # one in every quarter of a second
CLASSICAL = {"denoise": "wiener-tracked", "inpaint": "janssen"}
METHODS = {"wiener-tracked": "denoise", "dap-best": "denoise", "janssen": "inpaint"}
Restore = Callable[[np.ndarray, int, str], np.ndarray]


def loudest(path: Path, seconds: float) -> tuple[np.ndarray, int]:
    """The loudest stretch of a recording's first channel, (samples,), and its rate in Hz."""
    signal, rate = soundfile.read(path, dtype="float32", always_2d=True)
    options = {"window": "loudest", "window_index": 0, "level": "peak", "seed": 0}
    return 0.5 * excerpt(signal[:, 0], round(seconds * rate), **options).signal, rate


def gaps(seconds: float) -> list[tuple[float, float]]:
    """Starts and ends in seconds."""
    starts = np.arange(0.1, seconds - 0.1, 0.25)
    return [(float(start), float(start) + GAP_SECONDS) for start in starts]


def ways(clean: np.ndarray, rate: int, method: str, seed: int, threads: int) -> dict[str, float]:
    """SNR in dB of what is given and of both ways; of gaps, inside of them."""
    task, seconds = METHODS[method], len(clean) / rate
    scored = np.ones(len(clean), bool)
    if task == "denoise":
        noise = np.random.default_rng(seed).standard_normal(len(clean))
        given = clean + noise * clean.std() * 10 ** (NOISE_DB / 20)
        options = {}
    else:
        options = {"gaps": gaps(seconds)}
        times = np.arange(len(clean)) / rate
        scored = np.any([(s <= times) & (times < e) for s, e in options["gaps"]], axis=0)
        given = np.where(scored, 0, clean)
    given = given.astype(np.float32)

    def restored(signal: np.ndarray, sample_rate: int, by: str) -> np.ndarray:
        return dap.restore(signal, sample_rate, method=by, threads=threads, **options).audio

    low = restored(low_band(given, rate, BAND_RATE), BAND_RATE, method)
    results = {
        "given": given,
        "own rate": restored(given, rate, method),
        "by bands": with_low_band(restored(given, rate, CLASSICAL[task]), low, rate, BAND_RATE),
    }
    return {
        way: snr_db(clean[scored], result[scored] - clean[scored])
        for way, result in results.items()
    }


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--method", "methods", multiple=True, type=click.Choice(list(METHODS)))
@click.option("--seconds", default=1.0, show_default=True)
@click.option("--threads", default=1, show_default=True)
def main(files: tuple[Path, ...], methods: tuple[str, ...], seconds: float, threads: int) -> None:
    """Print a table of SNR by method and way, and the paired difference of the ways."""
    click.echo("| method | n | given, dB | own rate | by bands | by bands minus own rate, 95 % |")
    click.echo("| --- | ---: | ---: | ---: | ---: | ---: |")
    try:
        for method in methods or METHODS:
            rows = []
            for index, path in enumerate(files):
                clean, rate = loudest(path, seconds)
                rows.append(ways(clean, rate, method, index, threads))
                said = ", ".join(f"{way} {snr:.2f}" for way, snr in rows[-1].items())
                click.echo(f"{method}, {path.name}, {rate} Hz: {said}", err=True)
            means = [np.mean([row[way] for row in rows]) for way in rows[0]]
            gain = paired([row["by bands"] - row["own rate"] for row in rows])
            cells = " | ".join(f"{mean:.2f}" for mean in means)
            click.echo(
                f"| `{method}` | {len(rows)} | {cells} | {gain.mean:+.2f} "
                f"[{gain.low:+.2f}, {gain.high:+.2f}] |"
            )
    except DapError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
