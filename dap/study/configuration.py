"""A study as Snakemake was given it: files, `--config`, and what is asked of this run.

Light on purpose: the Snakefile and every cluster job parse it.
"""

from collections.abc import Iterable, Sequence

from dap.data.known import RESOURCES
from dap.errors import DapError, extra
from dap.study import params as depends
from dap.study.parts import Asked
from dap.study.paths import require_folders
from dap.study.schema import as_written, name_presets
from dap.study.sitting import Sitting, check_collected
from dap.study.study import Study


def merged(layers: Iterable[dict]) -> dict:
    """The contents of a study's files and `--config`, each over those before it.

    The options of a fit change what came before, be that a preset's name alone.
    """
    with extra("workflow"):
        from snakemake.utils import update_config

    config: dict = {}
    for layer in layers:
        name_presets(config)
        update_config(config, layer)
    return config


def configured(
    config: dict, entries: Sequence[str], *, mirrored: bool = True
) -> tuple[Study, Asked]:
    """The study, and what is asked of the run.

    Args:
        config: as `merged`; what is no key of a study is taken out.
        entries: of `--config`, as they were written.
        mirrored: as for `Study`.

    Raises:
        DapError: as `Study` and `Asked.taken_from`; or two recordings would be one clip.
    """
    config.update(as_written(entries))
    asked = Asked.taken_from(config, list(entries))
    study = Study(config, mirrored=mirrored, unfinished=asked.unfinished)
    for name in study.clip_counts:
        if not study.indexed(name):
            study.clips(name, "000")
    return study, asked


def check_run(sitting: Sitting) -> None:
    """Refuse, before any job, what would stop the run in this folder later.

    Raises:
        DapError: a folder cannot be written; what was collected is of another setup; as
            `Sitting.check`; or the tables of what is there are asked for, and there is nothing.
    """
    study = sitting.study
    require_folders(".snakemake", RESOURCES, *study.paths.folders)
    check_collected(study, sitting.code)
    sitting.check()
    if sitting.asked.unfinished and not depends.all_scores(study):
        raise DapError(f"{study.paths.root}: has no scores yet, so no table")


def job_variables(threads: int) -> dict[str, str]:
    """The environment of every job that makes numbers.

    The number of threads settles the last bits of a result, so it comes from the study alone. glibc
    gives large buffers back to the system and asks for them again at every iteration, and the
    system zeroes them each time: keeping them makes an iteration up to a third faster. Threads that
    wait sleep, so that jobs which share cores share them evenly (docs/performance.md).
    """
    return {
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        "MALLOC_TRIM_THRESHOLD_": str(8 * 10**9),
        "MALLOC_MMAP_THRESHOLD_": str(8 * 10**9),
    }
