"""The content of a study's report, from the study's products."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dap.errors import extra
from dap.options import learning_rate
from dap.reporting.claims import examine
from dap.reporting.compact import blocks, papers
from dap.reporting.gains import gains, in_words
from dap.reporting.iterates import distances
from dap.reporting.opening import outcomes, paper_name
from dap.reporting.panels import panels
from dap.reporting.ranking import rankings
from dap.reporting.report import caption, render
from dap.reporting.summary import summary
from dap.reporting.typeset import summary_of
from dap.scoring.evaluate import read
from dap.store import read_rows
from dap.study.paths import names

with extra("report"):
    import pandas as pd

# distinguishes figures that have the same title
KINDS = {"example": " (one clip)", "curves": " (over the fit)"}


def report_and_summary(
    inputs: Mapping[str, Sequence[Path]],
    setup: Mapping[str, Any],
    checked: Mapping[str, str],
    skipped: Sequence[str] = (),
) -> tuple[str, str]:
    """The report as HTML, and what was found as Markdown.

    Args:
        inputs: the products, as `dap.study.presentation.report.report_inputs` names them.
        setup: how the study is presented (`dap.study.presentation.report.report_setup`).
        checked: for each known corpus, what its archives were checked against, in words.
        skipped: which recordings could not be used, in words.

    Raises:
        DapError: a product is torn, or a claim needs scores that do not exist.
    """
    config, experiments = setup["config"], setup["experiments"]
    (provenance,) = inputs["provenance"]
    scores = read(inputs["scores"])
    tables = [_numbers(table, scores) for table in setup["tables"]]
    claims = examine(
        inputs["claims"][0],
        config["claims"],
        scores,
        setup["better"],
        pd.read_csv(inputs["cost"][0]),
    )
    sounds, digest = panels(experiments, config)
    found = {
        "title": config["title"] or config["study"],
        "opening": {
            "papers": outcomes(claims),
            "gains": in_words(gains(scores, setup["overview"]), setup["overview"]),
            "rankings": rankings(tables, scores),
            "picture": _overview(inputs["overview"]),
            "tables": [
                grid | {"caption": f"Methods and results of {paper_name(grid['paper'])}"}
                for grid in papers([table for table in tables if len(table["summary"])])
            ],
        },
        "claims": claims,
        "notes": [*config["notes"], *skipped],
    }
    page = render(
        **found,
        study=config["study"],
        provenance=json.loads(provenance.read_text(encoding="utf-8")),
        experiments=[_experiment(experiment) for experiment in experiments],
        tables=[
            *(
                _table(path, ".csv and .tex") | {"grids": table["grids"]}
                for path, table in zip(inputs["tables"], tables, strict=True)
            ),
            *(_table(path, ".csv") for path in inputs["cost_markdown"]),
        ],
        figures=_figures(config["figures"], inputs["figures"], experiments),
        panels=sounds,
        sounds=digest,
        corpora=_corpora(config, inputs["manifests"], checked),
    )
    return page, summary(**found, iterates=distances(scores, setup["overview"]))


def _numbers(table: Mapping[str, Any], scores: pd.DataFrame) -> dict[str, Any]:
    """The numbers of one of the study's tables, as its own job has them, and its grids."""
    entry, setup, metrics = table["entry"], table["setup"], table["metrics"]
    of_experiment = scores[scores["experiment"] == entry["experiment"]]
    facts = {
        "title": entry["title"] or table["name"],
        "experiment": entry["experiment"],
        "paper": entry.get("published", {}).get("paper", ""),
        "published": list(entry.get("published", {}).get("metrics", {})),
        "quality": table["quality"],
        "headline": setup["headline"],
        "baseline": entry["baseline"],
        "better": {name: metric["better"] for name, metric in metrics.items()},
        "labels": {name: metric["label"] for name, metric in metrics.items()},
    }
    (path,) = table["published"] or [None]
    summary = summary_of(of_experiment, path, entry=entry, setup=setup, metrics=metrics)
    reading = {key: facts[key] for key in ("baseline", "better", "labels")}
    return facts | {"summary": summary, "grids": blocks(summary, **reading)}


def _overview(files: Sequence[Path]) -> dict[str, Any] | None:
    """The picture that the report opens with; None of a study that compares nothing."""
    return {"title": "Gains over the observation", "png_path": files[0]} if files else None


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
