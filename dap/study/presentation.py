"""What the jobs of tables, figures and the report depend on: their inputs and parameters.

Functions of the study and, where a rule makes several, of the name of a table or a figure.
"""

import os
from collections.abc import Iterable

from dap.data.known import origin_file
from dap.data.weights import declared
from dap.options import learning_rate
from dap.plugins import plugins
from dap.study.experiment import Experiment
from dap.study.links import input_path
from dap.study.outputs import PUBLISHED
from dap.study.params import all_scores, fit_manifests, score_files
from dap.study.paths import FIRST, Names
from dap.study.study import Study
from dap.study.unfinished import (
    claims_shown,
    figures_shown,
    first_shown,
    marked,
    methods_shown,
    metrics_shown,
    note,
    note_of_methods,
    sounds_are_there,
    tables_shown,
    there,
)
from dap.tasks import TASKS

TEMPLATE = PUBLISHED.parent / "reporting" / "templates" / "report.html.j2"
# the module of dap.reporting.figures that draws a kind
DRAWN_BY = {
    "curves": "curves",
    "example": "example",
    "steps": "steps",
    "statistics": "power_spectra",
    "learning": "learning",
}


def corpus_titles(study: Study, experiment: Experiment) -> dict[str, dict]:
    """What tables and figures say of an experiment's corpora."""
    keys = ("title", "stands_for")
    return {name: {key: study.corpus(name)[key] for key in keys} for name in experiment.corpora}


# ------------------------------------------------------------------ tables


def table_entry(study: Study, name: str) -> dict:
    """What the study asks of a table; of an unfinished one, as far as there are scores."""
    entry = study["tables"][name]
    if not study.places.unfinished:
        return entry
    metrics = metrics_shown(study, entry["experiment"])
    compared = entry["baseline"] in methods_shown(study, entry["experiment"])
    return entry | {
        "title": marked(study, entry["title"] or name),
        "metrics": [metric for metric in entry["metrics"] if metric in metrics],
        "baseline": entry["baseline"] if compared else None,
    }


def table_scores(study: Study, name: str) -> list[str]:
    """The scores that a table is made from."""
    return score_files(study, table_entry(study, name)["experiment"])


def table_published(study: Study, name: str) -> list[str]:
    """The paper's numbers that stand beside it, if any do."""
    published = table_entry(study, name).get("published")
    return [_relative(PUBLISHED / f"{published['paper']}.csv")] if published else []


def table_setup(study: Study, name: str) -> dict:
    """What a table says beside its numbers, and which of them, in which order."""
    entry = table_entry(study, name)
    experiment = study.experiments[entry["experiment"]]
    goal = TASKS[experiment.task]
    methods = methods_shown(study, experiment.name)
    fitted = not study.places.unfinished or set(methods) & set(experiment.priors)
    return {
        "methods": methods,
        "selections": experiment.selections if fitted else ["last"],
        "scopes": entry.get("scopes", list(goal.scopes)),
        "headline": goal.headline,
        "corpora": corpus_titles(study, experiment),
        "notes": [
            _condition(study, experiment, bool(entry.get("published"))),
            *map(_trained, experiment.trained),
            *filter(None, [note_of_methods(study, experiment), note(study)]),
        ],
        "published": _published_names(entry.get("published", {}).get("paper")),
        "origins": _origins(study, experiment),
        "skipped": _skipping(study, [experiment]),
    }


def table_metrics(study: Study, name: str) -> dict[str, dict]:
    """Which direction is better, and how a metric is called, without the metrics' code."""
    known = plugins("metrics")
    return {metric: known[metric].metadata for metric in table_entry(study, name)["metrics"]}


def table_files(study: Study) -> list[str]:
    """All tables, in all forms."""
    forms = ("csv", "md", "tex")
    return [study.paths.table(name, form) for name in tables_shown(study) for form in forms]


def _origins(study: Study, experiment: Experiment) -> dict[str, str]:
    """The files that say where the known corpora of an experiment came from, by title."""
    names = set(experiment.corpora)
    names |= {experiment.corruption["noise"]} if experiment.corruption.get("noise") else set()
    entries = [study["corpora"][name] for name in sorted(names) if study.indexed(name)]
    return {entry["title"]: origin_file(entry["archive"]) for entry in entries}


def _skipping(study: Study, experiments: Iterable[Experiment]) -> dict[str, list[str]]:
    """The manifests beside which skipped recordings may be listed, by the corpus's title.

    They are no inputs of what tells of them: tables are made from scores alone.
    """
    manifests: dict[str, dict[str, None]] = {}
    for experiment in experiments:
        noise = experiment.corruption.get("noise")
        for corpus, chunk in study.chunks_of(experiment):
            paths = [(part, study.places.clips(part, chunk)) for part in experiment.parts(corpus)]
            if experiment.training:
                paths += [
                    (part, study.places.clips(part, each))
                    for part in experiment.heard(corpus)
                    for each in study.chunks(experiment.needed[part])
                ]
            if noise:
                paths.append((noise, study.places.observations(experiment.name, corpus, chunk)))
            for name, path in paths:
                if "synthetic" not in study["corpora"][name]:
                    manifests.setdefault(study["corpora"][name]["title"], {})[path] = None
    return {title: list(paths) for title, paths in manifests.items()}


def _published_names(paper: str | None) -> dict[str, str]:
    """Our names by those that a paper's tables give its methods, where the two differ."""
    priors = plugins("priors").items()
    theirs = {name: prior.metadata.get("published", {}).get(paper, name) for name, prior in priors}
    return {name: ours for ours, name in theirs.items() if ours != name}


def _condition(study: Study, experiment: Experiment, published: bool) -> str:
    """What a table's numbers were measured under, as the published ones beside them may not be."""
    kind = experiment.corruption["kind"]
    options = {key: value for key, value in experiment.corruption.items() if key != "kind"}
    corrupted = ", ".join([kind, *(f"{key} {value}" for key, value in options.items())])
    samples = sorted({study.corpus(name)["samples"] for name in experiment.corpora})
    seconds = " and ".join(f"{count / study['sample_rate']:.3f}" for count in samples)
    if experiment.training:
        fits = [_training_in_words(experiment.training, study["sample_rate"])]
    else:
        fits = [_in_words(experiment.fit)]
        fits += [f"{name}: {_in_words(experiment.fit_of(name))}" for name in experiment.fits]
    return (
        f"Condition: {corrupted}; clips of {seconds} s; {'; '.join(fits)}."
        + " The published values are of the papers' conditions." * published
    )


def _trained(method: str) -> str:
    """Whose weights a method has: all others have seen no clean recording."""
    weights = declared(method)
    assert weights is not None
    return (
        f"{method} was trained on {weights['on']}, by {weights['by']} (weights: "
        f"{weights['licence']}); {weights['citation']}."
    )


def _in_words(fit: dict) -> str:
    return (
        f"{fit['iterations']} iterations from a rate of {learning_rate(fit):g}, width "
        f"{fit['width']:g}"
    )


def _training_in_words(training: dict, sample_rate: int) -> str:
    return (
        f"trained for {training['steps']} steps of {training['batch']} mixtures of "
        f"{training['samples'] / sample_rate:.3f} s at a rate of {training['learning_rate']:g}, "
        f"width {training['width']:g}, without the second corpus of each pair"
    )


# ------------------------------------------------------------------ figures


def figures_of(study: Study, kind: str) -> list[str]:
    """The names of the figures of a kind."""
    return [name for name, entry in study["figures"].items() if entry["kind"] == kind]


def figure_module(kind: str) -> str:
    """The module that draws the figures of a kind."""
    return f"dap.reporting.figures.{DRAWN_BY[kind]}"


def figure_modules(study: Study, name: str) -> list[str]:
    """The module that draws a figure."""
    return [figure_module(study["figures"][name]["kind"])]


def figure_files(study: Study) -> list[str]:
    """All figures, in all forms."""
    forms, names = ("pdf", "png"), figures_shown(study)
    drawn = [study.paths.figure(name, form) for name in names for form in forms]
    tabled = [name for name in figures_of(study, "statistics") if name in names]
    return drawn + [study.paths.figure(name, "csv") for name in tabled]


def curves_inputs(study: Study, name: str) -> dict[str, list[str]]:
    """Scores, and for an axis of seconds the fits, whose manifests say what an iteration costs."""
    entry, experiment, methods = _figure(study, name)
    timed = entry.get("x") == "seconds"
    return {
        "scores": score_files(study, experiment.name, methods),
        "fits": fit_manifests(study, experiment.name, methods) if timed else [],
    }


def curves_setup(study: Study, name: str) -> dict:
    """What curves show."""
    entry, experiment, methods = _figure(study, name)
    return {
        "against": entry.get("against", ["clean"]),
        "metric": entry.get("metric", experiment.quality),
        "methods": methods,
        "title": entry["title"] or experiment.title,
        "names": _titles(study, experiment),
    }


def example_inputs(study: Study, name: str) -> dict[str, list[str]]:
    """The first chunk of a corpus: clips, observations, and what each method made of them."""
    entry, experiment, _ = _figure(study, name)
    return example_files(study, experiment, _shown_corpus(entry, experiment))


def example_setup(study: Study, name: str) -> dict:
    """What an example shows."""
    entry, experiment, _ = _figure(study, name)
    return {
        "task": experiment.task,
        "title": entry["title"] or experiment.title,
        "sample_rate": study["sample_rate"],
    }


def example_files(study: Study, experiment: Experiment, corpus: str) -> dict[str, list[str]]:
    """Manifests of the first chunk of a corpus: clips, observations, and the fits by method."""
    shown = first_shown(study, experiment, corpus)
    return {
        "clips": [study.places.clips(part, FIRST) for part in experiment.parts(corpus)],
        "observations": [study.places.observations(experiment.name, corpus, FIRST)],
        "fits": [study.places.of(chunk).fits(*chunk) for chunk in shown],
    }


def steps_inputs(study: Study, name: str) -> dict[str, list[str]]:
    """The first chunk of a corpus: clips, observations, and the priors' trajectories."""
    entry, experiment, methods = _figure(study, name)
    corpus = _shown_corpus(entry, experiment)
    files = example_files(study, experiment, corpus)
    return {
        "clips": files["clips"],
        "observations": files["observations"],
        "snapshots": [
            study.places.of(chunk).snapshots(*chunk)
            for chunk in study.places.shown(
                Names(experiment.name, corpus, method, FIRST)
                for method in methods
                if method in experiment.priors
            )
        ],
    }


def steps_setup(study: Study, name: str) -> dict:
    """Which iterates are shown."""
    entry, experiment, _ = _figure(study, name)
    return {
        "steps": sorted(entry["steps"]),
        "title": entry["title"] or experiment.title,
        "sample_rate": study["sample_rate"],
    }


def statistics_inputs(study: Study, name: str) -> dict[str, list[str]]:
    """All clips of an experiment, and their observations."""
    _, experiment, _ = _figure(study, name)
    chunks = list(study.chunks_of(experiment))
    return {
        "clips": [study.paths.clips(*chunk) for chunk in chunks],
        "observations": [study.paths.observations(experiment.name, *chunk) for chunk in chunks],
    }


def statistics_setup(study: Study, name: str) -> dict:
    """Of how many clips power is taken, and of which transform."""
    entry, experiment, _ = _figure(study, name)
    return {
        "clips": experiment.clips,
        "spectrogram": study["spectrogram"],
        "title": entry["title"] or experiment.title,
        "names": _titles(study, experiment),
    }


def learning_inputs(study: Study, name: str) -> dict[str, list[str]]:
    """The learning curves of an experiment's trainings."""
    return {"learning": [study.paths.learning(*of) for of in _trainings(study, name)]}


def learning_setup(study: Study, name: str) -> dict:
    """Which training each of the curves is of."""
    entry, experiment, _ = _figure(study, name)
    titles = _titles(study, experiment)
    return {
        "of": [
            [" without ".join(titles[part] for part in experiment.parts(corpus)), method]
            for _, corpus, method, _ in _trainings(study, name)
        ],
        "title": entry["title"] or experiment.title,
    }


def _trainings(study: Study, name: str) -> list[tuple[str, str, str, str]]:
    """Experiment, corpus, method and index of each training that a figure shows."""
    _, experiment, methods = _figure(study, name)
    return [
        (experiment.name, corpus, method, str(index))
        for corpus in experiment.clips
        for method in methods
        if method in experiment.learned
        for index in range(study["seeds"])
    ]


def _figure(study: Study, name: str) -> tuple[dict, Experiment, list[str]]:
    """A figure's entry, its experiment, and the methods that it shows."""
    entry = study["figures"][name]
    experiment = study.experiments[entry["experiment"]]
    shown = methods_shown(study, experiment.name)
    return entry, experiment, [each for each in entry.get("methods", shown) if each in shown]


def _shown_corpus(entry: dict, experiment: Experiment) -> str:
    return entry.get("corpus", next(iter(experiment.clips)))


def _titles(study: Study, experiment: Experiment) -> dict[str, str]:
    return {name: entry["title"] for name, entry in corpus_titles(study, experiment).items()}


# ------------------------------------------------------------------ report


def report_inputs(study: Study) -> dict[str, list[str]]:
    """Every table, figure and score, and the first clip of each corpus to listen to."""
    examples = [
        files
        for experiment in study.experiments.values()
        for files in examples_shown(study, experiment).values()
    ]
    return {
        "tables": [study.paths.table(name, "md") for name in tables_shown(study)],
        "cost": [study.paths.table("cost", "csv")],
        "cost_markdown": [study.paths.table("cost", "md")],
        "figures": [study.paths.figure(name, "png") for name in figures_shown(study)],
        "scores": all_scores(study),
        "claims": [_relative(PUBLISHED / "claims.csv")],
        "template": [_relative(TEMPLATE)],
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


def examples_shown(study: Study, experiment: Experiment) -> dict[str, dict[str, list[str]]]:
    """The files of each corpus of an experiment that are there to listen to (`example_files`)."""
    return {
        corpus: example_files(study, experiment, corpus)
        for corpus in experiment.clips
        if not study.places.unfinished or sounds_are_there(study, experiment, corpus, FIRST)
    }


def report_setup(study: Study) -> dict:
    """What the report says of the study beside its numbers."""
    metrics = plugins("metrics")
    return {
        "config": _shown_config(study),
        "skipped": _skipping(study, study.experiments.values()),
        "better": {name: plugin.metadata["better"] for name, plugin in metrics.items()},
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
                "training": experiment.training,
            }
            for experiment in study.experiments.values()
        ],
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


def _relative(path: os.PathLike) -> str:
    """From the working folder: a checkout that was moved has nothing to do again."""
    return input_path(os.path.relpath(path))
