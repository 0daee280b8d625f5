"""A chunk of observations, the job of fitting a prior to it, and what it leaves."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from small_studies import config

from dap.runtime.chunk import Job
from dap.store import MANIFEST, read_rows, signal_file, write_rows, write_signal
from dap.study.params import fit_setup
from dap.study.study import Study

RATE = 16000
CLIPS = ("one", "two", "three", "four")
SEALS = {".manifest.csv.sha256", ".losses.csv.sha256"}
FIT = {"iterations": 3, "snapshots": 3, "width": 0.05, "learning_rate": 0.005, "lr_step_size": 0}
RUN = {"retries": 2, "missing": "report", "checkpoint_seconds": 300.0, "fits_at_once": 8}


class Killed(BaseException):
    """In place of SIGKILL: nobody can note anything."""


def observe(folder: Path, signals: dict[str, np.ndarray]) -> Path:
    """Write a chunk of observations, clip -> (samples,); its manifest."""
    rows = []
    for clip, signal in signals.items():
        file = signal_file(clip)
        digest = write_signal(folder / file, signal.astype(np.float32), RATE)
        known = {"known": "", "known_sha256": ""}
        rows.append({"clip": clip, "file": file, "sha256": digest, **known, "sources": clip})
    write_rows(folder / MANIFEST, rows)
    return folder / MANIFEST


def job(folder: Path, observations: Path, fit: dict | None = None, **changes) -> Job:
    """The job of fitting `conv` to a chunk, whose products come into a folder."""
    study = Study(config(fit=FIT | (fit or {})))
    asked = Job(
        observations=observations,
        manifest=folder / MANIFEST,
        losses=folder / "losses.csv",
        snapshots=folder / "snapshots.npz",
        experiment="denoise",
        corpus="synthetic-speech",
        method="conv",
        task="denoise",
        setup=fit_setup(study, "denoise", "conv"),
        seed=2021,
        seeds=1,
        threads=1,
        sample_rate=RATE,
        code=["dap.nn.norm " + "a" * 12],
        run=RUN,
        attempt=1,
    )
    return replace(asked, **changes)


def hidden(folder):
    return {path.name for path in folder.glob(".*")}


def estimates(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.wav")}


def suspects(folder):
    """The fits that were under way when a job ended without a word."""
    return set(json.loads((folder / ".attempts.json").read_text()))


def missing(folder):
    return {row["clip"]: row["missing"] for row in read_rows(folder / "manifest.csv")}


def raising(error):
    """What stands in the place of a fit, and ends in an error after its first iteration."""

    def fit(*arguments, **options):
        yield
        raise error

    return fit
