"""One table: CSV, Markdown and LaTeX from an experiment's scores."""

from pathlib import Path

from dap.data.origin import caveat
from dap.reporting import tables, typeset
from dap.runtime.joblog import job
from dap.scoring.evaluate import read

with job(snakemake.log[0]):
    entry, setup, facts = (snakemake.params[name] for name in ("entry", "setup", "facts"))
    better = {name: fact["better"] for name, fact in facts.items()}
    published = None
    if snakemake.input.published:
        source = entry["published"]
        published = tables.load_published(
            snakemake.input.published[0],
            source["paper"],
            source["table"],
            source["metrics"],
            setup["headline"],
        )
        published["method"] = published["method"].replace(setup["published"])
    summary = tables.summarise(
        read(snakemake.input.scores),
        methods=setup["methods"],
        metrics=entry["metrics"],
        selections=setup["selections"],
        baseline=entry["baseline"],
        better=better,
        seed=setup["seed"],
        scopes=setup["scopes"],
        corpora=setup["corpora"],
        published=published,
        not_run=entry.get("published", {}).get("not_run", []),
    )
    # no inputs: tables can be made again from scores alone, where no corpus is
    origins = {title: Path(path) for title, path in setup["origins"].items()}
    caveats = [caveat(title, path) for title, path in origins.items() if path.is_file()]
    stem = Path(snakemake.output[0].removesuffix(".csv"))
    labels = {name: fact["label"] for name, fact in facts.items()}
    typeset.write_table(
        summary,
        stem,
        title=entry["title"] or stem.name,
        notes=[*setup["notes"], *filter(None, caveats)],
        better=better,
        labels=labels,
        baseline=entry["baseline"],
    )
