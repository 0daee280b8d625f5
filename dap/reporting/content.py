"""The content of a study's report, from the study's products."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dap.errors import extra
from dap.options import learning_rate
from dap.reporting.claims import examine
from dap.reporting.listening import Example, load
from dap.reporting.report import audio_uri, caption, render
from dap.scoring.evaluate import read
from dap.store import read_rows
from dap.study.paths import names

with extra("report"):
    import pandas as pd

# distinguishes figures that have the same title
KINDS = {"example": " (one clip)", "curves": " (over the fit)"}


def page(
    inputs: Mapping[str, Sequence[Path]],
    setup: Mapping[str, Any],
    checked: Mapping[str, str],
    skipped: Sequence[str] = (),
) -> str:
    """The report as HTML.

    Args:
        inputs: the products, as `dap.study.presentation.report_inputs` names them.
        setup: how the study is presented (`dap.study.presentation.report_setup`).
        checked: for each known corpus, what its archives were checked against, in words.
        skipped: which recordings could not be used, in words.

    Raises:
        DapError: a product is torn, or a claim needs scores that do not exist.
    """
    config, experiments = setup["config"], setup["experiments"]
    (provenance,) = inputs["provenance"]
    return render(
        title=config["title"] or config["study"],
        study=config["study"],
        provenance=json.loads(provenance.read_text(encoding="utf-8")),
        experiments=[_experiment(experiment) for experiment in experiments],
        tables=[
            *(_table(path, ".csv and .tex") for path in inputs["tables"]),
            *(_table(path, ".csv") for path in inputs["cost_markdown"]),
        ],
        figures=_figures(config["figures"], inputs["figures"], experiments),
        examples=[
            example for experiment in experiments for example in _examples(experiment, config)
        ],
        claims=examine(
            inputs["claims"][0],
            config["claims"],
            read(inputs["scores"]),
            setup["better"],
            pd.read_csv(inputs["cost"][0]),
        ),
        corpora=_corpora(config, inputs["manifests"], checked),
        notes=[*config["notes"], *skipped],
    )


def _table(path: Path, others: str) -> dict[str, Any]:
    """A table, with its heading apart from the text below it."""
    heading, _, text = path.read_text(encoding="utf-8").partition("\n")
    caption = f"{path}, {others}"
    return {"title": heading.removeprefix("# "), "markdown": text, "caption": caption}


def _figures(
    entries: Mapping[str, Mapping], files: Sequence[Path], experiments: Sequence[Mapping]
) -> list[dict[str, Any]]:
    titles = {experiment["name"]: experiment["title"] for experiment in experiments}
    return [
        {
            "title": (entry["title"] or titles[entry["experiment"]]) + KINDS.get(entry["kind"], ""),
            "png_path": path,
            "caption": caption(entry),
        }
        for entry, path in zip(entries.values(), files, strict=True)
    ]


def _examples(experiment: Mapping, config: Mapping) -> Iterator[dict[str, Any]]:
    """The first clip of each corpus of an experiment, to listen to."""
    corpora = config["corpora"]
    for corpus, files in experiment["examples"].items():
        parts = experiment["parts"][corpus]
        example = load(
            [Path(path) for path in files["clips"]],
            Path(files["observations"][0]),
            {names("fits", path).method: Path(path) for path in files["fits"]},
            task=experiment["task"],
            sample_rate=config["sample_rate"],
        )
        titles = {part: corpora[part]["title"] for part in parts}
        title = " + ".join(titles.values())
        yield {
            "title": f"{experiment['title']}, {title}: {example.clip}",
            "items": _sounds(example, titles, config["sample_rate"]),
        }


def _sounds(example: Example, titles: Mapping[str, str], sample_rate: int) -> list[dict[str, Any]]:
    """Each signal of an example, source by source."""
    items = []
    for index in range(len(titles)):
        for label, signals in example.columns.items():
            signal = signals[min(index, len(signals) - 1)]  # a mixture stands for every source
            item = {"label": label, "note": "", "audio": audio_uri(signal, sample_rate)}
            if example.sources:
                item["source"] = titles[example.sources[index]]
            items.append(item)
    return items


def _corpora(
    config: Mapping, manifests: Sequence[Path], checked: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Where clips came from, how many there are, and how many of them are padded."""
    counts: Counter[str] = Counter()
    padded: Counter[str] = Counter()
    for path in manifests:
        corpus, rows = names("clips", path).corpus, read_rows(path)
        counts[corpus] += len(rows)
        padded[corpus] += sum(float(row["padded"]) > 0 for row in rows)
    return [
        {
            "name": name,
            "title": entry["title"],
            "stands for": entry["stands_for"] or "",
            "licence": entry["licence"],
            "citation": entry["citation"],
            "checked": checked.get(entry.get("archive"), ""),
            "clips": counts[name],
            "padded at the end": padded[name],
            "seconds a clip": entry["samples"] / config["sample_rate"],
        }
        for name, entry in config["corpora"].items()
    ]


def _experiment(experiment: Mapping) -> dict[str, Any]:
    """What was run, in words."""
    fit, corruption = experiment["fit"], experiment["corruption"]
    if training := experiment.get("training"):
        fit = {"iterations": training["steps"]} | {
            key: training[key] for key in ("learning_rate", "width")
        }
    return {
        "experiment": experiment["title"],
        "task": experiment["task"],
        "corruption": ", ".join(f"{key} {value}" for key, value in corruption.items()),
        "clips": ", ".join(f"{corpus}: {count}" for corpus, count in experiment["clips"].items()),
        "methods": ", ".join(experiment["methods"]),
        "iterations": fit["iterations"],
        "learning rate": learning_rate(fit),
        "width": fit["width"],
        "other for": "; ".join(
            f"{method}: " + ", ".join(f"{key} {value}" for key, value in options.items())
            for method, options in experiment["fits"].items()
        ),
    }
