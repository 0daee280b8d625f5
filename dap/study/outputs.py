"""What a study's tables, figures and claims may ask for, checked before any job.

Light on purpose: the Snakefile and every cluster job parse it.
"""

import csv
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from dap.errors import DapError
from dap.plugins import plugins
from dap.study.experiment import Experiment
from dap.tasks import TASKS

# what else lies beside the tables
RESERVED = ("cost", "study", "provenance")
OVERVIEW = "overview"  # the figure that a report opens with
PUBLISHED = Path(__file__).resolve().parents[1] / "papers"
# the keys of each kind of figure, beside title, kind and experiment
FIGURES = {
    "example": ("corpus",),
    "curves": ("methods", "metric", "against", "x"),
    "steps": ("methods", "corpus", "steps"),
    "statistics": (),
    "learning": ("methods",),
}


@cache
def published(name: str) -> list[dict[str, str]]:
    """The rows of one file of `dap/papers`."""
    with (PUBLISHED / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def require(where: str, value: object, allowed: Collection) -> None:
    """Refuse a name that does not exist.

    Raises:
        DapError: the message has the key, the value and what is allowed.
    """
    # a list, say, is in no dictionary, and cannot be looked for there
    if value not in tuple(allowed):
        raise DapError(
            f"{where}: unknown name {value!r}; allowed: {', '.join(sorted(map(str, allowed)))}"
        )


def check(config: Mapping, experiments: Mapping[str, Experiment]) -> None:
    """Check a study's tables, figures and claims against its experiments.

    Raises:
        DapError: for the first key that asks for what will not be there.
    """
    for kind in ("tables", "figures"):
        for name, entry in config[kind].items():
            where = f"{kind}.{name}"
            require(f"{where}.experiment", entry["experiment"], experiments)
            experiment = experiments[entry["experiment"]]
            if "corpus" in entry:
                require(f"{where}.corpus", entry["corpus"], experiment.clips)
            (_check_table if kind == "tables" else _check_figure)(where, name, entry, experiment)
    named = [(claim["paper"], claim["claim"]) for claim in config["claims"]]
    for i, claim in enumerate(config["claims"]):
        if named.index((claim["paper"], claim["claim"])) < i:
            raise DapError(f"claims[{i}].claim: is named twice: list all of it in one entry")
        texts = {row["claim"] for row in published("claims") if row["paper"] == claim["paper"]}
        require(f"claims[{i}].claim", claim["claim"], texts)
        for comparison in claim["comparisons"]:
            where = f"claims[{i}].comparisons"
            require(f"{where}.experiment", comparison["experiment"], experiments)
            experiment = experiments[comparison["experiment"]]
            _check_comparison(where, comparison, experiment)
        for kind in ("convergence", "complexity"):
            where = f"claims[{i}].{kind}"
            for pair in claim[kind]:
                require(f"{where}.experiment", pair["experiment"], experiments)
                experiment = experiments[pair["experiment"]]
                for key in ("method", "over"):
                    require(f"{where}.{key}", pair[key], experiment.priors)
                if kind == "convergence":
                    tracked(f"{where}.metric", pair["metric"], experiment)
                    if plugins("metrics")[pair["metric"]].metadata["better"] != "higher":
                        raise DapError(
                            f"{where}.metric: lower is better of {pair['metric']}, and how soon a "
                            "fit converges is told by a metric of which higher is better"
                        )


def _check_comparison(where: str, comparison: Mapping, experiment: Experiment) -> None:
    require(f"{where}.metric", comparison["metric"], experiment.metrics)
    require(f"{where}.selection", comparison["selection"], experiment.selections)
    scopes = TASKS[experiment.task].scopes
    if "scope" in comparison or len(scopes) > 1:
        require(f"{where}.scope", comparison.get("scope"), scopes)
    sides = {f"{where}.{key}": comparison[key] for key in ("method", "over")}
    than = comparison.get("than") or {}
    sides |= {f"{where}.than.{key}": method for key, method in than.items()}
    for key, method in sides.items():
        require(key, method, experiment.methods)
        if comparison["selection"] != "last" and method not in ("observed", *experiment.priors):
            raise DapError(f"{key}: {method} is no prior, and has no selection but last")


def tracked(where: str, metric: str, experiment: Experiment) -> None:
    """Refuse a metric that cannot be scored of every snapshot.

    Raises:
        DapError: it is none of the experiment's, or one of speech, which takes too long.
    """
    require(where, metric, {*experiment.metrics, experiment.quality})
    if plugins("metrics")[metric].metadata.get("speech"):
        raise DapError(f"{where}: {metric} is too slow for every snapshot")


def _check_table(where: str, name: str, entry: Mapping, experiment: Experiment) -> None:
    if name in RESERVED:
        raise DapError(f"{where}: {', '.join(RESERVED)} are the run's own files")
    for metric in entry["metrics"]:
        require(f"{where}.metrics", metric, experiment.metrics)
    for scope in entry.get("scopes", []):
        scopes = TASKS[experiment.task].scopes
        require(f"{where}.scopes", scope, scopes)
    if "observed" not in experiment.methods:
        raise DapError(
            f"{where}: improvements are over observed, which is not among the methods of "
            f"{experiment.name}: add it"
        )
    require(f"{where}.baseline", entry["baseline"], experiment.methods)
    if "published" in entry:
        source = entry["published"]
        rows = published(source["paper"])
        require(f"{where}.published.table", str(source["table"]), {row["table"] for row in rows})
        theirs = {row["metric"] for row in rows if row["table"] == str(source["table"])}
        for ours, metric in source["metrics"].items():
            require(f"{where}.published.metrics", ours, experiment.metrics)
            require(f"{where}.published.metrics.{ours}", metric, theirs)
        names = {row["method"] for row in rows if row["table"] == str(source["table"])}
        called = published_as(source["paper"], experiment.methods)
        claimed: dict[str, str] = {}
        for method, name in called.items():
            if claimed.setdefault(name, method) != method:
                raise DapError(
                    f"{where}.published: {claimed[name]} and {method} of {experiment.name} both "
                    f"say that they are {source['paper']}'s {name}: take `published` out of one"
                )
        run = {called.get(method, method) for method in experiment.methods}
        for method in source.get("not_run", []):
            require(f"{where}.published.not_run", method, names)
            if method in run:
                raise DapError(
                    f"{where}.published.not_run: {method} is among the methods of {experiment.name}"
                )


def published_as(paper: str, methods: Collection[str]) -> dict[str, str]:
    """What a paper's tables call those of our methods that say so."""
    offers = plugins("priors") | plugins("baselines")
    said = {name: offers[name].metadata.get("published", {}) for name in methods if name in offers}
    return {name: names[paper] for name, names in said.items() if paper in names}


def _check_figure(where: str, name: str, entry: Mapping, experiment: Experiment) -> None:
    if name == OVERVIEW:
        raise DapError(f"{where}: the report's own picture is called so: rename the figure")
    kind = entry["kind"]
    for key in set(entry) - {"title", "kind", "experiment", *FIGURES[kind]}:
        owners = [other for other, keys in FIGURES.items() if key in keys]
        raise DapError(f"{where}.{key}: is of figures of kind {' or '.join(owners)}, not {kind}")
    for method in entry.get("methods", []):
        require(f"{where}.methods", method, experiment.methods)
    shown = entry.get("methods", experiment.methods)
    if kind == "learning" and not set(shown) & set(experiment.learned):
        raise DapError(f"{where}: {experiment.name} trains none of these: learning has no curves")
    priors = [method for method in shown if method in experiment.priors]
    if kind in ("curves", "steps") and not priors:
        of = "" if "methods" in entry else f"{experiment.name} has "
        raise DapError(f"{where}: {of}no prior among its methods, so no iterates")
    if kind in ("curves", "steps"):
        _check_ends(where, experiment, priors)
    several = TASKS[experiment.task].sources > 1
    if kind == "curves":
        tracked(f"{where}.metric", entry.get("metric", experiment.quality), experiment)
        if several and "observed" in entry.get("against", []):
            raise DapError(f"{where}.against: a mixture is no reference for its sources")
    if several and kind in ("steps", "statistics"):
        raise DapError(f"{where}: {kind} is not for separation, whose outputs are several")
    if kind == "steps":
        if "steps" not in entry:
            raise DapError(f"{where}: needs `steps`, such as [50, 200, 1000]")
        for method in priors:
            fit = experiment.fit_of(method)
            snapshots_at = {fit["iterations"], *fit["snapshot_at"]}
            for step in entry["steps"]:
                if step not in snapshots_at:
                    raise DapError(
                        f"{where}.steps: {step} is not kept; add it to fit.snapshot_at of "
                        f"{experiment.name}, whose {method} keeps {_listed(snapshots_at)}"
                    )


def _check_ends(where: str, experiment: Experiment, methods: Collection[str]) -> None:
    """Refuse what compares iterates at each iteration, where fits end at different ones."""
    for method in methods:
        if experiment.fit_of(method)["end_at_stop"]:
            raise DapError(
                f"{where}: compares iterates of all clips at the same iterations, and the fits of "
                f"{method} in {experiment.name} end at different ones: set fit.end_at_stop to false"
            )


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
