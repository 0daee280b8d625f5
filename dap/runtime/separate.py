"""Taking the target out of the mixtures of one chunk, by the models of a study."""

import logging
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from dap.fitting.method import resolve_device
from dap.fitting.restored import NO_COST, Restored
from dap.runtime.manifest import estimate_rows
from dap.runtime.provenance import made
from dap.runtime.train import configured
from dap.store import discard_partial, read_entries, verified, write_rows
from dap.tasks import TASKS


def separate_chunk(
    observations: Path,
    models: Sequence[Path],
    manifest: Path,
    log: logging.Logger,
    *,
    method: str,
    task: str,
    setup: dict,
    sample_rate: int,
    threads: int,
    device: str,
) -> None:
    """Separate every observation by each model, and write the estimates and their manifest.

    They have the form of a baseline's: the selection "last", and no trajectory.

    Args:
        observations: the manifest of the chunk's mixtures.
        models: of the initialisations, in their order.
        manifest: to be written.
        setup: as for `dap.runtime.train.Job`.
        device: the study's, "auto", "cpu" or "cuda".

    Raises:
        DapError: a file is torn, cannot be written, or is a model of another configuration.
    """
    import torch

    from dap.fitting import engine
    from dap.fitting.gpu.devices import claim
    from dap.training.model import Separator, load, require

    torch.set_num_threads(threads)
    if device != "cpu":
        claim(log.info)
    device = resolve_device(device)
    precision = engine.choose(setup["options"]["precision"], device)
    discard_partial(manifest.parent)
    made_by = made(threads)
    rows: list[dict] = []
    wanted = configured(setup, method, sample_rate)
    for index, path in enumerate(models):
        model = load(verified(path))
        require(path, model, wanted)
        separate = Separator(model, device, precision)
        for entry in read_entries(observations):
            clip, begun = entry.row["clip"], perf_counter()
            estimates = separate(entry.signal())
            seconds = round(perf_counter() - begun, 3)
            log.info("%s %s (%d): %.3f s", method, clip, index, seconds)
            restored = Restored(
                {"last": estimates},
                iterations=np.empty(0, int),
                snapshots=np.empty((0, *estimates.shape), np.float32),
                losses=np.empty(0, np.float32),
                cost=NO_COST
                | {
                    "parameters": model.made["parameters"],
                    "seconds": seconds,
                    "device": device,
                    "precision": precision,
                },
            )
            rows += estimate_rows(
                manifest.parent,
                clip,
                index,
                restored,
                outputs=TASKS[task].outputs,
                sample_rate=sample_rate,
                made=made_by,
            )
    write_rows(manifest, rows)
