"""`python -m benchmarks.trained RECORDINGS`: a trained network beside classical methods, on speech.

Recordings of LJSpeech and SC09, in white noise of std 0.1 and in recorded noise at 5 to 9 dB SNR,
each as it is, and with the noise alone for half a second before and after it. A network that
normalises by the mean and variance of what it is given sees another signal then; only the speech is
scored. With --peak the noisy signal is brought to that level first. RECORDINGS has the folders
LJSpeech-1.1/wavs, sc09/test and what --noise names. The mean is over clips, by what can be scored.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from dap.audio import read
from dap.errors import DapError
from dap.fitting.baseline import restore
from dap.metrics.level import snr
from dap.metrics.speech import pesq_wb
from dap.observation import Observation

RATE = 16000
CORPORA = {"LJSpeech": "LJSpeech-1.1/wavs", "SC09": "sc09/test"}
METHODS = ("observed", "dfl", "wiener", "wavelet")
STD = 0.1
LEAST_DB, MOST_DB = 5.0, 9.0
PAUSE = RATE // 2


def noise_for(
    clean: np.ndarray, noises: list[np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """White noise, and recorded noise at a drawn SNR, a pause longer than the clip on each side."""
    samples = len(clean) + 2 * PAUSE
    white = rng.normal(0, STD, samples)
    recorded = noises[rng.integers(len(noises))]
    start = rng.integers(len(recorded))
    recorded = np.resize(np.roll(recorded, -start), samples).astype(np.float64)
    power = np.square(recorded[PAUSE:-PAUSE]).mean()
    wanted = np.square(clean).mean() / 10 ** (rng.uniform(LEAST_DB, MOST_DB) / 10)
    return {"white": white, "recorded": recorded * np.sqrt(wanted / power)}


def scores(
    clean: np.ndarray, noisy: np.ndarray, pause: int, peak: float | None
) -> dict[str, tuple[float, float]]:
    """SNR in dB and wide-band PESQ of each method.

    Args:
        clean: (samples,).
        noisy: (samples + 2 pause,).
        pause: how many samples of noise alone there are on each side.
        peak: of the noisy signal as the methods get it; None for as it is.
    """
    gain = peak / np.abs(noisy).max() if peak else 1.0
    observation = Observation((gain * noisy).astype(np.float32), sample_rate=RATE)
    result = {}
    for method in METHODS:
        estimate = restore(method, "denoise", observation).selections["last"][0] / gain
        estimate = estimate[pause : len(estimate) - pause].astype(np.float32)
        result[method] = snr(clean, estimate, RATE), pesq_wb(clean, estimate, RATE)
    return result


def rows(
    recordings: Path, noise: str, files: int, seconds: float, peak: float | None
) -> Iterator[str]:
    """The lines of a table in Markdown, each as soon as it is measured."""
    noises = [read(path, RATE) for path in sorted((recordings / noise).iterdir())]
    yield (
        "| speech | noise | pauses | n | "
        + " | ".join(f"{method}: SNR, PESQ" for method in METHODS)
        + " |"
    )
    yield "| --- | --- | --- | ---: |" + " ---: |" * len(METHODS)
    for corpus, folder in CORPORA.items():
        values: dict[tuple[str, str], list] = {}
        rng = np.random.default_rng(0)
        for path in sorted((recordings / folder).iterdir())[:files]:
            clean = read(path, RATE)[: round(seconds * RATE)]
            for kind, added in noise_for(clean, noises, rng).items():
                for pauses, pause in (("none", 0), ("0.5 s", PAUSE)):
                    cut = PAUSE - pause
                    noisy = np.pad(clean, pause) + added[cut : len(added) - cut]
                    row = scores(clean, noisy, pause, peak)
                    values.setdefault((kind, pauses), []).append([row[m] for m in METHODS])
        for (kind, pauses), each in values.items():
            means = np.nanmean(each, axis=0)
            cells = " | ".join(f"{level:.2f} dB, {pesq:.2f}" for level, pesq in means)
            yield f"| {corpus} | {kind} | {pauses} | {len(each)} | {cells} |"


@click.command()
@click.argument("recordings", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--noise", default="noise/voicebank-demand", show_default=True)
@click.option("--files", default=50, show_default=True, help="Of each corpus, at most.")
@click.option("--seconds", default=10.0, show_default=True, help="Of each file, at most.")
@click.option("--peak", type=float, help="Of the noisy signal. [default: as it is]")
def main(recordings: Path, noise: str, files: int, seconds: float, peak: float | None) -> None:
    """Denoise speech of RECORDINGS, and print SNR and PESQ as a table."""
    try:
        for line in rows(recordings, noise, files, seconds, peak):
            click.echo(line)
    except DapError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
