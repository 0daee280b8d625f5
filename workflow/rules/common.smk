# Helpers of the rules: the checked study, and what each rule depends on.
import functools
import json
import re
import socket
import tempfile

from snakemake.exceptions import WorkflowError

from dap import errors
from dap.runtime import provenance
from dap import plugins as registry
from dap import store
from dap.data.known import RESOURCES, index_file, origin_file
from dap.data.catalogue import listing, pick
from dap.options import learning_rate
from dap.study.schema import load
from dap.study.study import Study
from dap.tasks import TASKS

try:
    if not workflow.overwrite_configfiles:
        # no `configfile:` statement, since its keys would leak into a study given by --configfile
        base = load(ROOT / "config.yaml")
        update_config(base, config)
        config = base
    study = Study(config, mirrored=not workflow.remote_exec)
    for name in study.clip_counts:
        if not study.indexed(name):
            study.clips(name, "000")  # raises where two recordings would be one clip
except errors.DapError as error:
    raise WorkflowError(str(error)) from error

# jobs read it from here, since a parameter that changes would make everything again
config["run"] = study["run"]
RESULTS = f"results/{study.name}"
ENVIRONMENT = str(ROOT / "envs" / "conda.yaml")
OWNER = Path(".snakemake") / "owner.json"

# Jobs import dap from this checkout, and take their threads from the study and from nothing else:
# the number of threads settles the last bits of a result. glibc gives large buffers back to the
# system and asks for them again at every iteration, and the system zeroes them each time: keeping
# them makes an iteration up to a third faster. Threads that wait sleep, so that jobs which share
# cores share them evenly (docs/performance.md).
os.environ.update(
    PYTHONPATH=os.pathsep.join(filter(None, [str(ROOT), os.getenv("PYTHONPATH")])),
    OMP_NUM_THREADS=str(study["threads"]),
    OPENBLAS_NUM_THREADS=str(study["threads"]),
    MKL_NUM_THREADS=str(study["threads"]),
    OMP_WAIT_POLICY="PASSIVE",
    MALLOC_TRIM_THRESHOLD_=str(8 * 10**9),
    MALLOC_MMAP_THRESHOLD_=str(8 * 10**9),
)


wildcard_constraints:
    archive="[^/.]+",
    corpus="[^/]+",
    experiment="[^/]+",
    cell="[^/]+",
    method="[^/]+",
    chunk=r"\d+",
    name="[^/]+",


@functools.cache
def code(script, *modules):
    """Hash of a script, and of what it and the named modules of dap import."""
    return provenance.source_hash(ROOT / "workflow" / "scripts" / script, modules)


def plugin_modules(kind, names):
    """The modules that offer these names."""
    return sorted({registry.plugin(kind, name).module for name in names})


def synthetic_modules(*corpora):
    """The modules that synthesise these corpora."""
    kinds = [
        study.corpus(name)["synthetic"] for name in corpora if "synthetic" in study.corpus(name)
    ]
    return plugin_modules("synthetic", kinds)


def method_module(method):
    """The module of one prior or baseline."""
    kind = "priors" if method in registry.plugins("priors") else "baselines"
    return registry.plugin(kind, method).module


def parts(wildcards):
    """The corpora of a cell."""
    return study.parts(study.experiments[wildcards.experiment], wildcards.cell)


def clip_manifests(wildcards):
    """The clean clips that a chunk of a cell is made from."""
    return expand(
        f"{RESULTS}/clips/{{corpus}}/{wildcards.chunk}/manifest.csv", corpus=parts(wildcards)
    )


def score_files(experiment, methods=None):
    """All scores of an experiment."""
    setup = study.experiments[experiment]
    return [
        f"{RESULTS}/scores/{experiment}/{cell}/{method}/{chunk}.csv"
        for cell, count in setup.cells.items()
        for method in methods or setup.methods
        for chunk in study.chunks(count)
    ]


def own():
    """Say which process runs the workflow in this folder, for `make resume`."""
    try:
        Path(RESULTS).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=RESULTS):
            pass
    except OSError as error:
        raise WorkflowError(store.unwritable(RESULTS, error)) from error
    OWNER.parent.mkdir(exist_ok=True)
    OWNER.write_text(json.dumps({"host": socket.gethostname(), "pid": os.getpid()}))


def disown():
    """The run is over."""
    OWNER.unlink(missing_ok=True)


# ---- known corpora


def mirror_archives(wildcards):
    return list(study.location(wildcards.archive).archives)


def archive_sources(wildcards):
    return study.location(wildcards.archive).sources


def archive_receipt(wildcards):
    if study.location(wildcards.archive).folder:
        return []
    return f"{RESOURCES}/archives/{wildcards.archive}.json"


def mirror_folder(wildcards):
    return study.location(wildcards.archive).folder or []


# ---- clips


def recordings(wildcards):
    entry = study.corpus(wildcards.corpus)
    if "synthetic" in entry:
        return []
    if "index" in entry:
        return entry["index"]
    draws = study.clips(wildcards.corpus, wildcards.chunk)
    return [f"{entry['folder']}/{draw.file}" for draw in draws]


def clip_draws(wildcards):
    # those of a known corpus are drawn by the job, which has the index
    if study.indexed(wildcards.corpus):
        return None
    return [draw.as_dict() for draw in study.clips(wildcards.corpus, wildcards.chunk)]


def clip_span(wildcards):
    return study.span(wildcards.chunk, study.clip_counts[wildcards.corpus])


def corpus_source(name, *keys):
    """The keys of a corpus that a product depends on: its title or licence is none of them."""
    return {key: value for key, value in study.corpus(name).items() if key in keys}


def corpus_entry(wildcards):
    keys = ("synthetic", "folder", "index", "samples", "level", "window")
    # the files of a folder are among the draws already
    keys += ("files",) if study.indexed(wildcards.corpus) else ()
    return corpus_source(wildcards.corpus, *keys)


def clips_code(wildcards):
    return code("clips.py", *synthetic_modules(wildcards.corpus))


# ---- observations


def observation_count(wildcards):
    cells = study.experiments[wildcards.experiment].cells
    first, last = study.span(wildcards.chunk, cells[wildcards.cell])
    return last - first


def corruption(wildcards):
    return study.experiments[wildcards.experiment].corruption


def noise(wildcards):
    name = corruption(wildcards).get("noise")
    return [name, corpus_source(name, "synthetic", "folder", "index", "files")] if name else None


def noise_files(wildcards):
    drawn = noise(wildcards)
    if drawn is None or "synthetic" in drawn[1]:
        return []
    entry = drawn[1]
    if "index" in entry:
        return entry["index"]
    if any(study.indexed(part) for part in parts(wildcards)):
        # which clips there are, and so which of the folder's files they meet, the job finds out
        files = listing(entry["folder"], entry["files"])
    else:
        names = ("noise", wildcards.experiment, wildcards.cell)
        clips = study.observations(wildcards.experiment, wildcards.cell, wildcards.chunk)
        files = {pick(entry, study["seed"], *names, clip) for clip in clips}
    return [f"{entry['folder']}/{file}" for file in sorted(files)]


def observations_code(wildcards):
    name = corruption(wildcards).get("noise")
    modules = plugin_modules("corruptions", [corruption(wildcards)["kind"]])
    return code("observations.py", *modules, *synthetic_modules(*filter(None, [name])))


# ---- fits


def fit_setup(wildcards):
    experiment = study.experiments[wildcards.experiment]
    foreign = {key for task in TASKS.values() for key in task.options}
    foreign -= set(TASKS[experiment.task].options)
    fit = experiment.fit_of(wildcards.method)
    options = {key: value for key, value in fit.items() if key not in foreign}
    # a baseline depends on none of the options of a fit
    return {"fit": options if is_fitted(wildcards) else {}, "spectrogram": study["spectrogram"]}


def fit_task(wildcards):
    return study.experiments[wildcards.experiment].task


def fit_retries():
    # a cluster's job has a Snakemake of its own, which would try again with no more memory or time
    if not workflow.is_main_process:
        return 0
    # where a clip that kills its job is reported, one more attempt writes the others down
    return study["run"]["retries"] + (study["run"]["missing"] == "report")


def is_fitted(wildcards):
    return wildcards.method in registry.plugins("priors")


def fit_memory(wildcards, attempt):
    return (8000 if is_fitted(wildcards) else 4000) * attempt


def fit_minutes(wildcards, attempt):
    return (720 if is_fitted(wildcards) else 120) * attempt


def fit_gpus(wildcards):
    return int(is_fitted(wildcards) and study["device"] != "cpu")


def this_attempt(wildcards, attempt):
    return attempt


def fit_code(wildcards):
    return code("fit.py", method_module(wildcards.method))


# ---- scores


def score_metrics(wildcards):
    # a metric of speech has no meaning for piano: it is left out, not scored as missing
    speech = all(study.corpus(part)["speech"] for part in parts(wildcards))
    facts = registry.plugins("metrics")
    metrics = study.experiments[wildcards.experiment].metrics
    return [name for name in metrics if speech or not facts[name].metadata.get("speech")]


def score_selections(wildcards):
    return study.experiments[wildcards.experiment].selections


def score_trajectory(wildcards):
    # what the figures show of each snapshot; a baseline has none
    if not is_fitted(wildcards):
        return {}
    return study.trajectory(wildcards.experiment)


def score_code(wildcards):
    experiment = study.experiments[wildcards.experiment]
    tracked = [name for names in score_trajectory(wildcards).values() for name in names]
    names = [*score_metrics(wildcards), experiment.quality, *tracked]
    return code("score.py", *plugin_modules("metrics", names))
