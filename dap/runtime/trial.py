"""What a fit takes on this machine, by its first iterations."""

import json
import time
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dap.errors import extra
from dap.fitting.method import is_prior, resolve_device, restoring
from dap.observation import Observation
from dap.options import FitOptions
from dap.runtime.provenance import machine
from dap.store import read_entries, write_text

# a trial ends after so many iterations behind the first, or seconds, but not before the least
MOST_ITERATIONS, LEAST_ITERATIONS, SECONDS = 20, 3, 5.0
BRIEF_MOST_ITERATIONS, BRIEF_LEAST_ITERATIONS, BRIEF_SECONDS = 2, 1, 1.0


@dataclass(frozen=True)
class Trial:
    """A method to be timed on the first observation of a chunk.

    Attributes:
        chunk: its names, for the result.
        observations: the chunk's manifest.
        setup: of a prior, as a fit has it; of a baseline, nothing.
        fits: how many fits the chunk has.
        brief: whether a long iteration will do behind the first, or two short ones.
    """

    chunk: Mapping[str, str]
    observations: str
    method: str
    task: str
    setup: Mapping[str, Any]
    fits: int
    threads: int
    device: str
    sample_rate: int
    brief: bool = False

    def seconds(self) -> float:
        """Of the whole chunk, on this machine.

        Raises:
            DapError: the method fails, or an input is torn.
        """
        import torch

        torch.set_num_threads(self.threads)
        entry = read_entries(Path(self.observations))[0]
        observation = Observation(entry.signal(), entry.known(), sample_rate=self.sample_rate)
        device = resolve_device(self.device) if is_prior(self.method) else "cpu"
        fit = FitOptions.from_study(self.setup.get("fit", {}))
        steps = restoring(
            self.method,
            self.task,
            observation,
            fit=fit,
            spectrogram=self.setup.get("spectrogram", {}),
            device=device,
            seed=0,
        )
        return self.fits * timed(steps, fit.iterations, device, brief=self.brief)


def timed(
    steps: Generator[None, float, object], iterations: int, device: str, *, brief: bool = False
) -> float:
    """Seconds of a whole fit, told from its first iterations, or those of a baseline.

    Args:
        steps: a fit as `dap.fitting.method.restoring` gives it.
        iterations: of the whole fit, at most.
        brief: as of a `Trial`.
    """
    least, most, limit = LEAST_ITERATIONS, MOST_ITERATIONS, SECONDS
    if brief:
        least, most, limit = BRIEF_LEAST_ITERATIONS, BRIEF_MOST_ITERATIONS, BRIEF_SECONDS
    begun = time.perf_counter()
    try:
        next(steps)
        steps.send(0.0)  # the first iteration: what is compiled, and allocated, once
        _wait(device)
        first = time.perf_counter()
        done = 0
        while done < least or (done < most and time.perf_counter() - first < limit):
            steps.send(0.0)
            done += 1
        _wait(device)
    except StopIteration:  # a baseline, or a fit of few iterations
        return time.perf_counter() - begun
    each = (time.perf_counter() - first) / done
    steps.close()
    return first - begun + each * (iterations - 1)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()


def time_all(trials: Sequence[Trial], path: Path, *, at_once: int) -> None:
    """Time methods, and write what they take as JSON.

    Args:
        at_once: as `time_each` takes it.

    Raises:
        DapError: as `Trial.seconds`.
    """
    from dap.study.plan import kept  # needs what a study does; the rest does not

    cpu = machine()["cpu"]
    entries = [
        {
            "chunk": dict(trial.chunk),
            "cpu": cpu,
            "seconds": round(seconds, 3),
            "trial": kept(asdict(trial), at_once),
        }
        for trial, seconds in zip(trials, time_each(trials, at_once=at_once), strict=True)
    ]
    write_text(path, json.dumps(entries, indent=1) + "\n")


def time_each(
    trials: Sequence[Trial], *, at_once: int, environment: Mapping[str, str] | None = None
) -> Iterator[float]:
    """What each method takes, in seconds, one after the other.

    Args:
        at_once: how many fits this machine runs beside each other, which is what they are timed
            beside, since they share its memory: each in a process of its own, and the slowest
            counts.
        environment: variables of these processes; None where this process has those of a job.

    Raises:
        DapError: as `Trial.seconds`.
    """
    if at_once <= 1 and environment is None:
        yield from (trial.seconds() for trial in trials)
        return
    with extra("workflow"):
        # unlike the standard library's, its processes do not run the calling script again
        from joblib.externals.loky import ProcessPoolExecutor

    with ProcessPoolExecutor(at_once, env=dict(environment or {})) as pool:
        for trial in trials:
            with warnings.catch_warnings():  # joblib's, of a process that it begins anew
                warnings.simplefilter("ignore")
                seconds = list(pool.map(Trial.seconds, [trial] * at_once))
            yield max(seconds)
