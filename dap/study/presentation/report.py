"""What the job of the report depends on: its inputs and parameters."""

from pathlib import Path
from typing import Any

from dap.data.known import origin_file
from dap.plugins import plugins
from dap.study.experiment import Experiment
from dap.study.links import relative_input
from dap.study.outputs import OVERVIEW, PUBLISHED
from dap.study.params import all_scores
from dap.study.paths import FIRST
from dap.study.presentation.figures import example_files, overview_setup
from dap.study.presentation.tables import (
    skipping,
    table_entry,
    table_metrics,
    table_published,
    table_setup,
)
from dap.study.study import Study
from dap.study.unfinished import (
    claims_shown,
    figures_shown,
    marked,
    note,
    sounds_are_there,
    tables_shown,
    there,
)

TEMPLATES = Path(__file__).resolve().parents[2] / "reporting" / "templates"
MOST_EXAMPLES = 4  # clips of a corpus to listen to


def report_inputs(study: Study) -> dict[str, list[str]]:
    """Every table, figure and score, and some clips of each corpus to listen to."""
    examples = [
        files
        for experiment in study.experiments.values()
        for chunks in examples_shown(study, experiment).values()
        for files in chunks
    ]
    tables = tables_shown(study)
    overview = [study.paths.figure(OVERVIEW, "png")] if overview_setup(study)["experiments"] else []
    return {
        "tables": [study.paths.table(name, "md") for name in tables],
        "cost": [study.paths.table("cost", "csv")],
        "cost_markdown": [study.paths.table("cost", "md")],
        "overview": overview,
        "figures": [study.paths.figure(name, "png") for name in figures_shown(study)],
        "scores": all_scores(study),
        "claims": [relative_input(PUBLISHED / "claims.csv")],
        "published": sorted({path for name in tables for path in table_published(study, name)}),
        "templates": [relative_input(path) for path in sorted(TEMPLATES.iterdir())],
        "provenance": [study.paths.table("provenance", "json")],
        "origins": there(study, [origin_file(name) for name in study.known]),
        "manifests": there(
            study,
            [
                study.places.clips(corpus, chunk)
                for corpus, count in study.clip_counts.items()
                for chunk in study.chunks(count)
            ],
        ),
        "example_observations": [path for files in examples for path in files["observations"]],
        "example_fits": [path for files in examples for path in files["fits"]],
    }


def examples_shown(study: Study, experiment: Experiment) -> dict[str, list[dict[str, Any]]]:
    """The first chunks of each corpus of an experiment that are there to listen to.

    Of each the files (`dap.study.presentation.figures.example_files`), and `most`, how many of its
    clips have sounds at most: of what was collected, the first clip of a corpus alone has them.
    """
    return {
        corpus: [
            files | {"most": 1 if _is_collected(study, files) else MOST_EXAMPLES}
            for chunk in study.chunks(min(count, MOST_EXAMPLES))
            if not study.places.unfinished or sounds_are_there(study, experiment, corpus, chunk)
            for files in [example_files(study, experiment, corpus, chunk)]
            if chunk == FIRST or not _is_collected(study, files)
        ]
        for corpus, count in experiment.clips.items()
    }


def _is_collected(study: Study, files: dict[str, list[str]]) -> bool:
    """Whether some of a chunk's files were made elsewhere."""
    root = study.places.elsewhere.root
    return any(Path(path).is_relative_to(root) for paths in files.values() for path in paths)


def report_setup(study: Study) -> dict:
    """What the report says of the study beside its numbers."""
    metrics = plugins("metrics")
    return {
        "config": _shown_config(study),
        "skipped": skipping(study, study.experiments.values()),
        "better": {name: plugin.metadata["better"] for name, plugin in metrics.items()},
        "overview": overview_setup(study)["experiments"],
        "tables": [_table(study, name) for name in tables_shown(study)],
        "experiments": [
            {
                "name": experiment.name,
                "title": experiment.title,
                "task": experiment.task,
                "corruption": experiment.corruption,
                "clips": experiment.clips,
                "parts": {corpus: experiment.parts(corpus) for corpus in experiment.clips},
                "methods": experiment.methods,
                "fit": experiment.fit,
                "fits": experiment.fits,
                "examples": examples_shown(study, experiment),
                "most_examples": MOST_EXAMPLES,
                "training": experiment.training,
            }
            for experiment in study.experiments.values()
        ],
    }


def _table(study: Study, name: str) -> dict:
    """What one of the tables is made of, as its own job knows it."""
    entry = table_entry(study, name)
    experiment = study.experiments[entry["experiment"]]
    return {
        "name": name,
        "entry": entry,
        "setup": table_setup(study, name),
        "metrics": table_metrics(study, name),
        "published": table_published(study, name),
        "quality": experiment.quality,
    }


def _shown_config(study: Study) -> dict:
    """The study; of an unfinished one, as far as it is there."""
    if not study.places.unfinished:
        return study.config
    return study.config | {
        "title": marked(study, study["title"] or study.name),
        "figures": {name: study["figures"][name] for name in figures_shown(study)},
        "claims": claims_shown(study),
        "notes": [*filter(None, [note(study)]), *study["notes"]],
    }
