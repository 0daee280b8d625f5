"""`python -m benchmarks.unheard RESULTS`: what not hearing an instrument costs a trained model.

RESULTS is the folder of a study's results that trains models to take a target out of mixtures, with
several hold-outs. Every model is given mixtures of the target with every instrument, 1 s from the
middle of clips that no model was trained on; its error is that of training, the mean absolute error
of the mask. Of each method and instrument, the error of the model that never heard it stands beside
the mean of those that did, on the same mixtures. The interval is a 95 % t interval over mixtures.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import torch

from dap.errors import DapError
from dap.masks import ratio_mask
from dap.scoring.statistics import paired
from dap.stft import STFT
from dap.store import read_entries, verified
from dap.training.loop import Passes
from dap.training.mixtures import SILENCE
from dap.training.model import Model, load

# of a method and an instrument: each model's hold-out, and its error on each mixture
Errors = dict[tuple[str, str], dict[str, np.ndarray]]


def middles(results: Path, corpus: str, count: int, samples: int) -> list[np.ndarray]:
    """The middle of each of a corpus's first clips, (samples,) float32.

    Raises:
        DapError: there are fewer.
    """
    manifests = sorted((results / "clips" / corpus).glob("*/manifest.csv"))
    signals = [entry.signal() for manifest in manifests for entry in read_entries(manifest)]
    if len(signals) < count:
        raise DapError(f"{results}: has {len(signals)} clips of {corpus}, not {count}")
    starts = [(len(signal) - samples) // 2 for signal in signals[:count]]
    return [
        signal[start : start + samples]
        for signal, start in zip(signals[:count], starts, strict=True)
    ]


def errors(
    model: Model, targets: list[np.ndarray], others: list[np.ndarray], precision: str
) -> np.ndarray:
    """The error on each mixture, (mixtures,) float64; NaN where one of the two is silent."""
    samples = model.configuration.samples
    transform = STFT(**model.configuration.spectrogram)
    passes = Passes(model.net, transform, at_once=1, samples=samples, precision=precision)
    values = []
    for target, other in zip(targets, others, strict=True):
        if min(np.abs(target).max(), np.abs(other).max()) < SILENCE:
            values.append(np.nan)
            continue
        signals = torch.from_numpy(np.stack((target, target + other)))
        spectra = transform.analyse(signals)
        with torch.no_grad():
            mask = passes.masks(spectra[1:])
        values.append(float((mask - ratio_mask(spectra[:1], spectra[1:])).abs().mean()))
    return np.array(values)


def measure(results: Path, count: int) -> Errors:
    """The errors of all models of a study on mixtures with all instruments.

    Raises:
        DapError: there are no models, too few clips, or a file is torn.
    """
    paths = sorted((results / "models").glob("*/*/*/*/model.safetensors"))
    if not paths:
        raise DapError(f"{results}: holds no models")
    models = [load(verified(path)) for path in paths]
    target, samples = models[0].configuration.target, models[0].configuration.samples
    others = {name for model in models for name in model.configuration.heard}
    others |= {model.made["pair"].split("+")[1] for model in models}
    sounds = {name: middles(results, name, count, samples) for name in (target, *others)}
    found: Errors = {}
    for model in models:
        holdout = model.made["pair"].split("+")[1]
        for name in sorted(others):
            of = found.setdefault((model.configuration.method, name), {})
            precision = model.made["precision"]
            of[holdout] = errors(model, sounds[target], sounds[name], precision)
    return found


def lines(found: Errors) -> Iterator[str]:
    """A table in Markdown: method, instrument, n, the two errors and their difference."""
    yield "| method | instrument | n | heard | never heard | difference |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for (method, name), by_holdout in found.items():
        if name not in by_holdout:
            continue
        unheard = by_holdout[name]
        heard = np.mean([each for of, each in by_holdout.items() if of != name], axis=0)
        counted = ~np.isnan(unheard)
        lost = paired((unheard - heard)[counted])
        yield (
            f"| {method} | {name} | {counted.sum()} | {heard[counted].mean():.4f} | "
            f"{unheard[counted].mean():.4f} | {lost.mean:+.4f} "
            f"[{lost.low:+.4f}, {lost.high:+.4f}] |"
        )


@click.command(help=__doc__)
@click.argument("results", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--clips", default=30, show_default=True, type=click.IntRange(2))
def main(results: Path, clips: int) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    try:
        for line in lines(measure(results, clips)):
            click.echo(line)
    except DapError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
