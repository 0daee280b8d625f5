# Helpers of the rules: the checked study, and what each rule depends on.
import json
import re
import socket

import psutil
from snakemake.exceptions import WorkflowError

from dap import errors, provenance, registry
from dap.corpora.catalogue import pick
from dap.study import Study, load

if "study" not in config:
    # no `configfile:` statement, since its keys would leak into a study given by --configfile
    base = load(ROOT / "config.yaml")
    update_config(base, config)
    config = base

try:
    study = Study(config)
    for name in study.clip_counts:
        study.clips(name, "000")  # raises where two recordings would be one clip
except errors.DapError as error:
    raise WorkflowError(str(error)) from error

RESULTS = f"results/{study.name}"
ENVIRONMENT = str(ROOT / "envs" / "conda.yaml")
OWNER = Path(".snakemake") / "owner.json"

# Jobs import dap from this checkout, and take their threads from the study and from nothing else:
# the number of threads settles the last bits of a result.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
)
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(study["threads"])
# glibc gives large buffers back to the system and asks for them again at every iteration, and the
# system zeroes them each time: keeping them makes an iteration up to a third faster.
os.environ["MALLOC_TRIM_THRESHOLD_"] = os.environ["MALLOC_MMAP_THRESHOLD_"] = str(8 * 10**9)


wildcard_constraints:
    corpus="[^/]+",
    experiment="[^/]+",
    cell="[^/]+",
    method="[^/]+",
    chunk=r"\d+",
    name="[^/]+",


def code(script, *modules):
    """Hash of a script, and of what it and the named modules of dap import."""
    return provenance.source_hash(ROOT / "workflow" / "scripts" / script, modules)


def plugin_modules(package, variable, names):
    """The modules that offer these names."""
    return sorted({registry.plugin(package, variable, name).module for name in names})


def synthetic_modules(*corpora):
    """The modules that synthesise these corpora."""
    kinds = [study.corpus(name)["synthetic"] for name in corpora if "synthetic" in study.corpus(name)]
    return plugin_modules("corpora", "SYNTHETIC", kinds)


def method_module(method):
    """The module of one prior or baseline."""
    package = ("priors", "PRIORS") if method in registry.plugins("priors", "PRIORS") else ("baselines", "BASELINES")
    return registry.plugin(*package, method).module


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
    process = psutil.Process()
    OWNER.parent.mkdir(exist_ok=True)
    OWNER.write_text(
        json.dumps(
            {"host": socket.gethostname(), "pid": process.pid, "created": process.create_time()}
        )
    )


def disown():
    """The run is over."""
    OWNER.unlink(missing_ok=True)
