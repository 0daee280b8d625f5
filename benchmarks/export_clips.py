"""Clips of real recordings in one small file, for machines that have torch and numpy alone.

`python -m benchmarks.export_clips FOLDER` writes benchmarks/clips.npz: of each of four corpora
under FOLDER, the loudest second of a few recordings, 16 kHz, at a peak of 1.
"""

from collections.abc import Iterable
from pathlib import Path

import click
import numpy as np

from dap.audio import SUFFIXES, excerpt, read
from dap.errors import DapError

CORPORA = {
    "ljspeech": "LJSpeech-1.1/wavs",
    "sc09": "sc09/test",
    "piano": "piano/test",
    "drums": "drums/test",
}
SAMPLE_RATE = 16000
SAMPLES = 16384  # A's "1 s" (fidelity: clip-length)


def export(
    folder: Path, each: int, *, samples: int = SAMPLES, corpora: Iterable[str] = CORPORA
) -> dict[str, np.ndarray]:
    """Names (n,) and clips (n, samples), the corpora in turn, so that any first n are of all.

    Raises:
        DapError: a corpus holds no recording.
    """
    names, clips = [], []
    for number in range(each):
        for corpus in corpora:
            subfolder = CORPORA[corpus]
            files = sorted(
                p for p in (folder / subfolder).glob("*") if p.suffix.lower() in SUFFIXES
            )
            if not files:
                raise DapError(f"{folder / subfolder}: holds no recordings")
            # from all over the corpus; a corpus of few recordings gives other windows of the same
            file = files[number * len(files) // each % len(files)]
            window = number if len(files) < each else 0
            cut = {"window": "loudest", "window_index": window, "level": "peak", "seed": 0}
            clips.append(excerpt(read(file, SAMPLE_RATE), samples, **cut).signal)
            names.append(f"{corpus}/{file.stem}")
    return {"names": np.array(names), "clips": np.stack(clips)}


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--each", default=4, show_default=True, help="Clips of each corpus.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path(__file__).parent / "clips.npz",
    help="Where to write them.  [default: benchmarks/clips.npz]",
)
def main(folder: Path, each: int, out: Path) -> None:
    """Write clips of the recordings under FOLDER, laid out like the papers' corpora."""
    try:
        arrays = export(folder, each)
    except DapError as error:
        raise click.ClickException(str(error)) from error
    np.savez_compressed(out, **arrays)
    click.echo(f"{len(arrays['names'])} clips in {out}")


if __name__ == "__main__":
    main()
