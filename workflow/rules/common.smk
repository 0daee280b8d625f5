# The checked study, and how the rules ask it what their jobs depend on.
import functools
import inspect
import itertools
import json
import re
import socket
import tempfile
import time

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from dap import errors, store
from dap.data.known import index_file, origin_file, receipt_file
from dap.data.weights import FOLDER as WEIGHTS
from dap.data.weights import VARIABLE as WEIGHTS_VARIABLE
from dap.data.weights import receipt_file as receipt_of_weights
from dap.plugins import plugins
from dap.runtime.provenance import machine
from dap.study import models
from dap.study import params as depends
from dap.study import presentation
from dap.study.code_hash import Code, parameters
from dap.study.configuration import check_run, configured, job_variables, merged
from dap.study.outputs import OVERVIEW
from dap.study.paths import CLIPS, FITS, MODELS, OBSERVATIONS
from dap.study.plan import trial_file
from dap.study.sitting import (
    Sitting,
    priority,
    recorded_now,
    trial_entries,
    trial_observations,
    trial_weights,
)
from dap.study.unfinished import tables_shown
from dap.study.yaml_file import load

try:
    if os.pathsep in str(ROOT):
        raise errors.DapError(
            f"{ROOT}: has a {os.pathsep!r} in its name, so that jobs would import dap from elsewhere: "
            "rename the folder"
        )
    # read anew, since Snakemake is content with less, and its merging would lose a preset's name; no
    # `configfile:` statement, since its keys would leak into a study given by --configfile
    FILES = workflow.overwrite_configfiles or [ROOT / "config.yaml"]
    config = merged([*(load(Path(file)) for file in FILES), workflow.config_settings.config])
    ENTRIES = workflow.config_settings.config_args or ()
    study, asked = configured(config, ENTRIES, mirrored=not workflow.remote_exec)
    SOURCES = Code()
    # how many fits are made at a time, on what, and until when
    SLOTS = max(1, (workflow.resource_settings.cores or 1) // study["threads"])
    GPUS = getattr(dict(workflow.global_resources).get("gpu"), "value", None)
    if study["device"] != "cpu" and GPUS is not None:
        SLOTS = max(1, min(SLOTS, int(GPUS)))  # a fit asks for one, be there any or not
    CPU = machine()["cpu"]
    END = time.monotonic() + 3600 * (asked.hours or 0)
    sitting = Sitting(study, SOURCES, asked, CPU, SLOTS, lambda: END - time.monotonic())
    if workflow.is_main_process:
        check_run(sitting)
except errors.DapError as error:
    raise WorkflowError(str(error)) from error

# jobs read it from here, since a parameter that changes would make everything again
config["run"] = study["run"]
paths = study.paths
# braces would be wildcards
ENVIRONMENT = str(ROOT / "envs" / "conda.yaml").replace("{", "{{").replace("}", "}}")
OWNER = Path(".snakemake") / "owner.json"

# Jobs import dap from this checkout
os.environ.update(
    PYTHONPATH=os.pathsep.join(filter(None, [str(ROOT), os.getenv("PYTHONPATH")])),
    **job_variables(study["threads"]),
    **{WEIGHTS_VARIABLE: os.path.abspath(WEIGHTS)},
)


# of all that jobs may load plugins by
WILDCARDS = {
    "experiment": list(study.experiments),
    "corpus": list(study.clip_counts),
    "method": sorted({name for each in study.experiments.values() for name in each.methods}),
    "name": list(study["figures"]),
}


def one_of(names):
    """A wildcard's constraint: one of these, and nothing where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    archive="[^/]+",
    corpus="[^/]+",
    experiment="[^/]+",
    index=r"\d+",
    method="[^/]+",
    chunk=r"\d+",
    name="[^/]+",


def of(function):
    """What Snakemake calls with a job's wildcards, of a function of the study and of some of them.

    The function's parameters, after the study, are called as the wildcards are.
    """
    names = list(inspect.signature(function).parameters)[1:]

    def of_wildcards(wildcards):
        return function(study, *(wildcards[name] for name in names))

    return of_wildcards


def code(script, *modules, plugins_of=lambda study: []):
    """The parameters that say which code makes a rule's numbers.

    Beside the script and these modules, a function of the study and of wildcards names those that
    a job loads as plugins.
    """
    starts = (f"workflow/scripts/{script}", *modules)
    names = list(inspect.signature(plugins_of).parameters)[1:]

    @functools.cache
    def digests(*values):
        return SOURCES.digests(*starts, *plugins_of(study, *values))

    def of_wildcards(wildcards):
        return digests(*(wildcards[name] for name in names))

    jobs = itertools.product(*(WILDCARDS[name] for name in names))
    loaded = {name for values in jobs for name in plugins_of(study, *values)}
    return parameters(of_wildcards, SOURCES.digests(*starts, *loaded))


made_here = recorded_now(SOURCES)
rank = priority(study)


def each_attempt(amount):
    """So much of a resource for the first attempt, twice as much for the second, and so on."""

    def of_attempt(wildcards, attempt):
        return amount * attempt

    return of_attempt


def this_attempt(wildcards, attempt):
    return attempt


def retries(more=0):
    """How often a job is tried again, as the study says."""
    # a cluster's job has a Snakemake of its own, which would try again with no more memory or time
    return study["run"]["retries"] + more if workflow.is_main_process else 0


def wanted(wildcards):
    """The files that a run makes where no target is named."""
    if not asked.is_sitting:
        # Snakemake makes a deleted file again where a target asks for it, and not where only the
        # makers of other files did: so fits and scores are targets, too.
        return [
            *depends.all_fits(study),
            *depends.all_scores(study),
            *models.all_cards(study),
            *presentation.tables.table_files(study),
            *presentation.figures.figure_files(study),
            *(paths.table("cost", form) for form in ("csv", "md")),
            paths.table("study", "yaml"),
            paths.report,
            paths.summary,
        ]
    try:
        if sitting.needs_trial():
            checkpoints.trial.get()
        chosen = sitting.chosen()
        logger.info(sitting.in_words(chosen))
        return [paths.records(*chunk) for chunk in chosen]
    except errors.DapError as error:
        raise WorkflowError(str(error)) from error


def claim_folder():
    """Say which process runs the workflow in this folder, for `make resume`."""
    try:
        Path(paths.root).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=paths.root):
            pass
    except OSError as error:
        raise WorkflowError(store.unwritable(paths.root, error)) from error
    store.write_text(OWNER, json.dumps({"host": socket.gethostname(), "pid": os.getpid()}))


def release_folder():
    """The run is over."""
    OWNER.unlink(missing_ok=True)
