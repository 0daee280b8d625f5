"""A fit that was stopped anywhere goes on to the same bits, and from nothing but its own state."""

import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_fits import (
    BUILD,
    MARK,
    OPTIONS,
    StoppedError,
    assert_same,
    checkpoint,
    goal,
    run,
    stop_after,
)
from torch import nn

from dap import store
from dap.errors import DapError, InterruptedFitError
from dap.fitting.loop import fit
from dap.fitting.stops import Stop
from dap.fitting.stops.variance import FIRST, MovingVariance
from dap.runtime import checkpoints
from dap.runtime.checkpoints import Termination


@pytest.fixture(scope="module")
def signal_():
    return np.sin(np.arange(4096) * 0.2).astype(np.float32) / 2


@pytest.fixture(scope="module")
def undisturbed(signal_):
    return run("denoise", signal_)


@pytest.mark.parametrize("iteration", [1, 5, 9, 13])
def test_a_stopped_fit_goes_on_to_the_same_bits(tmp_path, signal_, undisturbed, iteration):
    path = tmp_path / "state"
    stop_after(iteration, path, "denoise", signal_)
    seen = []
    again = checkpoint(path)
    resumed = run(
        "denoise", signal_, checkpoint=again, report=lambda i, loss: seen.append((i, loss))
    )
    assert_same(resumed, undisturbed)
    assert again.said == [f"taken up after iteration {iteration} of 14"]
    assert seen[0][0] > iteration
    assert resumed.seconds > 0


@pytest.mark.parametrize("iteration", [7, 45, 55])
def test_a_fit_that_a_rule_follows_goes_on_to_the_same_bits(tmp_path, signal_, iteration):
    options = replace(OPTIONS, iterations=60, lr_step_size=0)
    rest = {"options": options, "stop": Stop(MovingVariance())}
    whole = run("denoise", signal_, **rest)
    assert FIRST <= whole.stopped <= 60
    path = tmp_path / "state"
    stop_after(iteration, path, "denoise", signal_, **rest)
    resumed = run("denoise", signal_, checkpoint=checkpoint(path), **rest)
    assert_same(resumed, whole)
    assert resumed.stopped == whole.stopped
    np.testing.assert_array_equal(resumed.stop, whole.stop)


def test_a_separation_in_pytorch_goes_on_to_the_same_bits(tmp_path, signal_):
    # three networks, PyTorch's engine, random numbers and running averages inside of the network
    class Noisy(nn.Sequential):
        def __init__(self, out_channels):
            super().__init__(
                nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.5),
                nn.Conv2d(4, out_channels, 1),
            )  # fmt: skip

    torch.manual_seed(1)
    whole = run("separate", signal_, build=Noisy)
    torch.manual_seed(1)
    stop_after(6, tmp_path / "state", "separate", signal_, build=Noisy)
    torch.manual_seed(2)
    resumed = run("separate", signal_, build=Noisy, checkpoint=checkpoint(tmp_path / "state"))
    assert_same(resumed, whole)


def test_an_objective_that_accumulates_is_kept(tmp_path, monkeypatch, signal_):
    class Counting:
        def __init__(self):
            self.inner, self.count = goal("denoise", signal_), torch.zeros(())

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def loss(self, *arguments):
            self.count += 1
            return self.inner.loss(*arguments) * self.count

        def state_dict(self):
            return {"count": self.count}

        def load_state_dict(self, state):
            self.count = state["count"]

    whole = fit(BUILD, Counting(), OPTIONS, seed=3, device="cpu")
    keeper = checkpoint(tmp_path / "state")
    answers = iter([False, False, True, False])

    def due():
        try:
            return next(answers)
        except StopIteration:
            raise StoppedError from None

    monkeypatch.setattr(keeper, "due", due)
    with pytest.raises(StoppedError):
        fit(BUILD, Counting(), OPTIONS, seed=3, device="cpu", checkpoint=keeper)
    again = checkpoint(tmp_path / "state")
    assert_same(fit(BUILD, Counting(), OPTIONS, seed=3, device="cpu", checkpoint=again), whole)
    assert again.said == ["taken up after iteration 3 of 14"]


PROGRAM = """\
import os, signal, sys
from pathlib import Path
import numpy as np
sys.path[:0] = [{root!r}, {tests!r}]
from small_fits import MARK, OPTIONS, run
from dap.runtime.checkpoints import Checkpoint, Termination
stop = Termination()
keeper = Checkpoint(Path(sys.argv[1]), MARK, 1e-9, lambda text: print(text, flush=True), stop)
tone = np.sin(np.arange(4096) * 0.2).astype(np.float32) / 2
def report(iteration, loss):
    if len(sys.argv) > 2 and iteration == 5:
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))
with stop:
    found = run("denoise", tone, checkpoint=keeper, report=report)
np.savez(sys.argv[1] + ".npz", **{{
    name: getattr(found, name) for name in ("iterations", "snapshots", "last", "average", "losses")
}})
"""


@pytest.mark.parametrize("kill", ["SIGKILL", "SIGTERM"])
def test_a_killed_process(tmp_path, undisturbed, kill):
    here = Path(__file__).resolve().parents[1]
    program = PROGRAM.format(root=str(here.parent), tests=str(here / "helpers"))
    path = tmp_path / "state"

    def process(*arguments):
        command = [sys.executable, "-c", program, str(path), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    killed = process(kill)
    if kill == "SIGKILL":
        assert killed.returncode == -signal.SIGKILL
    else:
        assert killed.returncode == 1
        assert "InterruptedFitError: the fit was stopped by SIGTERM: its state" in killed.stderr
    products = path.with_name("state.npz")
    assert not products.exists()
    again = process()
    assert again.returncode == 0, again.stderr
    # SIGTERM's iteration is whole; that of SIGKILL is lost
    done = 5 if kill == "SIGTERM" else 4
    assert again.stdout == f"taken up after iteration {done} of 14\n"
    arrays = np.load(products)
    for name in arrays.files:
        np.testing.assert_array_equal(arrays[name], getattr(undisturbed, name), err_msg=name)


@pytest.fixture
def written(tmp_path, signal_):
    path = tmp_path / "state"
    stop_after(4, path, "denoise", signal_)
    return path


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[: len(content) // 2], "it is torn, or no checkpoint"),
        (lambda content: content[:20], "it is torn, or no checkpoint"),
        (lambda content: b"", "it is torn, or no checkpoint"),
        (lambda content: content[:-9] + b"?" + content[-8:], "it is torn, or no checkpoint"),
        (
            lambda content: content.replace(MARK.encode(), b"b" * 64),
            "it is of other code, options, data or versions",
        ),
    ],
    ids=["half", "head alone", "empty", "one byte", "another mark"],
)
def test_what_is_not_this_fits_is_set_aside(written, signal_, undisturbed, damage, reason):
    content = damage(written.read_bytes())
    written.write_bytes(content)
    keeper = checkpoint(written, seconds=1000)
    assert_same(run("denoise", signal_, checkpoint=keeper), undisturbed)
    aside = written.with_name("state.set-aside")
    assert keeper.said == [f"checkpoint set aside as {aside}, and the fit starts anew: {reason}"]
    assert aside.read_bytes() == content
    assert keeper.files() == [written, aside]
    assert not written.exists()


def test_loading_executes_nothing(written, signal_, tmp_path):
    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "executed",)

    # a file that is whole in every respect but what it holds
    content = pickle.dumps(Evil(), protocol=2)
    digest = checkpoints.sha256(content).hexdigest().encode()
    written.write_bytes(b"\n".join([checkpoints.KIND, MARK.encode(), digest, content]))
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        run("denoise", signal_, checkpoint=checkpoint(written))
    assert not (tmp_path / "executed").exists()


def test_a_disk_that_is_full_costs_the_checkpoint_alone(
    tmp_path, monkeypatch, signal_, undisturbed
):
    def full(path, content):
        raise DapError(store.unwritable(path, OSError(28, "No space left on device")))

    monkeypatch.setattr(checkpoints, "write_bytes", full)
    keeper = checkpoint(tmp_path / "state")
    assert_same(run("denoise", signal_, checkpoint=keeper), undisturbed)
    assert len(keeper.said) == 13
    assert keeper.said[0].startswith(f"no checkpoint: {tmp_path / 'state'}: cannot be written (the")


def test_how_often(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    keeper, never = checkpoint(tmp_path / "a", seconds=60), checkpoint(tmp_path / "b", seconds=0)
    now[0] += 59
    assert not keeper.due()
    now[0] += 1
    assert keeper.due()
    keeper.save({}, "cpu", iteration=1)
    assert not keeper.due()
    keeper.termination.came = never.termination.came = True
    assert keeper.due()
    assert not never.due()


def test_none(tmp_path, signal_, undisturbed):
    (tmp_path / "state").write_bytes(b"left alone")
    keeper = checkpoint(tmp_path / "state", seconds=0)
    assert_same(run("denoise", signal_, checkpoint=keeper), undisturbed)
    assert (tmp_path / "state").read_bytes() == b"left alone"
    assert keeper.said == []


def test_sigterm_after_the_last_iteration():
    before = signal.getsignal(signal.SIGTERM)
    try:
        with Termination() as termination:
            termination.check()
            os.kill(os.getpid(), signal.SIGTERM)
            with pytest.raises(InterruptedFitError, match="stopped by SIGTERM before the next fit"):
                termination.check()
        # a second one does not kill the process before it has said so
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_without_sigterm_the_handler_is_that_of_before():
    before = signal.getsignal(signal.SIGTERM)
    with Termination():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
