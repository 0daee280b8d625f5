"""What can be shown of a study of which only some chunks are there; of any other, all.

Light on purpose: the Snakefile and every cluster job parse it.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from dap.study.experiment import Experiment
from dap.study.params import score_metrics
from dap.study.parts import in_order
from dap.study.paths import FIRST, Names
from dap.study.plan import left
from dap.study.study import Study

MARK = " (unfinished)"


@cache
def is_marked(study: Study) -> bool:
    """Whether a study is to be called unfinished: a chunk is missing, and tables are made."""
    chunks = in_order(study) if study.places.unfinished else []
    return not all(map(study.places.is_there, chunks))


def marked(study: Study, title: str) -> str:
    """A title, with the mark where the study is unfinished."""
    return title + MARK * is_marked(study)


def chunks_shown(study: Study, experiment: str, methods: Iterable[str]) -> list[Names]:
    """The chunks that are shown of some methods of an experiment."""
    setup = study.experiments[experiment]
    chunks = [
        Names(experiment, corpus, method, chunk)
        for corpus, chunk in study.chunks_of(setup)
        for method in methods
        if method in setup.methods_of(corpus)
    ]
    return study.places.shown(chunks)


def methods_shown(study: Study, experiment: str) -> list[str]:
    """The methods of an experiment of which a chunk is shown, in the study's order."""
    methods = study.experiments[experiment].methods
    shown = {chunk.method for chunk in chunks_shown(study, experiment, methods)}
    return [method for method in methods if method in shown] if study.places.unfinished else methods


def corpora_shown(study: Study, experiment: str) -> set[str]:
    """The corpora, or pairs of them, of an experiment of which a chunk is shown."""
    methods = study.experiments[experiment].methods
    return {chunk.corpus for chunk in chunks_shown(study, experiment, methods)}


def metrics_shown(study: Study, experiment: str) -> set[str]:
    """The metrics that have a value of what is shown: of piano alone, none of speech."""
    corpora = corpora_shown(study, experiment)
    return {metric for corpus in corpora for metric in score_metrics(study, experiment, corpus)}


def tables_shown(study: Study) -> list[str]:
    """The tables of which there is a row: all but `observed` are compared with it."""
    if not study.places.unfinished:
        return list(study["tables"])
    return [
        name
        for name, entry in study["tables"].items()
        if chunks_shown(study, entry["experiment"], ["observed"])
        and metrics_shown(study, entry["experiment"]) & set(entry["metrics"])
    ]


def figures_shown(study: Study) -> list[str]:
    """The figures that can be drawn."""
    return [name for name, entry in study["figures"].items() if _is_drawn(study, entry)]


def _is_drawn(study: Study, entry: Mapping) -> bool:
    if not study.places.unfinished:
        return True
    experiment = study.experiments[entry["experiment"]]
    if entry["kind"] == "statistics":
        # of what was collected, only the first clip of a corpus has sounds
        needed = statistics_files(study, experiment).values()
        return all(Path(path).is_file() for paths in needed for path in paths)
    shown = [each for each in experiment.priors if each in methods_shown(study, experiment.name)]
    wanted = [each for each in shown if each in entry.get("methods", shown)]
    if entry["kind"] == "curves":
        return bool(wanted)
    corpus = entry.get("corpus", next(iter(experiment.clips)))
    firsts = chunk_shown(study, experiment, corpus, FIRST)
    if entry["kind"] == "steps":
        files = [(study.places.of(each), each) for each in firsts if each.method in wanted]
        firsts = [each for where, each in files if Path(where.snapshots(*each)).is_file()]
    return bool(firsts) and sounds_are_there(study, experiment, corpus, FIRST)


def statistics_files(study: Study, experiment: Experiment) -> dict[str, list[str]]:
    """All clips of an experiment, and their observations, as they are made here."""
    chunks = list(study.chunks_of(experiment))
    return {
        "clips": [study.paths.clips(*chunk) for chunk in chunks],
        "observations": [study.paths.observations(experiment.name, *chunk) for chunk in chunks],
    }


def chunk_shown(study: Study, experiment: Experiment, corpus: str, chunk: str) -> list[Names]:
    """A chunk of a corpus by each method that is shown; `observed` restores nothing."""
    methods = experiment.methods_of(corpus)
    chunks = [Names(experiment.name, corpus, method, chunk) for method in methods]
    return study.places.shown(each for each in chunks if each.method != "observed")


def sounds_are_there(study: Study, experiment: Experiment, corpus: str, chunk: str) -> bool:
    """Whether a chunk's clips and observations exist."""
    files = [study.places.clips(part, chunk) for part in experiment.parts(corpus)]
    files.append(study.places.observations(experiment.name, corpus, chunk))
    return all(Path(file).is_file() for file in files)


def there(study: Study, files: list[str]) -> list[str]:
    """Those of an unfinished study's files that exist; of another all, which can be made."""
    return [file for file in files if not study.places.unfinished or Path(file).is_file()]


def claims_shown(study: Study) -> list[dict]:
    """The study's claims, with those comparisons whose two methods have a clip in common.

    A claim on the difference of two gains has none before that difference can be taken: of one gain
    alone the verdict would be another claim's.
    """
    if not study.places.unfinished:
        return study["claims"]
    claims = []
    for claim in study["claims"]:
        kinds = ("comparisons", "convergence", "complexity")
        kept = {kind: [each for each in claim[kind] if _has_pair(study, each)] for kind in kinds}
        if not any(map(_is_decisive, kept["comparisons"])) and any(
            map(_is_decisive, claim["comparisons"])
        ):
            kept["comparisons"] = []
        if any(kept.values()):
            claims.append({**claim, **kept})
    return claims


def _is_decisive(comparison: Mapping) -> bool:
    return bool(comparison.get("than"))


def _has_pair(study: Study, comparison: Mapping) -> bool:
    """Whether the methods of a comparison, and of what it is compared with, share a chunk."""
    than = comparison.get("than") or {}
    methods = {comparison["method"], comparison["over"], *than.values()}
    shown = [
        {
            (chunk.corpus, chunk.chunk)
            for chunk in chunks_shown(study, comparison["experiment"], [method])
            if comparison.get("metric") in (None, *_scored(study, chunk))
        }
        for method in methods
    ]
    return bool(set.intersection(*shown))


def _scored(study: Study, chunk: Names) -> list[str]:
    experiment = study.experiments[chunk.experiment]
    return [*score_metrics(study, chunk.experiment, chunk.corpus), experiment.quality]


@cache
def note(study: Study) -> str:
    """What is said of the study as a whole; "" of a finished one."""
    return f"Unfinished: {left(study)}" if is_marked(study) else ""


def note_of_methods(study: Study, experiment: Experiment) -> str:
    """How many clips each method has of those that it is to have; "" where all have all."""
    if not study.places.unfinished:
        return ""
    counts, complete = {}, True
    for method in experiment.methods:
        corpora = [each for each in experiment.clips if method in experiment.methods_of(each)]
        spans = [
            study.span(chunk.chunk, experiment.clips[chunk.corpus])
            for chunk in chunks_shown(study, experiment.name, [method])
        ]
        counts[method] = sum(last - first for first, last in spans)
        complete &= counts[method] == sum(experiment.clips[corpus] for corpus in corpora)
    if complete:
        return ""
    listed = ", ".join(f"{method} {count}" for method, count in counts.items())
    return f"Of {sum(experiment.clips.values())} clips, so far: {listed}."
