"""`python -m benchmarks.gaps FOLDER`: what gaps take from real clips, anywhere and in sound.

Gaps, corpora and transform are those of A's inpainting in workflow/studies/interspeech2021.yaml;
the recordings are under FOLDER, laid out as LJSpeech-1.1/wavs and sc09/test. The spectral SNR is
that of the observation, from which a restoration starts (A's Table 3 has those of restorations).
"""

from pathlib import Path

import click
import numpy as np

from dap.data.catalogue import draws, recordings
from dap.data.clips import make as make_clip
from dap.data.observations import make
from dap.decibels import ratio_db
from dap.errors import DapError
from dap.metrics.spectral import spectral_snr
from dap.study.study import Study
from dap.study.yaml_file import load

STUDY = Path(__file__).resolve().parents[1] / "workflow" / "studies" / "interspeech2021.yaml"
FOLDERS = {"ljspeech": "LJSpeech-1.1/wavs", "sc09": "sc09/test"}
QUIET_DB = -20.0  # below it, re the clip's mean level, a gap is counted as one in a pause


def inpainting(folder: Path) -> Study:
    """The experiment `inpaint` of paper A, on the recordings of a folder."""
    config = load(STUDY)
    corpora = {
        name: {key: value for key, value in config["corpora"][name].items() if key != "archive"}
        | {"folder": str(folder / path)}
        for name, path in FOLDERS.items()
    }
    experiments = {"inpaint": config["experiments"]["inpaint"]}
    parts = {"corpora": corpora, "experiments": experiments}
    return Study(config | parts | {"tables": {}, "figures": {}, "claims": []})


def measure(
    study: Study, corpus: str, where: str, clips: int, seeds: int
) -> tuple[np.ndarray, np.ndarray]:
    """What the gaps take from clips of a corpus, each with gaps from several seeds.

    Args:
        clips: how many, at most one of a recording.

    Returns:
        spectral SNR of each observation, (clips x seeds,) in dB; level of each gap's clean samples
        over that of its clip, (gaps,) in dB.
    """
    entry, sample_rate = study.corpus(corpus), study["sample_rate"]
    corruption = study.experiments["inpaint"].corruption | {"where": where}
    ratios, levels = [], []
    for draw in draws(corpus, entry, study["seed"], min(clips, len(recordings(entry)))):
        excerpt = make_clip(corpus, entry, draw, seed=study["seed"], sample_rate=sample_rate)
        clean = excerpt.signal
        power = np.square(clean, dtype=np.float64)
        for seed in range(seeds):
            observation = make(
                draw.clip,
                [clean],
                corruption,
                seed=seed,
                names=("inpaint", corpus),
                sample_rate=sample_rate,
                spectrogram=study["spectrogram"],
                noise=None,
            )
            ratios.append(spectral_snr(clean, observation.signal, sample_rate))
            edges = np.flatnonzero(np.diff(observation.known["mask"]))
            gaps = np.split(power, edges + 1)[1::2]
            levels += [-ratio_db(power.mean(), gap.mean()) for gap in gaps]
    return np.array(ratios), np.array(levels)


def rows(study: Study, clips: int, seeds: int) -> list[str]:
    """The lines of a table in Markdown."""
    lines = [
        "| corpus | where | clips | observations | spectral SNR, dB | gaps | "
        f"of them {-QUIET_DB:g} dB and more below the clip's mean level |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for corpus in FOLDERS:
        for where in ("anywhere", "sound"):
            ratios, levels = measure(study, corpus, where, clips, seeds)
            quiet = np.mean(levels < QUIET_DB)
            lines.append(
                f"| {corpus} | `{where}` | {len(ratios) // seeds} | {len(ratios)} | "
                f"{ratios.mean():.2f} ± {ratios.std(ddof=1):.2f} | {len(levels)} | {quiet:.0%} |"
            )
    return lines


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--clips", default=50, show_default=True, help="Clips of each corpus, one of a recording."
)
@click.option("--seeds", default=10, show_default=True, help="Draws of each clip's gaps.")
def main(folder: Path, clips: int, seeds: int) -> None:
    """Print what gaps take from the recordings under FOLDER, as a table."""
    try:
        click.echo("\n".join(rows(inpainting(folder), clips, seeds)))
    except DapError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
