"""`python -m benchmarks.dropouts FOLDER`: how many dropouts `dap.find_gaps` finds in recordings.

Into the first seconds of every recording below FOLDER one dropout is put at a time, somewhere in
its louder half: zeros, or the sample before it repeated. It is found where both its ends are told
to 0.5 ms. What is found in the recordings as they are is taken for false: they are not known to
have dropouts.
"""

from pathlib import Path

import click
import numpy as np
import soundfile

from dap.audio import SUFFIXES
from dap.restoration.detection import find_gaps

KINDS = ("zeros", "repeated")
SECONDS = (0.002, 0.02)
READ_SECONDS = 10.0
OFF_SECONDS = 0.0005
AWAY_SECONDS = 0.05  # from both ends


def placed(signal: np.ndarray, samples: int, rate: int, rng: np.random.Generator) -> int | None:
    """Where a dropout starts, in the half of the signal that is louder; None where it is short."""
    away = round(AWAY_SECONDS * rate)
    size = samples + 2 * away
    if len(signal) < size + 1:
        return None
    energy = np.cumsum(np.r_[0, np.square(signal - signal.mean())])
    levels = energy[size:] - energy[:-size]
    return int(rng.choice(np.flatnonzero(levels >= np.median(levels)))) + away


def with_dropout(signal: np.ndarray, start: int, samples: int, kind: str) -> np.ndarray:
    """A signal, (samples,), with a dropout of one of `KINDS`."""
    damaged = signal.copy()
    damaged[start : start + samples] = 0 if kind == "zeros" else signal[start - 1]
    return damaged


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Print how many dropouts are found, and how many that nobody made."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    rng = np.random.default_rng(0)
    false: dict[str, int] = {}
    found: dict[tuple[str, float], list[bool]] = {}
    for path in files:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            signal = file.read(round(READ_SECONDS * rate), always_2d=True)[:, 0]
        if count := len(find_gaps(signal, rate)):
            false[path.name] = count
        for kind in KINDS:
            for seconds in SECONDS:
                samples = round(seconds * rate)
                start = placed(signal, samples, rate, rng)
                if start is None:
                    continue
                ends = np.array([start, start + samples]) / rate
                damaged = with_dropout(signal, start, samples, kind)
                off = [np.abs(np.array(gap) - ends).max() for gap in find_gaps(damaged, rate)]
                near = OFF_SECONDS + 1.5 / rate
                found.setdefault((kind, seconds), []).append(any(each <= near for each in off))
    click.echo("| dropout | n | found |\n| --- | ---: | ---: |")
    for (kind, seconds), each in found.items():
        click.echo(f"| {kind}, {1000 * seconds:g} ms | {len(each)} | {np.mean(each):.0%} |")
    names = "".join(f", {name} ({count})" for name, count in false.items())
    click.echo(f"\nFalse: {sum(false.values())} in {len(files)} recordings{names}")


if __name__ == "__main__":
    main()
