"""`python -m benchmarks.stereo FILES`: two channels, each on its own, or their mid and side.

The loudest stretch of a file of two channels is taken as it was recorded, at a peak of 0.5. Of
files of one channel stereo is made: the stretch is panned (from the middle to a side, at constant
power), each channel with a room of its own (noise that decays by 60 dB in 0.4 s, 12 dB below the
direct sound); and, as of two people at a table, the stretches of two files, one in each channel.
Noise is white, of equal power in both channels, either independent (tape, two microphones) or one
and the same (a line that was split). `wiener-tracked` restores it; the SNR is that over both
channels.
"""

from pathlib import Path

import click
import numpy as np
import soundfile

import dap
from benchmarks.bandwidth import loudest
from dap.audio import excerpt
from dap.decibels import snr_db
from dap.errors import DapError
from dap.scoring.statistics import paired

PANS = {"middle": 45.0, "half left": 22.5, "left": 5.0}  # degrees
WET, DECAY_SECONDS = 10 ** (-12 / 20), 0.4
NOISE_DB = -10.0  # re the sound
HALF = 2**-0.5


def recorded(path: Path, seconds: float) -> tuple[np.ndarray, int]:
    """The loudest stretch of a recording of two channels, (samples, 2), and its rate in Hz."""
    signal, rate = soundfile.read(path, dtype="float32", always_2d=True)
    size = np.linalg.norm(signal, axis=1)
    options = {"window": "loudest", "window_index": 0, "level": "peak", "seed": 0}
    start = excerpt(size, round(seconds * rate), **options).start
    clip = signal[start : start + round(seconds * rate)]
    return 0.5 * clip / np.abs(clip).max(), rate


def panned(mono: np.ndarray, rate: int, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """(samples, 2) of one sound in a room."""
    times = np.arange(round(DECAY_SECONDS * rate)) / rate
    decay = 10 ** (-3 * times / DECAY_SECONDS)
    responses = rng.standard_normal((2, len(times))) * decay
    responses *= WET / np.linalg.norm(responses, axis=1, keepdims=True)
    angle = np.deg2rad(degrees)
    channels = []
    for gain, response in zip((np.cos(angle), np.sin(angle)), responses, strict=True):
        size = 2 * len(mono)
        room = np.fft.irfft(np.fft.rfft(mono, size) * np.fft.rfft(response, size), size)
        channels.append(gain * mono + room[: len(mono)])
    return np.stack(channels, axis=1)


def rotated(signal: np.ndarray, axes: np.ndarray, rate: int) -> np.ndarray:
    """A recording of which the projections on orthonormal axes are restored, each on its own."""
    turned = [dap.restore(each, rate, method="wiener-tracked").audio for each in (signal @ axes).T]
    return np.stack(turned, axis=1) @ axes.T


def principal(signal: np.ndarray) -> np.ndarray:
    """The axes on which a recording's channels have no correlation, (2, 2)."""
    return np.linalg.eigh(np.cov(signal.T))[1]


def ways(clean: np.ndarray, noise: np.ndarray, rate: int) -> dict[str, float]:
    """SNR in dB over both channels, of what is given and of each way."""
    given = clean + noise * clean.std() * 10 ** (NOISE_DB / 20)
    results = {
        "given": given,
        "each channel": rotated(given, np.eye(2), rate),
        "mid and side": rotated(given, HALF * np.array([[1, 1], [1, -1]]), rate),
        "principal axes": rotated(given, principal(given), rate),
    }
    return {way: snr_db(clean.ravel(), (x - clean).ravel()) for way, x in results.items()}


def cases(files: tuple[Path, ...], seconds: float) -> dict[str, list[dict[str, float]]]:
    """Scores by where the sound is and what the noise is, one of each file."""
    rows: dict[str, list[dict[str, float]]] = {}
    single = [path for path in files if soundfile.info(path).channels == 1]
    sounds = [loudest(path, seconds) for path in single]
    for index, path in enumerate(files):
        rng = np.random.default_rng(index)
        if path in single:
            mono, rate = sounds[single.index(path)]
            other, _ = sounds[single.index(path) - 1]
            length = min(len(mono), len(other))
            places = {name: panned(mono, rate, pan, rng) for name, pan in PANS.items()}
            places["one in each"] = np.stack([mono[:length], other[:length]], axis=1)
        else:
            clean, rate = recorded(path, seconds)
            places = {"as recorded": clean}
        for place, clean in places.items():
            noises = {
                "independent": rng.standard_normal(clean.shape),
                "the same": np.repeat(rng.standard_normal((len(clean), 1)), 2, axis=1),
            }
            for kind, noise in noises.items():
                rows.setdefault(f"{place} | {kind}", []).append(ways(clean, noise, rate))
    return rows


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--seconds", default=3.0, show_default=True)
def main(files: tuple[Path, ...], seconds: float) -> None:
    """Print a table of mean SNR, and paired differences from each channel on its own."""
    if len(files) < 2:
        raise click.UsageError("name two files at least")
    click.echo(
        "| sound | noise | n | given, dB | each channel | mid and side, minus that, 95 % | "
        "principal axes, minus that, 95 % |"
    )
    click.echo("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    try:
        for case, rows in cases(files, seconds).items():
            means = {way: np.mean([row[way] for row in rows]) for way in rows[0]}
            gains = [
                paired([row[way] - row["each channel"] for row in rows])
                for way in ("mid and side", "principal axes")
            ]
            said = " | ".join(f"{g.mean:+.2f} [{g.low:+.2f}, {g.high:+.2f}]" for g in gains)
            given, each = means["given"], means["each channel"]
            click.echo(f"| {case} | {len(rows)} | {given:.2f} | {each:.2f} | {said} |")
    except DapError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
