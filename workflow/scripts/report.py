"""The report: every table and figure, examples to listen to, and the papers' claims."""

import json
from pathlib import Path

import pandas as pd

from dap.data.origin import checked
from dap.options import learning_rate
from dap.reporting.claims import examine
from dap.reporting.listening import load
from dap.reporting.report import audio_uri, caption, render
from dap.runtime.joblog import job
from dap.scoring.evaluate import read
from dap.store import read_rows, write_text

# what tells figures of one title from each other
KINDS = {"example": " (one clip)", "curves": " (over the fit)"}


def titled(text):
    """A table's heading, and the text below it."""
    heading, _, rest = text.partition("\n")
    return heading.removeprefix("# "), rest


with job(snakemake.log[0]):
    facts, results = snakemake.params.facts, Path(snakemake.output[0]).parent
    config = facts["config"]
    rate = config["sample_rate"]
    corpora = config["corpora"]

    tables = []
    for path in [*snakemake.input.tables, snakemake.input.cost_markdown]:
        heading, text = titled(Path(path).read_text(encoding="utf-8"))
        others = ".csv" if path == snakemake.input.cost_markdown else ".csv and .tex"
        tables.append({"title": heading, "markdown": text, "caption": f"{path}, {others}"})

    figures = []
    for entry, path in zip(config["figures"].values(), snakemake.input.figures, strict=True):
        experiment = next(e for e in facts["experiments"] if e["name"] == entry["experiment"])
        figures.append(
            {
                "title": (entry["title"] or experiment["title"]) + KINDS.get(entry["kind"], ""),
                "png_path": path,
                "caption": caption(entry),
            }
        )

    examples = []
    for experiment in facts["experiments"]:
        name, fitted = experiment["name"], [m for m in experiment["methods"] if m != "observed"]
        for cell, parts in experiment["parts"].items():
            example = load(
                [results / "clips" / part / "000" / "manifest.csv" for part in parts],
                results / "observations" / name / cell / "000" / "manifest.csv",
                {m: results / "fits" / name / cell / m / "000" / "manifest.csv" for m in fitted},
                task=experiment["task"],
                sample_rate=rate,
            )
            items = []
            for index in range(len(parts)):
                for label, signals in example.columns.items():
                    item = {"label": label, "note": ""}
                    item["audio"] = audio_uri(signals[min(index, len(signals) - 1)], rate)
                    if example.sources:
                        item["source"] = corpora[example.sources[index]]["title"]
                    items.append(item)
            title = " + ".join(corpora[part]["title"] for part in parts)
            examples.append(
                {"title": f"{experiment['title']}, {title}: {example.clip}", "items": items}
            )

    padded, drawn = {}, {}
    for path in map(Path, snakemake.input.manifests):
        corpus, rows = path.parent.parent.name, read_rows(path)
        drawn[corpus] = drawn.get(corpus, 0) + len(rows)
        padded[corpus] = padded.get(corpus, 0) + sum(float(row["padded"]) > 0 for row in rows)
    origins = {Path(path).stem: Path(path) for path in snakemake.input.origins}
    used = [
        {
            "name": name,
            "title": entry["title"],
            "stands for": entry["stands_for"] or "",
            "licence": entry["licence"],
            "citation": entry["citation"],
            "checked": checked(origins[entry["archive"]])
            if entry.get("archive") in origins
            else "",
            "clips": drawn.get(name, 0),
            "padded at the end": padded.get(name, 0),
            "seconds a clip": entry["samples"] / rate,
        }
        for name, entry in corpora.items()
    ]

    claims = examine(
        snakemake.input.claims,
        config["claims"],
        read(snakemake.input.scores),
        facts["better"],
        config["seed"],
        pd.read_csv(snakemake.input.cost),
    )
    run = [
        {
            "experiment": experiment["title"],
            "task": experiment["task"],
            "corruption": ", ".join(f"{k} {v}" for k, v in experiment["corruption"].items()),
            "clips": ", ".join(f"{cell}: {count}" for cell, count in experiment["cells"].items()),
            "methods": ", ".join(experiment["methods"]),
            "iterations": experiment["fit"]["iterations"],
            "learning rate": learning_rate(experiment["fit"]),
            "width": experiment["fit"]["width"],
            "other for": "; ".join(
                f"{method}: " + ", ".join(f"{key} {value}" for key, value in own.items())
                for method, own in experiment["fits"].items()
            ),
        }
        for experiment in facts["experiments"]
    ]
    page = render(
        title=config["title"] or config["study"],
        study=config["study"],
        provenance=json.loads(Path(snakemake.input.provenance).read_text(encoding="utf-8")),
        experiments=run,
        tables=tables,
        figures=figures,
        examples=examples,
        claims=claims,
        corpora=used,
        notes=config["notes"],
    )
    write_text(Path(snakemake.output[0]), page)
