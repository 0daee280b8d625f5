"""A model's card: what it was made of, how it learned, and how well it does."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dap.plugins import plugins
from dap.scoring.evaluate import read
from dap.store import read_rows, verified


def card(model: Path, learning: Path, scores: Sequence[Path]) -> str:
    """The card in Markdown.

    Args:
        learning: the points of the curves.
        scores: of the model's pair and method, of all chunks; those of other initialisations are
            left out.

    Raises:
        DapError: a file is torn, or is no model.
    """
    from dap.training.model import load

    loaded = load(verified(model))
    configuration, made = loaded.configuration, loaded.made
    holdout = made["pair"].split("+")[1]
    options = made["options"]
    heard = {
        name: [len(made["recordings"][part][name]) for part in ("trained", "validated")]
        for name in made["recordings"]["trained"]
    }
    transform = configuration.spectrogram
    facts = {
        "target": configuration.target,
        "heard in training": ", ".join(configuration.heard),
        "never heard": holdout,
        "network": f"{configuration.method}, width {configuration.width:g}, "
        f"{made['parameters']:,} parameters",
        "input": f"the complex mixture at {configuration.sample_rate} Hz, STFT of "
        f"{transform['n_fft']} / {transform['hop_length']}, {transform['window']} window",
        "training": f"{options['steps']} steps of {options['batch']} mixtures of "
        f"{configuration.samples / configuration.sample_rate:.3f} s, Adam at "
        f"{options['learning_rate']:g}; {made['redrawn']} silent excerpts drawn again",
        "kept": f"step {made['step']}, validation loss {made['validation_loss']:.5g}",
        "took": f"{made['seconds']:.0f} s on {made['device']} ({made['engine']}, "
        f"{made['precision']}), {made['threads']} threads, {made['cpu']}",
        "seed": f"{made['study_seed']} of the study, initialisation {made['initialisation']}",
        "commit": made["commit"],
        "versions": ", ".join(f"{k} {v}" for k, v in json.loads(made["versions"]).items()),
    }
    lines = [f"# {configuration.method}: {configuration.target}, without {holdout}", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", "```", "dap separate --model model.safetensors MIXTURE.wav TARGET.wav", "```"]
    lines += ["", "## Recordings", ""]
    rows = [(name, *counts) for name, counts in heard.items()]
    lines += _table(("corpus", "trained on", "validated on"), rows)
    lines += ["", "## Scores", "", f"On mixtures of {configuration.target} and {holdout}:", ""]
    lines += _table(("source", "metric", "mean", "std", "n"), _scores(scores, made))
    lines += ["", "## Learning curves", "", "Mean absolute error of the mask:", ""]
    points = [
        (row["step"], f"{float(row['training']):.5g}", f"{float(row['validation']):.5g}")
        for row in read_rows(learning)
    ]
    lines += _table(("step", "training", "validation"), points)
    return "\n".join(lines) + "\n"


def _scores(paths: Sequence[Path], made: Mapping) -> list[tuple]:
    values = read(paths)
    values = values[values["seed"] == made["initialisation"]]
    metrics = plugins("metrics")
    rows = []
    for (source, metric), group in values.groupby(["source", "metric"], sort=False):
        label, unit = metrics[str(metric)].metadata["label"], metrics[str(metric)].metadata["unit"]
        mean, std, count = group["value"].mean(), group["value"].std(), group["value"].count()
        rows.append((source, f"{label} ({unit})", f"{mean:.2f}", f"{std:.2f}", count))
    return rows


def _table(names: Sequence[str], rows: Iterable[Sequence]) -> list[str]:
    lines = [names, ["---"] * len(names), *rows]
    return [f"| {' | '.join(map(str, line))} |" for line in lines]
