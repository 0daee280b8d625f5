# Helpers of the rules of tables, figures and the report.
# as a relative path: a checkout that was moved has nothing to do again
CHECKOUT = Path(os.path.relpath(ROOT))
TEMPLATE = CHECKOUT / "dap" / "reporting" / "templates" / "report.html.j2"
PUBLISHED = CHECKOUT / "dap" / "papers"


def figures_of(kind):
    """Names of the figures of a kind, as a wildcard's constraint."""
    names = [name for name, entry in study["figures"].items() if entry["kind"] == kind]
    return "|".join(map(re.escape, names)) or "(?!)"


def corpus_facts(experiment):
    # what a table or a figure says of a corpus
    names = {part for cell in experiment.cells for part in study.parts(experiment, cell)}
    keys = ("title", "stands_for")
    return {name: {key: study.corpus(name)[key] for key in keys} for name in sorted(names)}


def table_experiment(wildcards):
    return study.experiments[study["tables"][wildcards.name]["experiment"]]


def table_scores(wildcards):
    return score_files(table_experiment(wildcards).name)


def table_published(wildcards):
    published = study["tables"][wildcards.name].get("published")
    return [str(PUBLISHED / f"{published['paper']}.csv")] if published else []


def table_entry(wildcards):
    return study["tables"][wildcards.name]


def table_setup(wildcards):
    experiment = table_experiment(wildcards)
    goal = TASKS[experiment.task]
    return {
        "methods": experiment.methods,
        "selections": experiment.selections,
        "scopes": table_entry(wildcards).get("scopes", list(goal.scopes)),
        "headline": goal.headline,
        "corpora": corpus_facts(experiment),
        "seed": study["seed"],
        "notes": [condition(experiment, bool(table_published(wildcards)))],
        "published": published_names(table_entry(wildcards).get("published", {}).get("paper")),
        "origins": origins(experiment),
    }


def origins(experiment):
    """The files that say where the known corpora of an experiment came from, by title."""
    names = {part for cell in experiment.cells for part in study.parts(experiment, cell)}
    names |= {experiment.corruption["noise"]} if experiment.corruption.get("noise") else set()
    entries = [study["corpora"][name] for name in sorted(names) if study.indexed(name)]
    return {entry["title"]: origin_file(entry["archive"]) for entry in entries}


def published_names(paper):
    """Our names by those that a paper's tables give its methods, where the two differ."""
    priors = registry.plugins("priors").items()
    theirs = {name: prior.metadata.get("published", {}).get(paper, name) for name, prior in priors}
    return {name: ours for ours, name in theirs.items() if ours != name}


def condition(experiment, published):
    """What a table's numbers were measured under, as the published ones beside them may not be."""
    kind = experiment.corruption["kind"]
    options = {key: value for key, value in experiment.corruption.items() if key != "kind"}
    corrupted = ", ".join([kind, *(f"{key} {value}" for key, value in options.items())])
    parts = {part for cell in experiment.cells for part in study.parts(experiment, cell)}
    samples = sorted({study.corpus(part)["samples"] for part in parts})
    seconds = " and ".join(f"{count / study['sample_rate']:.3f}" for count in samples)
    fits = [fitted(experiment.fit)]
    fits += [f"{name}: {fitted(experiment.fit_of(name))}" for name in experiment.fits]
    return (
        f"Condition: {corrupted}; clips of {seconds} s; {'; '.join(fits)}."
        + " The published values are of the papers' conditions." * published
    )


def fitted(fit):
    """A fit in words."""
    return (
        f"{fit['iterations']} iterations from a rate of {learning_rate(fit):g}, width "
        f"{fit['width']:g}"
    )


def table_facts(wildcards):
    # which direction is better and how a metric is called, without the metrics' code
    facts = registry.plugins("metrics")
    return {name: facts[name].metadata for name in table_entry(wildcards)["metrics"]}


def fit_manifests(experiment, methods=None):
    return [
        f"{RESULTS}/fits/{experiment.name}/{cell}/{method}/{chunk}/manifest.csv"
        for cell, count in experiment.cells.items()
        for chunk in study.chunks(count)
        for method in methods or experiment.methods
    ]


def all_fits():
    return [path for experiment in study.experiments.values() for path in fit_manifests(experiment)]


def table_files():
    return expand(
        f"{RESULTS}/tables/{{name}}.{{form}}", name=study["tables"], form=["csv", "md", "tex"]
    )


def figure_files():
    return expand(
        f"{RESULTS}/figures/{{name}}.{{form}}", name=study["figures"], form=["pdf", "png"]
    ) + [
        f"{RESULTS}/figures/{name}.csv"
        for name, entry in study["figures"].items()
        if entry["kind"] == "statistics"
    ]


def figure_entry(wildcards):
    return study["figures"][wildcards.name]


def figure_experiment(wildcards):
    return study.experiments[figure_entry(wildcards)["experiment"]]


def figure_methods(wildcards):
    return figure_entry(wildcards).get("methods", figure_experiment(wildcards).methods)


def curves_scores(wildcards):
    return score_files(figure_experiment(wildcards).name, figure_methods(wildcards))


def curves_fits(wildcards):
    # what an iteration costs is in the fits' manifests
    if figure_entry(wildcards).get("x") != "seconds":
        return []
    return fit_manifests(figure_experiment(wildcards), figure_methods(wildcards))


def curves_setup(wildcards):
    experiment = figure_experiment(wildcards)
    return {
        "against": figure_entry(wildcards).get("against", ["clean"]),
        "metric": figure_entry(wildcards).get("metric", experiment.quality),
        "methods": figure_methods(wildcards),
        "title": figure_entry(wildcards)["title"] or experiment.title,
        "names": {name: facts["title"] for name, facts in corpus_facts(experiment).items()},
    }


def example_files(experiment, cell):
    """Manifests of the first chunk of a cell: clips, observations, and the fits by method."""
    return {
        "clips": [
            f"{RESULTS}/clips/{corpus}/000/manifest.csv" for corpus in study.parts(experiment, cell)
        ],
        "observations": f"{RESULTS}/observations/{experiment.name}/{cell}/000/manifest.csv",
        "fits": [
            f"{RESULTS}/fits/{experiment.name}/{cell}/{method}/000/manifest.csv"
            for method in experiment.methods
            if method != "observed"
        ],
    }


def example_inputs(wildcards):
    experiment = figure_experiment(wildcards)
    cell = figure_entry(wildcards).get("corpus", next(iter(experiment.cells)))
    return example_files(experiment, cell)


def example_setup(wildcards):
    experiment = figure_experiment(wildcards)
    return {
        "methods": [method for method in experiment.methods if method != "observed"],
        "task": experiment.task,
        "title": figure_entry(wildcards)["title"] or experiment.title,
        "sample_rate": study["sample_rate"],
    }


def steps_inputs(wildcards):
    experiment = figure_experiment(wildcards)
    cell = figure_entry(wildcards).get("corpus", next(iter(experiment.cells)))
    files = example_files(experiment, cell)
    return {
        "clips": files["clips"],
        "observations": files["observations"],
        "snapshots": [
            f"{RESULTS}/fits/{experiment.name}/{cell}/{method}/000/snapshots.npz"
            for method in iterating(wildcards)
        ],
    }


def iterating(wildcards):
    """The methods of a figure that have iterates."""
    priors = registry.plugins("priors")
    return [name for name in figure_methods(wildcards) if name in priors]


def steps_setup(wildcards):
    experiment = figure_experiment(wildcards)
    return {
        "methods": iterating(wildcards),
        "steps": sorted(figure_entry(wildcards)["steps"]),
        "title": figure_entry(wildcards)["title"] or experiment.title,
        "sample_rate": study["sample_rate"],
    }


def statistics_inputs(wildcards):
    experiment = figure_experiment(wildcards)
    return {
        stage: [
            f"{RESULTS}/{folder}/{cell}/{chunk}/manifest.csv"
            for cell, count in experiment.cells.items()
            for chunk in study.chunks(count)
        ]
        for stage, folder in (
            ("clips", "clips"),
            ("observations", f"observations/{experiment.name}"),
        )
    }


def statistics_setup(wildcards):
    experiment = figure_experiment(wildcards)
    return {
        "cells": experiment.cells,
        "spectrogram": study["spectrogram"],
        "title": figure_entry(wildcards)["title"] or experiment.title,
        "names": {name: facts["title"] for name, facts in corpus_facts(experiment).items()},
    }


def report_inputs(wildcards):
    """Every table, figure and score, and the first clip of each cell to listen to."""
    found = {
        "tables": expand(f"{RESULTS}/tables/{{name}}.md", name=study["tables"]),
        "cost": f"{RESULTS}/tables/cost.csv",
        "cost_markdown": f"{RESULTS}/tables/cost.md",
        "figures": expand(f"{RESULTS}/figures/{{name}}.png", name=study["figures"]),
        "scores": [file for name in study.experiments for file in score_files(name)],
        "claims": str(PUBLISHED / "claims.csv"),
        "template": str(TEMPLATE),
        "provenance": f"{RESULTS}/tables/provenance.json",
        "origins": [origin_file(name) for name in study.known],
        "manifests": [
            f"{RESULTS}/clips/{corpus}/{chunk}/manifest.csv"
            for corpus, count in study.clip_counts.items()
            for chunk in study.chunks(count)
        ],
    }
    cells = [
        example_files(experiment, cell)
        for experiment in study.experiments.values()
        for cell in experiment.cells
    ]
    found["example_observations"] = [files["observations"] for files in cells]
    found["example_fits"] = [file for files in cells for file in files["fits"]]
    return found


def report_facts():
    """What the report says of the study beside its numbers."""
    facts = registry.plugins("metrics")
    return {
        "config": study.config,
        "better": {name: plugin.metadata["better"] for name, plugin in facts.items()},
        "experiments": [
            {
                "name": experiment.name,
                "title": experiment.title,
                "task": experiment.task,
                "corruption": experiment.corruption,
                "cells": experiment.cells,
                "parts": {cell: study.parts(experiment, cell) for cell in experiment.cells},
                "methods": experiment.methods,
                "fit": experiment.fit,
                "fits": experiment.fits,
            }
            for experiment in study.experiments.values()
        ],
    }
