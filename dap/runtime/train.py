"""Training a model on the clips of some corpora, and the files that it leaves."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dap.fitting.method import fingerprint, resolve_device
from dap.options import TrainingOptions
from dap.plugins import plugin
from dap.runtime.checkpoints import Checkpoint, Termination
from dap.runtime.progress import Progress
from dap.runtime.provenance import made, versions
from dap.seeds import derive
from dap.store import (
    discard_partial,
    read_entries,
    remove,
    seal,
    write_bytes,
    write_rows,
)
from dap.study.paths import names

if TYPE_CHECKING:
    from dap.training.model import Configuration

CHECKPOINT = ".checkpoint"


@dataclass(frozen=True)
class Job:
    """What a job of the workflow is asked for.

    Attributes:
        clips: the manifests of all chunks of the corpora heard, those that are tested among them.
        model, learning: to be written, in one folder.
        setup: `options` (of `dap.options.TrainingOptions`), `spectrogram`, `heard` (corpora),
            `target` (one of them), `tested` (how many clips of each are) and `clips_per_job`.
        seed: the study's.
        index: of the initialisation.
        code: digests of the code that it depends on.
        run: the study's `run`.
    """

    clips: Sequence[Path]
    model: Path
    learning: Path
    experiment: str
    corpus: str
    method: str
    index: int
    setup: dict
    seed: int
    threads: int
    sample_rate: int
    code: list[str]
    run: dict


def recordings(job: Job, log: logging.Logger) -> dict[str, dict[str, list[np.ndarray]]]:
    """What may be trained on, by corpus and recording (`dap.training.recordings.usable`).

    Raises:
        DapError: a corpus has nothing left, or a clip is torn.
    """
    from dap.training.recordings import Clip, usable

    clips: dict[str, list[Clip]] = {name: [] for name in job.setup["heard"]}
    for manifest in job.clips:
        of = names("clips", manifest)
        first = int(of.chunk) * job.setup["clips_per_job"]
        for index, entry in enumerate(read_entries(manifest), first):
            signal, padded = entry.signal(), float(entry.row["padded"])
            sounding = signal[: len(signal) - round(padded * job.sample_rate)]
            clips[of.corpus].append(Clip(index, entry.row["clip"], entry.row["source"], sounding))
    found = {}
    for corpus, some in clips.items():
        found[corpus], left_out = usable(
            corpus,
            some,
            tested=job.setup["tested"][corpus],
            count=job.setup["options"]["clips"],
            samples=job.setup["options"]["samples"],
        )
        if left_out:
            log.warning(
                "corpus %s: %d clips are not trained on: their recordings are tested, or are "
                "shorter than a mixture",
                corpus,
                left_out,
            )
    return found


def train_model(job: Job, device: str, log: logging.Logger) -> None:
    """Do a job: train, from the last checkpoint if there is one, and write model and curves.

    Args:
        device: the study's, "auto", "cpu" or "cuda".

    Raises:
        InterruptedFitError: SIGTERM came; the next job goes on from there.
        DapError: an input is torn, the training diverged, or a product cannot be written.
    """
    import torch

    from dap.fitting import engine
    from dap.fitting.gpu.devices import claim
    from dap.stft import STFT
    from dap.training.loop import train
    from dap.training.mixtures import Mixtures, split
    from dap.training.model import content

    torch.set_num_threads(job.threads)
    if device != "cpu":
        claim(log.info)
    device = resolve_device(device)
    folder = job.model.parent
    discard_partial(folder)
    options = TrainingOptions(**job.setup["options"])
    signals = recordings(job, log)
    of = (job.experiment, job.corpus)
    seed = derive(job.seed, "train", *of, job.method, job.index)
    # the same mixtures for all methods, whose differences are paired
    mixing = {
        purpose: derive(job.seed, purpose, *of, job.index) for purpose in ("training", "validation")
    }
    heard, held = split(signals, options.validation_share, derive(job.seed, "split", *of))
    target = job.setup["target"]
    training = Mixtures(target, heard, options.samples, mixing["training"])
    validation = Mixtures(target, held, options.samples, mixing["validation"])
    termination = Termination()
    checkpoint = Checkpoint(
        folder / CHECKPOINT,
        fingerprint(
            setup=job.setup,
            code=job.code,
            clips=[[entry.row["sha256"] for entry in read_entries(path)] for path in job.clips],
            seeds=[seed, mixing],
            threads=job.threads,
            device=[device, engine.choose(options.precision, device)],
            versions=versions(),
        ),
        job.run["checkpoint_seconds"],
        log.info,
        termination,
    )
    label = f"{job.method} {job.corpus} ({job.index})"
    with termination, plugin("priors", job.method).running() as module:
        trained = train(
            partial(module.build, width=options.width, network=options.network),
            training,
            validation,
            options,
            STFT(**job.setup["spectrogram"], device=device),
            seed=seed,
            device=device,
            report=Progress(label, options.steps, log),
            checkpoint=checkpoint,
        )
    log.info(
        "best at step %d of %d: validation loss %.5g; %d silent excerpts were drawn again",
        trained.best.step,
        options.steps,
        trained.best.validation,
        trained.redrawn,
    )
    configuration = configured(job.setup, job.method, job.sample_rate)
    made_by = made(job.threads) | {
        "experiment": job.experiment,
        "pair": job.corpus,
        "seed": seed,
        "study_seed": job.seed,
        "initialisation": job.index,
        "options": asdict(options),
        "recordings": {
            part: {name: list(signals) for name, signals in some.items()}
            for part, some in (("trained", heard), ("validated", held))
        },
        "step": trained.best.step,
        "validation_loss": trained.best.validation,
        "redrawn": trained.redrawn,
        "parameters": trained.parameters,
        "seconds": trained.curve[-1].seconds,
        "device": device,
        "engine": trained.engine,
        "precision": trained.precision,
    }
    write_rows(job.learning, [asdict(point) for point in trained.curve])
    write_bytes(job.model, content(configuration, trained.state, made_by))
    seal(job.model)
    remove(checkpoint.files())


def configured(setup: dict, method: str, sample_rate: int) -> "Configuration":
    """The configuration of a study's model."""
    from dap.training.model import Configuration

    return Configuration(
        method=method,
        width=setup["options"]["width"],
        network=setup["options"]["network"],
        spectrogram=setup["spectrogram"],
        sample_rate=sample_rate,
        samples=setup["options"]["samples"],
        target=setup["target"],
        heard=tuple(name for name in setup["heard"] if name != setup["target"]),
    )
