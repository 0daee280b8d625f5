"""The form of what a chunk's jobs write: a change of it has to raise `FORMAT`.

What stores products is no part of the digests by which they are made again. So one chunk is written
here as the workflow writes it, of signals that are made up, and described in words. The description
beside this file is that of the products that `FORMAT` stands for.
"""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from dap.audio import Excerpt
from dap.data import clips, observations
from dap.data.catalogue import Draw
from dap.errors import DapError
from dap.fitting.restored import Restored
from dap.observation import Observation
from dap.runtime import chunk, provenance, score
from dap.study.code_hash import FORMAT, PACKAGE

RECORDED = Path(__file__).with_name("format.txt")
RATE = 16000
DRAWS = [Draw(name, f"{name}.flac", 0) for name in ("low", "failing")]
BESIDE = ("losses.csv", "snapshots.npz")


class Items(list):
    """Values by number, name or attribute, as Snakemake gives them to a script."""

    def __init__(self, **named):
        super().__init__(named.values())
        self.__dict__.update(named)

    def items(self):
        return self.__dict__.items()

    def __getitem__(self, key):
        return getattr(self, key) if isinstance(key, str) else super().__getitem__(key)


class Job:
    """What Snakemake gives the script of a rule."""

    def __init__(self, folder, rule, inputs, outputs, **params):
        self.rule = rule
        self.input = Items(
            **{
                name: [str(folder / path) for path in paths]
                if isinstance(paths, list)
                else str(folder / paths)
                for name, paths in inputs.items()
            }
        )
        self.output = Items(**{name: str(folder / path) for name, path in outputs.items()})
        self.params = Items(**params, seed=2021, sample_rate=RATE)
        self.wildcards = Items(
            corpus="tones", experiment="inpaint", cell="tones", method="conv", chunk="000"
        )
        self.log, self.threads = [str(folder / "log.txt")], 1
        run = {"checkpoint_seconds": 600, "fits_at_once": 1, "missing": "report", "retries": 1}
        run["unreadable"] = "skip"
        self.config, self.resources = {"run": run}, Items(attempt=1)


def signal(number):
    """Numbers that float32 holds, and so do all platforms: (8,)."""
    return np.r_[number % 1024, (np.arange(7) * (number + 3)) % 11 - 5].astype(np.float32) / 1024


def excerpt(corpus, entry, draw, *, seed, sample_rate):
    """In place of `dap.data.clips.make`."""
    return Excerpt(signal(len(draw.clip)), 32, 4, 0.5)


def corrupted(clip, sources, corruption, **setup):
    """In place of `dap.data.observations.make`."""
    mask = np.arange(8) % 5 == 2
    known = {"mask": mask, "kept": np.where(mask, 0, 1).astype(np.float32)}
    return Observation(np.where(mask, 0, sources[0]), known, {"gaps": 2, "lost_fraction": 0.25})


def fitting(name, task, observation, *, fit, spectrogram, device, seed, report, checkpoint):
    """In place of `dap.fitting.method.fitting`; fails for one of the clips."""
    yield
    if observation.signal[0] * 1024 == len("failing"):
        raise DapError("this clip cannot be fitted")
    last = np.stack((signal(seed), observation.signal - observation.known["mask"]))
    cost = {"parameters": 7, "gflop": 0.5, "iterations": fit.iterations, "stopped": 2}
    cost |= {"seconds": 1.5}
    cost |= {"device": device, "precision": "float32", "engine": "pytorch", "restarts": 1}
    cost |= {"failed_iterations": 2, "loss_terms": '{"smoothness": 0.5}', "warnings": "one"}
    return Restored(
        {"last": last, "average": last / 4, "stop": last / 3},
        np.array([1, 3]),
        np.stack((last / 2, last)),
        np.array([0.5, 0.25, 0.125], np.float32),
        cost,
    )


def scored(cases, **setup):
    """In place of `dap.scoring.pool.score_all`: what a case holds, in sums."""
    return [
        [
            {
                "source": "",
                "scope": scope,
                "selection": name,
                "iteration": case.last_iteration,
                "metric": metric,
                "value": float((case.references[0] * signals[k] * ~case.mask).sum())
                + case.snapshots.sum()
                + case.observed.sum() / 3,
                "unit": "dB",
                "missing": "",
            }
            for name, signals in case.selections.items()
            for k, scope in enumerate(("raw", "filled"))
            for metric in setup["metrics"]
        ]
        for case in cases
    ]


@pytest.fixture
def products(tmp_path, monkeypatch):
    """One chunk of clips, observations, fits and scores."""
    monkeypatch.setattr(clips, "draws", lambda corpus, entry, seed, count: DRAWS)
    monkeypatch.setattr(clips, "make", excerpt)
    monkeypatch.setattr(observations, "make", corrupted)
    monkeypatch.setattr(chunk, "fitting", fitting)
    monkeypatch.setattr(score, "score_all", scored)
    monkeypatch.setattr(provenance, "versions", lambda: {"torch": "1"})
    monkeypatch.setattr(provenance, "machine", lambda: {"cpu": "a processor"})
    monkeypatch.setattr(provenance, "commit", lambda root: "a commit")
    manifests = {
        "clips": "clips/tones/000/manifest.csv",
        "observations": "observations/inpaint/tones/000/manifest.csv",
        "fits": "fits/inpaint/tones/conv/000/manifest.csv",
    }
    beside = {name: manifests["fits"].replace("manifest.csv", name) for name in BESIDE}
    clean = {"clips": [manifests["clips"]]}
    seen = {"observations": manifests["observations"]}
    fitted = {"fits": manifests["fits"], "snapshots": [beside["snapshots.npz"]]}
    jobs = [
        Job(
            tmp_path,
            "clips",
            {},
            {"manifest": manifests["clips"]},
            draws=None,
            span=(0, 2),
            entry={"synthetic": "tones"},
        ),
        Job(
            tmp_path,
            "observations",
            clean,
            {"manifest": manifests["observations"]},
            observations=2,
            corruption={},
            spectrogram={},
            noise=None,
        ),
        Job(
            tmp_path,
            "fit",
            seen,
            {"manifest": manifests["fits"]}
            | {name.partition(".")[0]: path for name, path in beside.items()},
            setup={"fit": {"iterations": 3, "precision": "float32"}, "spectrogram": {}},
            task="inpaint",
            seeds=2,
            device="cpu",
            threads=1,
        ),
        Job(
            tmp_path,
            "score",
            clean | seen | fitted,
            {"scores": "scores/inpaint/tones/conv/000.csv"},
            metrics=["snr", "psnr"],
            selections=["last", "oracle"],
            trajectory={"observed": ["snr"]},
            task="inpaint",
        ),
    ]
    for job in jobs:
        script = PACKAGE.parent / "workflow" / "scripts" / f"{job.rule}.py"
        runpy.run_path(str(script), {"snakemake": job})
    (tmp_path / "log.txt").unlink(missing_ok=True)
    return tmp_path


def described(path):
    """A file in words, the same on all machines."""
    if path.suffix == ".npz":  # how well it is packed depends on the version of zlib
        with np.load(path) as arrays:
            return [
                f"{name}: {arrays[name].dtype} {arrays[name].shape} {arrays[name].tolist()}"
                for name in arrays.files
            ]
    if path.suffix == ".wav":
        content = path.read_bytes()
        start = content.index(b"data") + 8
        samples = np.frombuffer(content[start:], "<f4")
        return [f"header: {content[:start].hex()}", f"samples: {samples.tolist()}"]
    text = path.read_bytes().decode().replace("\r", "\\r")
    return re.sub(r"\b[0-9a-f]{64}\b", "SHA256", text).split("\n")


def test_the_form_of_the_products_is_that_of_the_format(products, tmp_path):
    files = sorted(path for path in products.rglob("*") if path.is_file())
    lines = [f"format {FORMAT}"]
    for path in files:
        lines += ["", f"== {path.relative_to(products).as_posix()}", *described(path)]
    now = "\n".join(lines) + "\n"
    recorded = RECORDED.read_text() if RECORDED.is_file() else ""
    if now == recorded:
        return
    (tmp_path / "format.txt").write_text(now)
    what = f"cp {tmp_path / 'format.txt'} {RECORDED}"
    if recorded.startswith(f"{lines[0]}\n"):
        pytest.fail(
            "the products have another form than those that were made before: raise FORMAT in "
            "dap/study/code_hash.py, so that they are made again, and run this test again"
        )
    pytest.fail(f"FORMAT was raised: record the form of the products that it stands for, by {what}")
