"""The scores of a chunk, from the files of clips, observations and fits."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_chunks import RATE, job

from dap.data.observations import pair, write_chunk
from dap.errors import DapError
from dap.runtime.baseline import restore_chunk
from dap.runtime.chunk import fit_chunk
from dap.runtime.score import score_chunk
from dap.scoring.evaluate import COLUMNS, read, write
from dap.store import read_arrays, read_rows, seal, signal_file, write_rows, write_signal
from dap.study.paths import Paths

LOG = logging.getLogger("dap")
CORRUPTIONS = {
    "denoise": {"kind": "gaussian", "std": 0.1},
    "inpaint": {
        "kind": "gaps",
        "seconds": [0.02, 0.03],
        "per_second": 8.0,
        "domain": "samples",
        "where": "anywhere",
    },
    "separate": {"kind": "mixture"},
}
CORPORA = {"denoise": "speech", "inpaint": "speech", "separate": "speech+piano"}
METRICS = {"denoise": ["snr"], "inpaint": ["snr"], "separate": ["sdr", "snr"]}


@pytest.fixture
def paths(tmp_path):
    return Paths(str(tmp_path))


@pytest.fixture
def clips(paths, tone, hiss):
    """Two clips each of two corpora; corpus -> manifest."""
    manifests = {}
    for k, corpus in enumerate(("speech", "piano")):
        path = Path(paths.clips(corpus, "000"))
        rows = []
        for i in range(2):
            sound = (tone[:2048] if k == 0 else hiss[:2048]) * (1 - i / 2)
            file = signal_file(f"{corpus}{i}")
            digest = write_signal(path.parent / file, sound, RATE)
            rows.append({"clip": f"{corpus}{i}", "file": file, "sha256": digest})
        write_rows(path, rows)
        manifests[corpus] = path
    return manifests


@pytest.fixture
def made(paths, clips):
    """Corrupt and restore the clips; the arguments of score_chunk."""

    def make(task, method, **changes):
        corpus = CORPORA[task]
        sources = {part: clips[part] for part in corpus.split("+")}
        observations = Path(paths.observations("e", corpus, "000"))
        write_chunk(
            observations,
            pair(sources, 2),
            CORRUPTIONS[task],
            seed=1,
            names=("e", corpus),
            sample_rate=RATE,
            spectrogram={"n_fft": 254, "hop_length": 32, "window": "hann"},
            noise=None,
            log=LOG,
        )
        fits = Path(paths.fits("e", corpus, method, "000"))
        snapshots = None
        if method == "observed":
            options = {"sample_rate": RATE, "threads": 1, "missing": "report"}
            restore_chunk(observations, fits, LOG, method=method, task=task, **options)
        else:
            asked = job(fits.parent, observations, task=task, corpus=corpus, **changes)
            fit_chunk(asked, "cpu", LOG)
            snapshots = asked.snapshots
        return {
            "clips": list(sources.values()),
            "observations": observations,
            "fits": fits,
            "snapshots": snapshots,
            "task": task,
            "metrics": METRICS[task],
            "selections": ["last", "average", "oracle"],
            "trajectory": {},
            "sample_rate": RATE,
            "processes": 1,
        }

    return make


def snr(clean, estimate):
    clean, estimate = np.float64(clean), np.float64(estimate)
    return 10 * np.log10(np.sum(clean**2) / np.sum((clean - estimate) ** 2))


def test_a_baseline_has_its_last_estimate_alone(made, tone, tmp_path):
    scores = score_chunk(**made("denoise", "observed"))
    assert list(scores.columns) == COLUMNS
    assert len(scores) == 2
    one = scores.iloc[0]
    assert (one["experiment"], one["corpus"], one["method"]) == ("e", "speech", "observed")
    assert (one["clip"], one["seed"], one["selection"], one["iteration"]) == (
        "speech0", "0", "last", 0,
    )  # fmt: skip
    assert one["value"] == pytest.approx(10 * np.log10(np.mean(tone**2) / 0.1**2), abs=0.3)
    write(scores, tmp_path / "scores.csv")
    back = read([tmp_path / "scores.csv"])
    pd.testing.assert_frame_equal(
        back[["clip", "metric", "missing"]], scores[["clip", "metric", "missing"]]
    )
    np.testing.assert_allclose(back["value"], scores["value"].astype(float), rtol=1e-8)


def test_a_prior_has_its_trajectory(made, tone):
    asked = made("denoise", "conv", seeds=2)
    scores = score_chunk(**asked | {"trajectory": {"clean": ["si_sdr"], "observed": ["snr"]}})
    counts = scores.groupby(["clip", "seed", "selection", "metric"]).size()
    assert counts.loc["speech0", "1"].to_dict() == {
        ("average", "snr"): 1,
        ("last", "snr"): 1,
        ("oracle", "snr"): 1,
        ("snapshot", "si_sdr"): 3,
        ("snapshot", "snr"): 3,
        ("snapshot-to-observed", "snr"): 3,
    }
    snapshots = read_arrays(asked["snapshots"])["speech0.s1.snapshots"]
    rows = scores[(scores["clip"] == "speech0") & (scores["seed"] == "1")]
    rows = rows[(rows["selection"] == "snapshot") & (rows["metric"] == "snr")]
    expected = [snr(tone[:2048], snapshot[0]) for snapshot in snapshots]
    np.testing.assert_allclose(rows["value"].astype(float), expected, atol=1e-4)


def test_of_inpainting_the_gaps_are_scored(made):
    scores = score_chunk(**made("inpaint", "observed"))
    assert list(scores["scope"]) == ["raw", "filled", "gaps"] * 2
    # nothing was filled in
    assert scores[scores["scope"] == "gaps"]["value"].tolist() == [pytest.approx(0, abs=1e-6)] * 2


def test_of_separation_each_source_is_scored(made):
    scores = score_chunk(**made("separate", "observed"))
    assert set(scores["source"]) == {"speech", "piano"}
    assert set(scores["corpus"]) == {"speech+piano"}
    assert set(scores["clip"]) == {"speech0+piano0", "speech1+piano1"}
    assert len(scores) == 2 * 2 * 2


def test_a_missing_fit_is_nan_in_every_selection(made):
    asked = made("denoise", "conv")
    lost = {"clip": "speech1", "missing": "it diverged", "selection": "", "output": "", "file": ""}
    first = read_rows(asked["fits"])[0]
    write_rows(asked["fits"], [first, first | lost])
    seal(asked["fits"], asked["snapshots"])
    scores = score_chunk(**asked).set_index("clip")
    assert scores.loc["speech1", "selection"].to_list() == ["last", "average", "oracle"]
    assert scores.loc["speech1", "value"].isna().all()
    assert set(scores.loc["speech1", "missing"]) == {"it diverged"}
    assert set(scores.loc["speech0", "missing"]) == {""}
    assert scores.loc["speech0", "value"].notna().all()


@pytest.mark.parametrize("which", ["clip", "observation", "estimate", "snapshots", "manifest"])
def test_a_torn_file_is_named(made, which, paths):
    asked = made("denoise", "conv")
    path = {
        "clip": asked["clips"][0].parent / "speech1.wav",
        "observation": asked["observations"].parent / "speech0.wav",
        "estimate": asked["fits"].parent / "speech1.s0.estimate.last.wav",
        "snapshots": asked["snapshots"],
        "manifest": asked["fits"],
    }[which]
    path.write_bytes(path.read_bytes()[:-7])
    trajectory = {"observed": ["snr"]}
    with pytest.raises(DapError, match=rf"{path.name}: is .*delete .* Snakemake again"):
        score_chunk(**asked | {"trajectory": trajectory})
