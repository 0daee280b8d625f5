"""How long a study takes on this machine, by short fits, before its recordings are there.

The fits are of synthetic sound that is corrupted as the study says: how long an iteration takes
does not depend on the sound.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from dap.data.weights import FOLDER as WEIGHTS
from dap.data.weights import VARIABLE as WEIGHTS_VARIABLE
from dap.errors import extra
from dap.options import TrainingOptions
from dap.plugins import plugin
from dap.runtime.provenance import machine
from dap.runtime.trial import Trial, time_each
from dap.seeds import derive
from dap.store import known_file, sha256, signal_file, write_arrays, write_rows, write_signal
from dap.study import models as trained
from dap.study import params as depends
from dap.study.configuration import job_variables
from dap.study.parts import in_order, samples_of, work
from dap.study.paths import FIRST, Names
from dap.study.plan import MARGIN, Timing
from dap.study.sitting import Sitting, trial_entry
from dap.study.study import Study
from dap.tasks import TASKS

SOUND, NOISE = "speech", "ventilation"  # synthetic
LEAST = 1e-3  # seconds, which is what times are rounded to
# options of a fit that say nothing of what an iteration takes
LENGTHS = {"iterations", "snapshots", "snapshot_at", "learning_rate", "lr_step_size", "lr_gamma"}
LENGTHS |= {"warmup", "cooldown", "preset", "ema_decay", "scale_lr_by_width"}
STEPS = 5  # of a training; the first, which allocates, and the last, which validates, do not count


@dataclass(frozen=True)
class Forecast:
    """How long the missing chunks take.

    Attributes:
        chunks: that are missing.
        seconds: from the first to the last, so many beside each other.
        unknown: the methods of chunks that could not be timed.
    """

    chunks: int
    seconds: float
    unknown: list[str]


def forecast(sitting: Sitting, tell: Callable[[str], None]) -> Forecast:
    """Time what no chunk tells yet, and add up what is missing.

    Args:
        sitting: of the study; its hours count for nothing.
        tell: is called with what is done meanwhile, in words.

    Raises:
        DapError: a method fails, or a file that says what chunks took is damaged.
    """
    study = sitting.study
    chunks = [each for each in missing(sitting) if not study.experiments[each.experiment].training]
    estimates = sitting.estimates()
    new = [chunk for chunk in chunks if estimates.seconds(chunk) is None]
    if new:
        estimates = sitting.estimates(timed(study, _first(study, new), sitting.slots, tell))
    seconds = [estimates.seconds(chunk) for chunk in chunks]
    known = [each for each in seconds if each is not None]
    unknown = {chunk.method for chunk, each in zip(chunks, seconds, strict=True) if each is None}
    lengths = [MARGIN * each for each in known] + training_seconds(study, tell)
    return Forecast(len(chunks), beside(lengths, sitting.slots), sorted(unknown))


def missing(sitting: Sitting) -> list[Names]:
    """The chunks that are not there; of a part, those that are not finished as it is now.

    Raises:
        DapError: as `Sitting.missing`.
    """
    if sitting.asked.is_sitting:
        return sitting.missing
    places = sitting.study.places
    return [chunk for chunk in in_order(sitting.study) if not places.is_there(chunk)]


def beside(seconds: Iterable[float], slots: int) -> float:
    """When the last of some jobs ends, each begun as soon as one of the slots is free.

    >>> beside([3, 1, 1, 2], 2)
    4.0
    """
    free = [0.0] * max(slots, 1)
    for each in seconds:
        free[free.index(min(free))] += each
    return max(free)


def timed(
    study: Study, chunks: Sequence[Names], at_once: int, tell: Callable[[str], None]
) -> list[Timing]:
    """What some chunks take, by their iterations: each kind of fit is timed once.

    It is timed at the shortest length that it has, and counts by the samples at others: an
    iteration of a paper's network takes a little less than twice as long for twice as much sound.
    """
    alike: dict[str, list[Names]] = {}
    for chunk in sorted(chunks, key=partial(samples_of, study)):
        alike.setdefault(_kind(study, chunk), []).append(chunk)
    kinds = list(alike.values())
    tell(f"timing {len(kinds)} kinds of fits, {at_once} at a time")
    with tempfile.TemporaryDirectory() as folder:
        ready = []
        for index, (first, *_) in enumerate(kinds):
            manifest = Path(folder, str(index), "manifest.csv")
            _write_observation(study, first, manifest)
            entry = trial_entry(study, first) | {"observations": str(manifest), "brief": True}
            ready.append(Trial(**entry))
        measured = time_each(ready, at_once=at_once, environment=_environment(study))
        # on a terminal alone
        seconds = list(tqdm(measured, total=len(ready), unit="kind", leave=False, disable=None))
    cpu = machine()["cpu"]
    return [
        Timing(chunk, cpu, max(each, LEAST) * work(study, chunk) / work(study, some[0]))
        for each, some in zip(seconds, kinds, strict=True)
        for chunk in some
    ]


def _kind(study: Study, chunk: Names) -> str:
    """What settles how long an iteration takes for a second of sound, or a run of a baseline."""
    experiment = study.experiments[chunk.experiment]
    if chunk.method not in experiment.priors:
        return json.dumps([experiment.task, chunk.method, samples_of(study, chunk)])
    setup = depends.fit_setup(study, chunk.experiment, chunk.method)
    setup["fit"] = {key: value for key, value in setup["fit"].items() if key not in LENGTHS}
    return json.dumps([experiment.task, chunk.method, setup])


def training_seconds(study: Study, tell: Callable[[str], None]) -> list[float]:
    """What each training takes whose model is missing, by a few steps."""
    lengths = []
    for name, experiment in study.experiments.items():
        for method in experiment.learned:
            models = [
                path
                for corpus in experiment.clips
                for path in trained.files(study, name, corpus, method)
                if not Path(path).is_file()
            ]
            if not models:
                continue
            tell(f"timing {STEPS} steps of training {method}")
            setup = trained.training(study, name, next(iter(experiment.clips)))
            keys = ("threads", "device", "sample_rate")
            values = {key: study[key] for key in keys}
            step = _apart(study, partial(_seconds_of_step, method, setup, **values))
            lengths += [MARGIN * step * setup["options"]["steps"]] * len(models)
    return lengths


def _first(study: Study, chunks: Iterable[Names]) -> list[Names]:
    """The first chunk of each experiment, corpus and method, where the weights are there."""
    firsts = dict.fromkeys(chunk._replace(chunk=FIRST) for chunk in chunks)
    return [
        chunk
        for chunk in firsts
        if all(
            Path(receipt).is_file()
            for receipt in depends.weights(study, chunk.experiment, chunk.method)
        )
    ]


def _environment(study: Study) -> dict[str, str]:
    """That of a job, for processes of their own."""
    return job_variables(study["threads"]) | {
        WEIGHTS_VARIABLE: str(Path(WEIGHTS).resolve()),
        "PYTHONWARNINGS": "ignore",  # joblib's, of a process that it begins anew
    }


def _apart(study: Study, function: Callable[[], Any]) -> Any:
    """What a function gives in a process of its own, with the environment of a job."""
    with extra("workflow"):
        # unlike the standard library's, its processes do not run the calling script again
        from joblib.externals.loky import ProcessPoolExecutor

    with ProcessPoolExecutor(1, env=_environment(study)) as pool:
        return pool.submit(function).result()


def _write_observation(study: Study, chunk: Names, manifest: Path) -> None:
    """A synthetic observation of a chunk's length, corrupted as in its experiment."""
    from dap.data.clips import synthesise
    from dap.data.observations import make

    experiment, samples = study.experiments[chunk.experiment], samples_of(study, chunk)
    rng = np.random.default_rng(derive(0, "forecast"))
    sources = [
        synthesise(SOUND, rng, samples, study["sample_rate"])
        for _ in range(TASKS[experiment.task].sources)
    ]
    observation = make(
        "a",
        sources,
        experiment.corruption,
        seed=0,
        names=(),
        sample_rate=study["sample_rate"],
        spectrogram=study["spectrogram"],
        noise=(NOISE, {"synthetic": NOISE}),
    )
    file, known = signal_file("a"), known_file("a")
    digest = write_signal(manifest.parent / file, observation.signal, study["sample_rate"])
    write_arrays(manifest.parent / known, observation.known)
    row = {"clip": "a", "file": file, "sha256": digest, "known": known}
    write_rows(manifest, [row | {"known_sha256": sha256(manifest.parent / known)}])


def _seconds_of_step(
    method: str, setup: dict, *, threads: int, device: str, sample_rate: int
) -> float:
    """What a step of a training takes."""
    import time

    import torch

    from dap.data.clips import synthesise
    from dap.fitting.method import resolve_device
    from dap.stft import STFT
    from dap.training.loop import train
    from dap.training.mixtures import Mixtures

    torch.set_num_threads(threads)
    device = resolve_device(device)
    short = {"steps": STEPS, "validation_every": STEPS, "validation_mixtures": 1}
    options = TrainingOptions(**setup["options"] | short)
    rng = np.random.default_rng(derive(0, "forecast"))
    sound = partial(synthesise, SOUND, rng, options.samples, sample_rate)
    mixtures = Mixtures(
        setup["target"], {name: {"a": [sound()]} for name in setup["heard"]}, options.samples, 0
    )
    ends: list[float] = []
    with plugin("priors", method).running() as module:
        train(
            partial(module.build, width=options.width, network=options.network),
            mixtures,
            mixtures,
            options,
            STFT(**setup["spectrogram"], device=device),
            seed=0,
            device=device,
            report=lambda step, loss: ends.append(time.perf_counter()),
        )
    return (ends[-2] - ends[0]) / (len(ends) - 2)
