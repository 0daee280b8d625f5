"""A prior's fits of a chunk: which are run, in which order, and what comes of those that fail."""

import json
import logging
import os
import re
import signal

import pytest
from small_chunks import RUN, job, observe

from dap.errors import DapError, InterruptedFitError, UnwritableError
from dap.fitting import interleave
from dap.runtime import chunk
from dap.runtime.checkpoints import Checkpoint
from dap.runtime.chunk import fit_chunk
from dap.seeds import derive
from dap.store import read_arrays, read_rows

CLIPS = ("one", "two", "three", "four")
SEALS = {".manifest.csv.sha256", ".losses.csv.sha256"}


class Killed(BaseException):
    """In place of SIGKILL: nobody can note anything."""


@pytest.fixture
def signals(hiss):
    """Four clips of noise, quick to fit."""
    return {clip: hiss[i * 2048 : (i + 1) * 2048] for i, clip in enumerate(CLIPS)}


@pytest.fixture
def observations(signals, tmp_path):
    return observe(tmp_path / "observations", signals)


@pytest.fixture
def run(tmp_path, observations, caplog):
    """Fit the chunk; what was logged, or the error that it ended in."""
    caplog.set_level(logging.INFO, logger="dap")

    def do(folder="fits", observations=observations, **changes):
        caplog.clear()
        asked = job(tmp_path / folder, observations, **changes)
        fit_chunk(asked, "cpu", logging.getLogger("dap"))
        return "\n".join(record.getMessage() for record in caplog.records)

    return do


@pytest.fixture
def restoring(monkeypatch):
    """Put another generator in the place of a clip's fit: called with the real one's arguments."""
    real = chunk.fitting
    others, begun = {}, []

    def choose(*arguments, report, **options):
        clip = report.name.split(" ")[1].partition(".s")[0]
        begun.append(clip)
        return others.get(clip, real)(*arguments, report=report, **options)

    monkeypatch.setattr(chunk, "fitting", choose)
    choose.others, choose.begun, choose.real = others, begun, real
    return choose


@pytest.fixture
def beside(monkeypatch):
    """As on a GPU: as many fits beside each other as the study says, one started in each round."""
    monkeypatch.setattr(interleave, "SETTLE", 1)
    monkeypatch.setattr(chunk, "at_most", lambda asked, device: asked)


@pytest.fixture
def handler():
    """The handler of SIGTERM, put back at the end."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


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


# ------------------------------------------------------------------ products


def test_products(run, tmp_path):
    log = run(seeds=2)
    folder = tmp_path / "fits"
    rows = read_rows(folder / "manifest.csv")
    assert [(row["clip"], row["seed"], row["selection"]) for row in rows[:5]] == [
        ("one", "0", "last"),
        ("one", "0", "average"),
        ("one", "1", "last"),
        ("one", "1", "average"),
        ("two", "0", "last"),
    ]
    first = rows[0]
    assert first["file"] == "one.s0.estimate.last.wav"
    assert (first["iteration"], first["iterations"], first["threads"]) == ("3", "3", "1")
    assert (first["device"], first["missing"], first["output"]) == ("cpu", "", "estimate")
    assert set(estimates(folder)) == {row["file"] for row in rows}
    assert len(rows) == 4 * 2 * 2
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
    assert len(single) == 2
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
    found = missing(tmp_path / "fits")
    assert found.pop("two").startswith("the fit diverged: its loss is inf at iteration 1 (seed ")
    assert found == {"one": "", "three": "", "four": ""}
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
    kept = {f".{clip}.s0.npz" for clip in CLIPS if clip != "two"} | {".attempts.json"}
    assert hidden(folder) == kept
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


# ------------------------------------------------------------------ killed jobs


def kill(run, /, **options):
    with pytest.raises(Killed):
        run(**options)


def test_a_clip_that_kills_its_jobs_goes_last_and_is_given_up(run, restoring, tmp_path):
    restoring.others["two"] = raising(Killed())
    options = {"run": RUN | {"retries": 1}}
    kill(run, **options)
    assert restoring.begun == ["one", "two"]
    restoring.begun.clear()
    kill(run, attempt=2, **options)
    assert restoring.begun == ["three", "four", "two"]
    restoring.begun.clear()
    log = run(attempt=3, **options)
    assert restoring.begun == []
    reason = "2 jobs were killed by it, each before it got any further"
    assert missing(tmp_path / "fits") == {"one": "", "two": reason, "three": "", "four": ""}
    assert f"clip two, conv: {reason}" in log
    assert hidden(tmp_path / "fits") == SEALS


def test_where_nothing_may_be_missing_it_is_tried_for_ever(run, restoring):
    restoring.others["two"] = raising(Killed())
    for attempt in (1, 2, 3, 4):
        kill(run, attempt=attempt, run=RUN | {"retries": 1, "missing": "fail"})
    restoring.others.clear()
    run(attempt=5, run=RUN | {"retries": 1, "missing": "fail"})


def test_a_fit_that_has_come_further_did_not_kill_its_job(run, restoring, monkeypatch, tmp_path):
    monkeypatch.setattr(Checkpoint, "due", lambda self: True)  # after each iteration

    def dying(*arguments, **options):
        fit = restoring.real(*arguments, **options)
        for iteration, _ in enumerate(fit):
            yield
            if iteration == 1:
                raise Killed

    restoring.others["one"] = dying
    options = {"run": RUN | {"retries": 0}, "fit": {"iterations": 6}}
    kill(run, **options)
    restoring.others.clear()
    log = run(attempt=2, **options)
    assert missing(tmp_path / "fits")["one"] == ""
    assert "taken up after iteration" in log


# ------------------------------------------------------------------ SIGTERM and full disks


def test_sigterm_leaves_a_checkpoint_and_the_next_job_goes_on(run, monkeypatch, handler, tmp_path):
    options = {"fit": {"iterations": 6}}
    run("undisturbed", **options)
    due, calls = Checkpoint.due, []

    def terminated(self):
        calls.append(self.path.name)
        if len(calls) == 8:  # the second iteration of the second fit
            os.kill(os.getpid(), signal.SIGTERM)
        return due(self)

    monkeypatch.setattr(Checkpoint, "due", terminated)
    with pytest.raises(InterruptedFitError, match="SIGTERM: its state is kept in") as end:
        run(**options)
    # of those that wait behind it there is one sentence
    assert str(end.value).count("stopped by SIGTERM before the next fit") == 1
    folder = tmp_path / "fits"
    assert hidden(folder) == {".one.s0.npz", ".two.s0.checkpoint", ".attempts.json"}
    assert suspects(folder) == set()  # it killed no job
    monkeypatch.setattr(Checkpoint, "due", due)
    log = run(attempt=2, **options)
    assert "one.s0: was finished before" in log
    assert re.search("taken up after iteration [1-5]", log)
    assert estimates(folder) == estimates(tmp_path / "undisturbed")
    assert hidden(folder) == SEALS


def test_without_checkpoints_sigterm_ends_the_job_at_once(run, monkeypatch, handler):
    seen = []
    monkeypatch.setattr(chunk.Termination, "__enter__", lambda self: seen.append(self))
    run(run=RUN | {"checkpoint_seconds": 0})
    assert seen == []


def test_a_full_disk_is_no_fault_of_the_fit(run, monkeypatch, tmp_path):
    write, folder = chunk.write_arrays, tmp_path / "fits"

    def full(path, arrays):
        if path.name == ".two.s0.npz":
            raise UnwritableError(f"{path}: cannot be written")
        write(path, arrays)

    monkeypatch.setattr(chunk, "write_arrays", full)
    with pytest.raises(UnwritableError):
        run()
    assert hidden(folder) == {".one.s0.npz", ".attempts.json"}
    assert suspects(folder) == set()
    monkeypatch.setattr(chunk, "write_arrays", write)
    log = run(attempt=2)
    assert missing(folder) == dict.fromkeys(CLIPS, "")
    assert "one.s0: was finished before" in log


def test_what_a_killed_job_was_about_to_write_is_removed(run, tmp_path):
    folder = tmp_path / "fits"
    folder.mkdir()
    (folder / ".manifest.csv.12345").write_text("half")
    run()
    assert hidden(folder) == SEALS


# ------------------------------------------------------------------ beside each other


def test_beside_each_other_they_give_what_they_give_alone(run, beside, restoring, tmp_path):
    log = run(run=RUN | {"fits_at_once": 3})
    # the fourth begins when one has ended
    assert log.index("conv one.s0 (1 of 4): 100%") < log.index("conv four.s0 (4 of 4): 100%")
    assert restoring.begun == ["one", "two", "three", "four"]
    together = estimates(tmp_path / "fits")
    run("alone", run=RUN | {"fits_at_once": 1})
    assert estimates(tmp_path / "alone") == together
    assert len(together) == 8


def test_those_beside_one_that_kills_the_job_are_not_suspected(run, beside, restoring, tmp_path):
    restoring.others["two"] = raising(Killed())
    options = {"run": RUN | {"fits_at_once": 3, "retries": 1}}
    kill(run, **options)
    assert suspects(tmp_path / "fits") == {"one.s0", "two.s0"}
    restoring.begun.clear()
    # what was under way is alone now, after the others
    kill(run, attempt=2, **options)
    assert restoring.begun == ["three", "four", "one", "two"]
    assert suspects(tmp_path / "fits") == {"two.s0"}
    run(attempt=3, **options)
    found = missing(tmp_path / "fits")
    assert found.pop("two") == "2 jobs were killed by it, each before it got any further"
    assert set(found.values()) == {""}


def test_one_that_finds_the_memory_full_is_fitted_later(run, beside, restoring, tmp_path):
    import torch

    full = []

    def too_much(*arguments, **options):
        if not full:
            full.append(True)
            yield
            raise torch.OutOfMemoryError("CUDA out of memory")
        return (yield from restoring.real(*arguments, **options))

    restoring.others["two"] = too_much
    run(run=RUN | {"fits_at_once": 3})
    assert {clip: restoring.begun.count(clip) for clip in CLIPS} == {
        "one": 1, "two": 2, "three": 1, "four": 1,
    }  # fmt: skip
    together = estimates(tmp_path / "fits")
    restoring.others.clear()
    run("alone", run=RUN | {"fits_at_once": 1})
    assert estimates(tmp_path / "alone") == together
