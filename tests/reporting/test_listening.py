"""The iterates of a chunk's first clip, from the files that a fit leaves."""

from hashlib import sha256

import numpy as np
import pytest

from dap.errors import DapError
from dap.reporting.listening import iterates, load
from dap.store import read_rows, write_arrays, write_rows, write_signal

RATE = 16000


@pytest.fixture
def chunk(tmp_path, tone, hiss):
    """Manifests of clips and observations, and a trajectory of five snapshots of two outputs."""
    clips = tmp_path / "clips" / "speech" / "000" / "manifest.csv"
    observations = tmp_path / "observations" / "000" / "manifest.csv"
    noisy = tone + hiss[:4096]
    clip = {"clip": "a", "file": "a.wav"}
    digest = write_signal(clips.parent / "a.wav", tone, RATE)
    write_rows(clips, [clip | {"sha256": digest}])
    digest = write_signal(observations.parent / "a.wav", noisy, RATE)
    row = clip | {"sha256": digest, "known": "", "known_sha256": "", "sources": "speech/a"}
    write_rows(observations, [row])
    snapshots = tmp_path / "conv" / "snapshots.npz"
    trajectory = np.arange(10, dtype=np.float32).reshape(5, 2, 1) + np.zeros(4096, np.float32)
    arrays = {"a.s0.iterations": np.array([1, 5, 20, 50, 100]), "a.s0.snapshots": trajectory}
    write_arrays(snapshots, arrays | {"a.s1.iterations": np.array([1]), "b.s0.snapshots": noisy})
    return clips, observations, snapshots


def test_iterates_of_the_first_clip_and_initialisation(chunk, tone, hiss):
    clips, observations, snapshots = chunk
    example = iterates([clips], observations, {"conv": snapshots}, [5, 100])
    assert example.clip == "a"
    np.testing.assert_array_equal(example.columns["clean"], tone[np.newaxis])
    np.testing.assert_array_equal(example.columns["observed"], (tone + hiss[:4096])[np.newaxis])
    # of two outputs, the first is read
    assert example.columns["conv"].shape == (2, 4096)
    assert example.columns["conv"][:, 0].tolist() == [2, 8]


def test_a_missing_fit_has_no_column_and_a_missing_step_is_named(chunk, tmp_path):
    clips, observations, snapshots = chunk
    write_arrays(tmp_path / "dilated.npz", {})
    methods = {"conv": snapshots, "dilated": tmp_path / "dilated.npz"}
    assert list(iterates([clips], observations, methods, [5]).columns) == [
        "clean", "observed", "conv",
    ]  # fmt: skip
    with pytest.raises(DapError, match=r"snapshots\.npz: has no snapshot of step 7; it has \[1, 5"):
        iterates([clips], observations, methods, [7])


def test_of_inpainting_the_gaps_alone_are_filled(chunk, tmp_path, tone):
    clips, observations, _ = chunk
    mask = np.zeros(4096, bool)
    mask[800:960] = True
    path = observations.parent / "a.npz"
    write_arrays(path, {"mask": mask})
    (row,) = read_rows(observations)
    known = {"known": "a.npz", "known_sha256": sha256(path.read_bytes()).hexdigest()}
    write_rows(observations, [row | known])
    fits = tmp_path / "conv" / "manifest.csv"
    rows = []
    for seed, gain in (("0", 0.5), ("1", 0.25)):
        for output, signal in (("raw", gain * tone), ("filled", np.where(mask, gain * tone, tone))):
            file = f"{seed}.{output}.wav"
            digest = write_signal(fits.parent / file, signal.astype(np.float32), RATE)
            fact = {"clip": "a", "seed": seed, "selection": "last", "output": output}
            rows.append(fact | {"file": file, "sha256": digest})
    write_rows(fits, rows)
    (example,) = load([clips], observations, {"conv": fits}, task="inpaint", sample_rate=RATE)
    assert example.gaps == [(0.05, 0.06)]
    filled = example.columns["conv"][0]
    np.testing.assert_array_equal(filled[~mask], tone[~mask])
    np.testing.assert_allclose(filled[mask], tone[mask] / 2)
