"""What the jobs of tables depend on: their inputs and parameters."""

from collections.abc import Iterable

from dap.data.known import origin_file
from dap.data.weights import declared
from dap.options import learning_rate
from dap.plugins import plugins
from dap.study.experiment import Experiment
from dap.study.links import relative_input
from dap.study.outputs import PUBLISHED, published_as
from dap.study.params import score_files
from dap.study.study import Study
from dap.study.unfinished import (
    corpora_shown,
    marked,
    methods_shown,
    metrics_shown,
    note,
    note_of_methods,
    tables_shown,
)
from dap.tasks import TASKS


def corpus_titles(study: Study, experiment: Experiment) -> dict[str, dict]:
    """What tables and figures say of an experiment's corpora."""
    keys = ("title", "stands_for")
    return {name: {key: study.corpus(name)[key] for key in keys} for name in experiment.corpora}


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
    return [relative_input(PUBLISHED / f"{published['paper']}.csv")] if published else []


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
        "published": _published_names(entry.get("published", {}).get("paper"), experiment.methods),
        "origins": _origins(study, experiment),
        "skipped": skipping(study, [experiment]),
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


def skipping(study: Study, experiments: Iterable[Experiment]) -> dict[str, list[str]]:
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


def _published_names(paper: str | None, methods: list[str]) -> dict[str, str]:
    """Our names by those that a paper's tables give its methods, where the two differ.

    Those that are not run have the names of this package's own: a plugin's replace what they
    are compared with where they are run, and nowhere else.
    """
    if paper is None:
        return {}
    offers = plugins("priors") | plugins("baselines")
    others = [name for name, offer in offers.items() if offer.module.startswith("dap.")]
    ours = {name: method for method, name in published_as(paper, others).items()}
    ours |= {name: method for method, name in published_as(paper, methods).items()}
    return {name: method for name, method in ours.items() if name != method}


def _condition(study: Study, experiment: Experiment, published: bool) -> str:
    """What a table's numbers were measured under, as the published ones beside them may not be."""
    kind = experiment.corruption["kind"]
    options = {key: value for key, value in experiment.corruption.items() if key != "kind"}
    corrupted = ", ".join([kind, *(f"{key} {value}" for key, value in options.items())])
    corpora = set(experiment.corpora)
    if study.places.unfinished:
        shown = corpora_shown(study, experiment.name)
        corpora = {part for corpus in shown for part in experiment.parts(corpus)}
    samples = sorted({study.corpus(name)["samples"] for name in corpora})
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
