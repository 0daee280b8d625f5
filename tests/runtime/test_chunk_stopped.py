"""A chunk's fits that are killed, stopped by SIGTERM or a full disk, or run beside each other."""

import os
import re
import signal

import pytest
from small_chunks import CLIPS, RUN, SEALS, Killed, estimates, hidden, missing, raising, suspects

from dap.errors import InterruptedFitError, UnwritableError
from dap.runtime import chunk
from dap.runtime.checkpoints import Checkpoint


@pytest.fixture
def handler():
    """The handler of SIGTERM, put back at the end."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


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
    assert len(together) == 4 * 3


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
    reasons = missing(tmp_path / "fits")
    assert reasons.pop("two") == "2 jobs were killed by it, each before it got any further"
    assert set(reasons.values()) == {""}


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
