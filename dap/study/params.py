"""What the jobs of each rule depend on, from corpora to scores: their inputs and parameters.

Functions of the study and of names of an experiment, a corpus, a method, a chunk; those that a rule
asks are called with the wildcards of the same names. What tables, figures and the report depend on
is in `dap.study.presentation`. Light on purpose: the Snakefile and every cluster job parse it.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from itertools import chain
from pathlib import Path

from dap.data.catalogue import pick
from dap.data.folders import listing
from dap.data.known import receipt_file
from dap.data.names import as_text
from dap.data.weights import declared
from dap.data.weights import receipt_file as receipt_of_weights
from dap.plugins import plugin, plugins
from dap.study.links import input_path
from dap.study.paths import FIRST, Names
from dap.study.study import Study
from dap.tasks import TASKS

# the keys of a corpus's entry that its clips depend on, and those of a corpus of noise
CLIPS = ("synthetic", "folder", "index", "files", "samples", "level", "window")
NOISE = ("synthetic", "folder", "index", "files")
# the fields of a task that make no number, and those that no fit depends on
SHOWN = {"verb", "shown", "known"}
SCORED = {"scopes", "quality"}

# ------------------------------------------------------------------ known corpora


def mirror_archives(study: Study, archive: str) -> list[str]:
    """The archives in the mirror."""
    return list(map(input_path, study.location(archive).archives))


def archive_sources(study: Study, archive: str) -> list[dict]:
    """Where the archives may be had from, in order."""
    return study.location(archive).sources


def archive_receipt(study: Study, archive: str) -> list[str]:
    """What says that the archives are there; nothing where the mirror has them unpacked."""
    return [] if study.location(archive).folder else [receipt_file(archive)]


def mirror_folder(study: Study, archive: str) -> list[str]:
    """The folder of unpacked recordings in the mirror, if there is one."""
    folder = study.location(archive).folder
    return [input_path(folder)] if folder else []


def rendered(study: Study) -> list[str]:
    """The known corpora that a rule renders: no mirror has them."""
    return [name for name in study.known if study.location(name).rendered]


# ------------------------------------------------------------------ clips


def recordings(study: Study, corpus: str, chunk: str) -> list[str]:
    """The recordings that a chunk's clips are cut from; of a known corpus, its index.

    Those of the chunks before are among them: where one cannot be used, all that follow move up.
    """
    return _watched(_recordings(study, corpus, chunk))


def unwatched_recordings(study: Study, corpus: str, chunk: str) -> dict[str, list[int]]:
    """Size and time of those whose names Snakemake cannot read."""
    return _unwatched(_recordings(study, corpus, chunk))


def _recordings(study: Study, corpus: str, chunk: str) -> list[str]:
    entry = study.corpus(corpus)
    if "synthetic" in entry:
        return []
    if "index" in entry:
        return [entry["index"]]
    files = dict.fromkeys(draw.file for draw in study.clips_until(corpus, chunk))
    return [input_path(f"{entry['folder']}/{file}") for file in files]


def clip_draws(study: Study, corpus: str, chunk: str) -> list[dict] | None:
    """A chunk's clips; None of a known corpus, whose job draws them, having the index."""
    if study.indexed(corpus):
        return None
    return [draw.as_dict() for draw in study.clips(corpus, chunk)]


def clip_span(study: Study, corpus: str, chunk: str) -> tuple[int, int]:
    """Where a chunk begins and ends in the order of the corpus's clips."""
    return study.span(chunk, study.clip_counts[corpus])


def clip_entry(study: Study, corpus: str) -> dict:
    """What clips depend on of their corpus's entry: its title or licence is nothing of it."""
    return _some(study.corpus(corpus), CLIPS)


def clip_modules(study: Study, corpus: str) -> list[str]:
    """The module that synthesises a corpus, if one does."""
    return _synthetic_modules(study, [corpus])


# ------------------------------------------------------------------ observations


def clip_manifests(study: Study, experiment: str, corpus: str, chunk: str) -> list[str]:
    """The clean clips that a chunk of observations is made from."""
    parts = study.experiments[experiment].parts(corpus)
    return [study.paths.clips(part, chunk) for part in parts]


def observation_count(study: Study, experiment: str, corpus: str, chunk: str) -> int:
    """How many observations a chunk has; another experiment may need more clips of it."""
    first, last = study.span(chunk, study.experiments[experiment].clips[corpus])
    return last - first


def corruption(study: Study, experiment: str) -> dict:
    """Kind and options."""
    return study.experiments[experiment].corruption


def noise(study: Study, experiment: str) -> list | None:
    """Name and entry of the corpus of noise, where the corruption needs one."""
    name = corruption(study, experiment).get("noise")
    return [name, _some(study.corpus(name), NOISE)] if name else None


def noise_files(study: Study, experiment: str, corpus: str, chunk: str) -> list[str]:
    """The recordings of noise that a chunk needs; of a known corpus, its index."""
    return _watched(_noise_files(study, experiment, corpus, chunk))


def unwatched_noise(study: Study, experiment: str, corpus: str, chunk: str) -> dict[str, list[int]]:
    """Size and time of those whose names Snakemake cannot read."""
    return _unwatched(_noise_files(study, experiment, corpus, chunk))


def _noise_files(study: Study, experiment: str, corpus: str, chunk: str) -> list[str]:
    drawn = noise(study, experiment)
    if drawn is None or "synthetic" in drawn[1]:
        return []
    entry = drawn[1]
    if "index" in entry:
        return [entry["index"]]
    if any(study.indexed(part) for part in study.experiments[experiment].parts(corpus)):
        # which clips there are, and so which of the folder's files they meet, the job finds out
        files: Collection[str] = listing(entry["folder"], entry["files"])
    else:
        clips = study.observations(experiment, corpus, chunk)
        files = {pick(entry, study["seed"], "noise", experiment, corpus, clip)[0] for clip in clips}
    return [input_path(f"{entry['folder']}/{file}") for file in sorted(files)]


def observation_modules(study: Study, experiment: str) -> list[str]:
    """The module of an experiment's corruption, and that which synthesises its noise, if any."""
    kind, name = corruption(study, experiment)["kind"], corruption(study, experiment).get("noise")
    return _modules("corruptions", [kind]) + _synthetic_modules(study, [name] if name else [])


# ------------------------------------------------------------------ fits and baselines


def task(study: Study, experiment: str) -> str:
    """The experiment's task."""
    return study.experiments[experiment].task


def fit_task(study: Study, experiment: str) -> dict:
    """What a fit or a baseline depends on of its task, beside its name."""
    return _some_of_task(study, experiment, without=SHOWN | SCORED)


def fit_setup(study: Study, experiment: str, method: str) -> dict:
    """All that a prior's fit depends on beside the observation: options, transform and task."""
    options = study.experiments[experiment].fit_of(method)
    foreign = set(chain.from_iterable(each.options for each in TASKS.values()))
    foreign -= set(TASKS[task(study, experiment)].options)
    return {
        "fit": {key: value for key, value in options.items() if key not in foreign},
        "spectrogram": study["spectrogram"],
        "task": fit_task(study, experiment),
    }


def fit_modules(study: Study, experiment: str, method: str) -> list[str]:
    """The modules of a prior and of what it is fed; nothing of a baseline."""
    if method not in plugins("priors"):
        return []
    given = fit_setup(study, experiment, method)["fit"].get("input", "noise")
    fed = [] if given == "noise" else _modules("baselines", [given])
    return _modules("priors", [method]) + fed


def baseline_modules(study: Study, method: str) -> list[str]:
    """The module of a baseline; nothing of a prior."""
    return _modules("baselines", [method] if method in plugins("baselines") else [])


def weights(study: Study, experiment: str, method: str) -> list[str]:
    """What says that the trained weights of a method, or of what it is fed, are there."""
    setup = study.experiments[experiment]
    used = {method} | ({setup.fit_of(method)["input"]} if method in setup.priors else set())
    return [receipt_of_weights(name) for name in sorted(used & set(setup.trained))]


def weights_files(study: Study, method: str) -> list[dict]:
    """The files of a method's trained weights."""
    return (declared(method) or {"files": []})["files"]


def weights_mirror(study: Study, method: str) -> list[str]:
    """The same in the mirror, where there is one."""
    return list(map(input_path, study.trained[method]))


def fit_manifests(study: Study, experiment: str, methods: Iterable[str] = ()) -> list[str]:
    """What all methods of an experiment, or some, make of its observations."""
    setup = study.experiments[experiment]
    chunks = [
        Names(experiment, corpus, method, chunk)
        for corpus, chunk in study.chunks_of(setup)
        for method in methods or setup.methods
        if method in setup.methods_of(corpus)
    ]
    return [study.places.of(chunk).fits(*chunk) for chunk in study.places.shown(chunks)]


def all_fits(study: Study) -> list[str]:
    """The manifests of all fits and baselines."""
    return [path for name in study.experiments for path in fit_manifests(study, name)]


def experiments(study: Study, *, trained: bool) -> list[str]:
    """The experiments whose priors are trained, or those whose priors are fitted."""
    return [name for name, each in study.experiments.items() if bool(each.training) == trained]


# ------------------------------------------------------------------ scores


def snapshots(study: Study, experiment: str, corpus: str, method: str, chunk: str) -> list[str]:
    """The trajectories of a prior; a baseline has none."""
    fitted = method in study.experiments[experiment].priors
    return [study.paths.snapshots(experiment, corpus, method, chunk)] if fitted else []


def score_metrics(study: Study, experiment: str, corpus: str) -> list[str]:
    """The metrics of an experiment that have a meaning for a corpus.

    One of speech has none for piano: it is left out, not scored as missing.
    """
    setup = study.experiments[experiment]
    speech = all(study.corpus(part)["speech"] for part in setup.parts(corpus))
    known = plugins("metrics")
    return [name for name in setup.metrics if speech or not known[name].metadata.get("speech")]


def score_selections(study: Study, experiment: str) -> list[str]:
    """Which points of a fit are reported."""
    return study.experiments[experiment].selections


def score_trajectory(study: Study, experiment: str, method: str) -> dict[str, list[str]]:
    """What figures and claims need of each snapshot; a baseline has none."""
    if method not in study.experiments[experiment].priors:
        return {}
    return study.trajectory(experiment)


def score_task(study: Study, experiment: str) -> dict:
    """What scores depend on of their task, beside its name."""
    return _some_of_task(study, experiment, without=SHOWN)


def score_modules(study: Study, experiment: str, corpus: str, method: str) -> list[str]:
    """The modules of all metrics that are needed."""
    tracked = score_trajectory(study, experiment, method).values()
    metrics = {
        *score_metrics(study, experiment, corpus),
        study.experiments[experiment].quality,
        *chain.from_iterable(tracked),
    }
    return _modules("metrics", metrics)


def score_files(study: Study, experiment: str, methods: Iterable[str] = ()) -> list[str]:
    """The scores of all methods of an experiment, or of some."""
    setup = study.experiments[experiment]
    chunks = [
        Names(experiment, corpus, method, chunk)
        for corpus, count in setup.clips.items()
        for method in methods or setup.methods
        if method in setup.methods_of(corpus)
        for chunk in study.chunks(count)
    ]
    return [study.places.of(chunk).scores(*chunk) for chunk in study.places.shown(chunks)]


def all_scores(study: Study) -> list[str]:
    """All scores."""
    return [path for name in study.experiments for path in score_files(study, name)]


def recorded_beside(
    study: Study, experiment: str, corpus: str, method: str, chunk: str
) -> list[str]:
    """What of a chunk is kept beside its manifests: losses, and trajectories that are shown."""
    if method not in study.experiments[experiment].priors:
        return []
    names = (experiment, corpus, method, chunk)
    shown = chunk == FIRST and any(
        (entry["kind"], entry["experiment"]) == ("steps", experiment)
        for entry in study["figures"].values()
    )
    return [study.paths.losses(*names)] + [study.paths.snapshots(*names)] * shown


def _watched(files: Iterable[str]) -> list[str]:
    """Those that can be a job's inputs."""
    return [file for file in files if _is_readable(file)]


def _unwatched(files: Iterable[str]) -> dict[str, list[int]]:
    """Size and time of the others: a parameter of the job, which is done again when they change."""
    states = {file: Path(file).stat() for file in files if not _is_readable(file)}
    return {as_text(file): [state.st_size, state.st_mtime_ns] for file, state in states.items()}


def _is_readable(file: str) -> bool:
    # Snakemake writes names as UTF-8, on a line each; `input_path` has seen to braces
    return file.isprintable()


def _some(entry: dict, keys: Iterable[str]) -> dict:
    return {key: value for key, value in entry.items() if key in keys}


def _some_of_task(study: Study, experiment: str, *, without: set[str]) -> dict:
    fields = asdict(TASKS[task(study, experiment)]).items()
    return {name: value for name, value in fields if name not in without}


def _modules(kind: str, names: Iterable[str]) -> list[str]:
    """The modules that offer these names."""
    return sorted({plugin(kind, name).module for name in names})


def _synthetic_modules(study: Study, corpora: Iterable[str]) -> list[str]:
    """The modules that synthesise these corpora; recordings need none."""
    entries = map(study.corpus, corpora)
    kinds = [entry["synthetic"] for entry in entries if "synthetic" in entry]
    return _modules("synthetic", kinds)
