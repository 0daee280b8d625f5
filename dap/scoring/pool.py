"""Scoring the clips of a chunk in parallel processes.

PESQ takes most of the time and holds Python's global lock, so threads would not help.
"""

import multiprocessing
import platform
import warnings
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from dap.errors import DapError, extra, named
from dap.plugins import plugin
from dap.scoring.evaluate import ScoreRow, score
from dap.tasks import TASKS

with extra("workflow"):
    from threadpoolctl import threadpool_limits


@dataclass(frozen=True, eq=False)
class Case:
    """One clip and initialisation to be scored: the arguments of `score`, and a name.

    Attributes:
        clip: the observation's id.
        seed: which initialisation.
    """

    clip: str
    seed: str
    references: np.ndarray
    selections: dict[str, np.ndarray]
    iterations: np.ndarray
    snapshots: np.ndarray
    sources: list[str]
    last_iteration: int
    mask: np.ndarray | None = None
    observed: np.ndarray | None = None
    stopped: int | None = None


def score_all(
    cases: Sequence[Case],
    *,
    processes: int,
    task: str,
    metrics: list[str],
    wanted: list[str],
    sample_rate: int,
    trajectory: Mapping[str, Sequence[str]] | None = None,
) -> list[list[ScoreRow]]:
    """The rows of each case, in the order of the cases: the same bits for any `processes`.

    Linear algebra has one thread in each process. With one process or one case, no process is
    started.

    Args:
        processes: at most this many, and no more than there are cases.
        task, metrics, wanted, sample_rate, trajectory: as for `dap.scoring.evaluate.score`.

    Raises:
        PluginError: a metric failed; the message names clip, initialisation, selection and metric.
        DapError: a process died; the message names the clips.
    """
    setup = {"task": task, "metrics": metrics, "wanted": wanted, "sample_rate": sample_rate}
    run = partial(_score, setup=setup | {"trajectory": trajectory})
    tracked = [name for against in (trajectory or {}).values() for name in against]
    names = {*metrics, TASKS[task].quality, *tracked}
    processes = min(processes, len(cases))
    with _one_thread(names):
        if processes <= 1:
            return [run(case) for case in cases]
        try:
            with _pool(processes, names) as pool, warnings.catch_warnings():
                # about forks: this process runs no other thread, those of linear algebra are idle
                warnings.filterwarnings("ignore", "This process", DeprecationWarning)
                return list(pool.map(run, cases))
        except BrokenProcessPool as error:
            clips = ", ".join(dict.fromkeys(case.clip for case in cases))
            raise DapError(
                f"a process that scored one of the clips {clips} died (out of memory, or a fault "
                "in a metric's library); `threads: 1` scores them one by one, in this order"
            ) from error


def _one_thread(names: Iterable[str]) -> threadpool_limits:
    """Import the metrics, and limit the linear algebra that came with them."""
    for name in names:
        try:
            plugin("metrics", name).load()
        except Exception as error:
            error.add_note(f"metric {name}")
            raise
    return threadpool_limits(1)


def _pool(processes: int, names: set[str]) -> Executor:
    """Processes that have imported the metrics.

    On Linux they are forks of this process and start at once, while imports would take longer than
    a small chunk. Elsewhere forks are not safe. There the processes are joblib's, which, unlike
    those of the standard library, do not run the calling script again.
    """
    if platform.system() == "Linux":
        context = multiprocessing.get_context("fork")
        return ProcessPoolExecutor(processes, context, _one_thread, (names,))
    with extra("workflow"):
        from joblib.externals.loky import ProcessPoolExecutor as LokyExecutor

    return LokyExecutor(processes, initializer=_one_thread, initargs=(names,))


def _score(case: Case, setup: Mapping[str, Any]) -> list[ScoreRow]:
    arguments = {field.name: getattr(case, field.name) for field in fields(case)}
    clip, seed = arguments.pop("clip"), arguments.pop("seed")
    with named(f"clip {clip}, initialisation {seed}"):
        return score(**arguments, **setup)
