"""What the jobs of figures depend on: their inputs and parameters."""

from pathlib import Path

from dap.errors import DapError
from dap.plugins import plugins
from dap.study.experiment import Experiment
from dap.study.outputs import OVERVIEW
from dap.study.params import fit_manifests, score_files
from dap.study.paths import FIRST, Names
from dap.study.presentation.tables import corpus_titles
from dap.study.study import Study
from dap.study.unfinished import (
    chunk_shown,
    figures_shown,
    methods_shown,
    metrics_shown,
    statistics_files,
)
from dap.tasks import headline_metric

# the module of dap.reporting.figures that draws a kind
DRAWN_BY = {
    "curves": "curves",
    "example": "example",
    "steps": "steps",
    "statistics": "power_spectra",
    "learning": "learning",
}
OVERVIEW_MODULE = "dap.reporting.figures.overview"


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
    if overview_setup(study)["experiments"]:
        names = [*names, OVERVIEW]
    drawn = [study.paths.figure(name, form) for name in names for form in forms]
    tabled = [name for name in figures_of(study, "statistics") if name in names]
    return drawn + [study.paths.figure(name, "csv") for name in tabled]


def overview_setup(study: Study) -> dict:
    """The experiments whose methods are compared with the observation, by their headline metric."""
    known = plugins("metrics")
    published: dict[str, list[str]] = {}
    for table in study["tables"].values():
        metrics = table.get("published", {}).get("metrics", {})
        published.setdefault(table["experiment"], []).extend(metrics)
    experiments = []
    for experiment in study.experiments.values():
        methods = methods_shown(study, experiment.name)
        scored = [*experiment.metrics]
        if study.places.unfinished:
            scored = [each for each in scored if each in metrics_shown(study, experiment.name)]
        if "observed" not in methods or len(methods) < 2 or not scored:
            continue
        metric = headline_metric(experiment.quality, scored, published.get(experiment.name, ()))
        facts = {key: known[metric].metadata[key] for key in ("label", "unit", "better")}
        experiments.append(
            {
                "name": experiment.name,
                "title": experiment.title,
                "metric": metric,
                **facts,
                "methods": [method for method in methods if method != "observed"],
                "priors": [*experiment.priors, *experiment.learned],
            }
        )
    return {"experiments": experiments}


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


def example_files(
    study: Study, experiment: Experiment, corpus: str, chunk: str = FIRST
) -> dict[str, list[str]]:
    """Manifests of a chunk of a corpus: clips, observations, and the fits by method."""
    shown = chunk_shown(study, experiment, corpus, chunk)
    return {
        "clips": [study.places.clips(part, chunk) for part in experiment.parts(corpus)],
        "observations": [study.places.observations(experiment.name, corpus, chunk)],
        "fits": [study.places.of(chunk).fits(*chunk) for chunk in shown],
    }


def steps_inputs(study: Study, name: str) -> dict[str, list[str]]:
    """The first chunk of a corpus: clips, observations, and the priors' trajectories.

    Raises:
        DapError: the chunk was collected from where no such figure was asked for.
    """
    entry, experiment, methods = _figure(study, name)
    corpus = _shown_corpus(entry, experiment)
    files = example_files(study, experiment, corpus)
    wanted = study.places.shown(
        Names(experiment.name, corpus, method, FIRST)
        for method in methods
        if method in experiment.priors
    )
    snapshots = {chunk: study.places.of(chunk).snapshots(*chunk) for chunk in wanted}
    for chunk, file in snapshots.items():
        if chunk in study.places.collected and not Path(file).is_file():
            raise DapError(
                f"figures.{name}: {'/'.join(chunk)} was collected without its snapshots: run the "
                "study with this figure where it was fitted, export that, and collect it into an "
                "empty folder"
            )
    return {
        "clips": files["clips"],
        "observations": files["observations"],
        "snapshots": list(snapshots.values()),
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
    return statistics_files(study, experiment)


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
