"""A prior's fits of a chunk: which are run, in which order, and what comes of those that fail."""

import logging

import pytest
from small_chunks import (
    CLIPS,
    RUN,
    SEALS,
    Killed,
    estimates,
    hidden,
    job,
    missing,
    observe,
    raising,
    suspects,
)

from dap.errors import DapError
from dap.runtime import chunk
from dap.seeds import derive
from dap.store import read_arrays, read_rows

# ------------------------------------------------------------------ products


def test_products(run, tmp_path):
    log = run(seeds=2)
    folder = tmp_path / "fits"
    rows = read_rows(folder / "manifest.csv")
    assert [(row["clip"], row["seed"], row["selection"]) for row in rows[:7]] == [
        ("one", "0", "last"),
        ("one", "0", "average"),
        ("one", "0", "stop"),
        ("one", "1", "last"),
        ("one", "1", "average"),
        ("one", "1", "stop"),
        ("two", "0", "last"),
    ]
    first = rows[0]
    assert first["file"] == "one.s0.estimate.last.wav"
    assert (first["iteration"], first["iterations"], first["threads"]) == ("3", "3", "1")
    assert (first["device"], first["missing"], first["output"]) == ("cpu", "", "estimate")
    assert set(estimates(folder)) == {row["file"] for row in rows}
    assert len(rows) == 4 * 2 * 3
    losses = read_rows(folder / "losses.csv")
    assert [row["iteration"] for row in losses[:4]] == ["1", "2", "3", "1"]
    assert float(losses[2]["loss"]) == pytest.approx(float(first["loss"]), rel=1e-6)
    arrays = read_arrays(folder / "snapshots.npz")
    assert arrays["four.s1.snapshots"].shape == (3, 1, 2048)
    assert arrays["four.s1.iterations"].tolist() == [1, 2, 3]
    assert hidden(folder) == SEALS
    assert "conv four.s1 (8 of 8): 100%" in log


def test_a_fit_depends_on_its_names_alone(run, signals, tmp_path):
    """Chunks of one and of four give the same bits, from the seeds that the names give."""
    run()
    alone = observe(tmp_path / "alone", {"three": signals["three"]})
    run("single", observations=alone)
    single = estimates(tmp_path / "single")
    assert len(single) == 3
    assert single.items() <= estimates(tmp_path / "fits").items()
    run("other", observations=alone, corpus="other")
    assert estimates(tmp_path / "other").keys() == single.keys()
    assert not estimates(tmp_path / "other").items() & single.items()


def test_seeds_are_named_by_purpose_experiment_corpus_clip_method_and_index(tmp_path, observations):
    asked = job(tmp_path / "fits", observations, seeds=2)
    fits = chunk.Chunk(asked, "cpu", "float32", logging.getLogger("dap")).fits
    assert [fit.seed for fit in fits[:2]] == [
        derive(2021, "fit", "denoise", "synthetic-speech", "one", "conv", index)
        for index in range(2)
    ]
    assert len({fit.mark for fit in fits}) == 8


def test_a_fit_that_learned_nothing_is_said(run):
    log = run(fit={"learning_rate": 1e-12})
    assert log.count("learned nothing: its loss did not fall") == 4
    assert "one.s0: learned nothing" in log


def test_a_torn_observation_is_named_and_no_fit_begun(run, restoring, tmp_path):
    path = tmp_path / "observations" / "three.wav"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DapError, match=r"three\.wav: is not the file that the manifest lists"):
        run()
    assert restoring.begun == []
    assert hidden(tmp_path / "fits") == set()


# ------------------------------------------------------------------ failures


def diverging(signals, tmp_path, folder="observations"):
    """Make the fits of clip two diverge: squares of its spectrogram are beyond float32."""
    return observe(tmp_path / folder, signals | {"two": 1e25 * signals["two"]})


def test_a_fit_that_diverges_is_missing(run, signals, tmp_path):
    run(observations=diverging(signals, tmp_path))
    reasons = missing(tmp_path / "fits")
    assert reasons.pop("two").startswith("the fit diverged: its loss is inf at iteration 1 (seed ")
    assert reasons == {"one": "", "three": "", "four": ""}
    rows = [row for row in read_rows(tmp_path / "fits" / "manifest.csv") if row["missing"]]
    (row,) = rows
    assert (row["file"], row["selection"], row["iterations"], row["device"]) == ("", "", "0", "cpu")
    assert "two.s0.iterations" not in read_arrays(tmp_path / "fits" / "snapshots.npz")
    assert hidden(tmp_path / "fits") == SEALS


def test_where_nothing_may_be_missing_the_others_are_kept(run, restoring, signals, tmp_path):
    options = {"observations": diverging(signals, tmp_path), "run": RUN | {"missing": "fail"}}
    words = (
        r"^1 fits of this chunk failed, and the others are kept: clip two, conv: the fit diverged: "
        r"its loss is inf at iteration 1 \(seed "
    )
    with pytest.raises(DapError, match=words):
        run(**options)
    folder = tmp_path / "fits"
    files = {f".{clip}.s0.npz" for clip in CLIPS if clip != "two"} | {".attempts.json"}
    assert hidden(folder) == files
    assert not (folder / "manifest.csv").exists()
    # the second attempt knows, and fits nothing
    restoring.begun.clear()
    with pytest.raises(DapError, match=words):
        run(attempt=2, **options)
    assert restoring.begun == []
    # another job tries it again
    with pytest.raises(DapError, match=words):
        run(**options)
    assert restoring.begun == ["two"]
    # and, where the recording was put right, goes on from what is kept
    observe(tmp_path / "observations", signals)
    log = run(run=options["run"])
    assert restoring.begun == ["two", "two"]
    assert "one.s0: was finished before" in log
    assert "two.s0 (4 of 4): 100%" in log
    assert hidden(folder) == SEALS


def test_a_chunk_without_any_fit(run, signals, tmp_path):
    run(observations=diverging({"two": signals["two"]}, tmp_path))
    assert list(missing(tmp_path / "fits")) == ["two"]
    assert read_rows(tmp_path / "fits" / "losses.csv") == [
        {"clip": "", "seed": "", "iteration": "", "loss": ""}
    ]


def test_what_should_not_happen_says_where_it_did(run, restoring, tmp_path):
    restoring.others["two"] = raising(ZeroDivisionError("in a plugin"))
    with pytest.raises(ZeroDivisionError) as caught:
        run()
    assert caught.value.__notes__ == ["clip two, conv"]
    # as a job that was killed: what was finished is kept, and the fit under suspicion noted
    assert hidden(tmp_path / "fits") == {".one.s0.npz", ".attempts.json"}
    assert suspects(tmp_path / "fits") == {"two.s0"}


def test_results_of_other_code_or_options_are_not_taken_up(run, restoring, tmp_path):
    restoring.others["four"] = raising(Killed())
    with pytest.raises(Killed):
        run()
    restoring.others.clear()
    restoring.begun.clear()
    log = run(code=["dap.nn.norm " + "b" * 12])
    assert "was finished before" not in log
    assert restoring.begun == ["one", "two", "three", "four"]
