"""Folders of results as sittings leave them, of signals and scores that are made up."""

from pathlib import Path

import numpy as np

from dap.runtime.record import write_record
from dap.store import write_arrays, write_rows, write_signal
from dap.study.parts import in_order
from dap.study.paths import Names, Paths
from dap.study.records import made_of

RATE = 16000
COST = {"iteration": 3, "loss": 0.5, "iterations": 3, "device": "cpu", "precision": "float32"}
COST |= {"parameters": 7, "gflop": 1.5, "threads": 1, "engine": "compiled", "restarts": 0}
COST |= {"failed_iterations": 0, "loss_terms": "", "warnings": "", "commit": "c", "versions": "{}"}


class Digests:
    """What stands for `dap.study.code_hash.Code`: a digest for each start, some of them others."""

    def __init__(self, **others):
        self.others = others

    def digests(self, *starts):
        return {name: self.others.get(name.rpartition(".")[2], "d") for name in starts}


def signal(*names):
    """A signal that is the same for the same names."""
    seed = sum(ord(letter) * (index + 1) for index, letter in enumerate("/".join(names)))
    return np.random.default_rng(seed).standard_normal(64).astype(np.float32)


class Results:
    """A folder of results of a study.

    Args:
        folder: a working folder; the results are in results/STUDY.
        code: what stands for the digests of code (`dap.study.code_hash.Code`).
        cpu: that all is said to be made on.
        shift: of all scores of methods other than `observed`.
        noisier: another observation of each clip.
    """

    def __init__(self, folder, study, code, *, cpu="x", shift=0.0, noisier=False, seconds=4.0):
        self.root = Path(folder) / "results" / study.name
        self.paths, self.study, self.code = Paths(str(self.root)), study, code
        self.cpu, self.shift, self.noisier, self.seconds = cpu, shift, noisier, seconds

    def make(self, chunks=None):
        """Make some chunks, by default all, and their records."""
        for chunk in in_order(self.study) if chunks is None else chunks:
            self.make_one(chunk)
        return self

    def make_one(self, chunk: Names, *, record=True):
        """Make a chunk."""
        study, paths = self.study, self.paths
        experiment = study.experiments[chunk.experiment]
        parts = experiment.parts(chunk.corpus)
        for part in parts:
            self._clips(part, chunk.chunk)
        observations = study.observations(*chunk[:2], chunk.chunk)
        self._observations(chunk, observations)
        fits, scores = [], []
        for clip in observations:
            for output in ("estimate",) if len(parts) == 1 else ("source1", "source2"):
                file = f"{clip}.s0.{output}.last.wav"
                path = Path(paths.fits(*chunk)).parent / file
                digest = write_signal(path, signal(*chunk, clip, output), RATE)
                fits.append({"clip": clip, "seed": 0, "selection": "last", "output": output})
                fits[-1] |= {"file": file, "sha256": digest, **COST, "cpu": self.cpu}
                fits[-1] |= {"seconds": self.seconds, "missing": ""}
            scores += self._scores(chunk, clip)
        fitted = chunk.method in experiment.priors
        if fitted:
            rows = [{"clip": clip, "seed": 0, "iteration": 1, "loss": 0.5} for clip in observations]
            write_rows(Path(paths.losses(*chunk)), rows)
        write_rows(Path(paths.fits(*chunk)), fits)
        write_rows(Path(paths.scores(*chunk)), scores)
        if record:
            write_record(
                Path(paths.records(*chunk)),
                made_of(study, self.code, chunk),
                clips=[Path(paths.clips(part, chunk.chunk)) for part in parts],
                observations=Path(paths.observations(*chunk[:2], chunk.chunk)),
                fits=Path(paths.fits(*chunk)),
                scores=Path(paths.scores(*chunk)),
                others=[Path(paths.losses(*chunk))] if fitted else [],
            )

    def _clips(self, corpus, chunk):
        manifest, rows = Path(self.paths.clips(corpus, chunk)), []
        for draw in self.study.clips(corpus, chunk):
            digest = write_signal(
                manifest.parent / f"{draw.clip}.wav", signal(corpus, draw.clip), RATE
            )
            rows.append(
                {"clip": draw.clip, "file": f"{draw.clip}.wav", "source": "", "padded": 0.0}
            )
            rows[-1]["sha256"] = digest
        write_rows(manifest, rows)

    def _observations(self, chunk, observations):
        manifest, rows = Path(self.paths.observations(*chunk[:2], chunk.chunk)), []
        for clip, sources in observations.items():
            made = signal(*chunk[:2], clip) + self.noisier
            digest = write_signal(manifest.parent / f"{clip}.wav", made, RATE)
            write_arrays(manifest.parent / f"{clip}.npz", {"known": made})
            rows.append({"clip": clip, "file": f"{clip}.wav", "sha256": digest})
            rows[-1] |= {"known": f"{clip}.npz", "known_sha256": "k", "sources": " ".join(sources)}
        write_rows(manifest, rows)

    def _scores(self, chunk, clip):
        experiment = self.study.experiments[chunk.experiment]
        rows = []
        for metric in experiment.metrics:
            value = round(float(signal(*chunk, clip, metric)[0]), 6)
            value += self.shift * (chunk.method != "observed")
            row = {"experiment": chunk.experiment, "corpus": chunk.corpus, "method": chunk.method}
            row |= {"clip": clip, "seed": 0, "source": "", "scope": "full", "selection": "last"}
            rows.append(row | {"iteration": 3, "metric": metric, "value": value, "unit": "dB"})
            rows[-1]["missing"] = ""
        return rows
