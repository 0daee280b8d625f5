"""Short fits that tell how long whole ones take; no times are asserted."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from dap.options import FitOptions
from dap.runtime import trial as module
from dap.runtime.provenance import machine
from dap.runtime.trial import Trial, time_all
from dap.store import write_rows, write_signal
from dap.study.paths import Names
from dap.study.plan import Timing, kept, trials

CHUNK = Names("denoise", "speech", "conv", "000")
SPECTROGRAM = {"n_fft": 128, "hop_length": 64, "window": "hann"}


@pytest.fixture
def observations(tmp_path):
    signal = np.random.default_rng(0).standard_normal(2048).astype(np.float32) / 10
    digest = write_signal(tmp_path / "a.wav", signal, 16000)
    row = {"clip": "a", "file": "a.wav", "sha256": digest, "known": "", "known_sha256": ""}
    write_rows(tmp_path / "manifest.csv", [row])
    return str(tmp_path / "manifest.csv")


def trial(observations, method="conv", iterations=1000, fits=1):
    fit = vars(FitOptions(iterations=iterations, width=0.05, snapshots=2, stop="none"))
    setup = {"fit": fit, "spectrogram": SPECTROGRAM} if method == "conv" else {}
    return Trial(CHUNK._asdict(), observations, method, "denoise", setup, fits, 1, "cpu", 16000)


class Clock:
    """A clock on which each look takes a second."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        self.now += 1.0
        return self.now


def test_a_fit_takes_its_first_iteration_and_as_many_of_the_others(observations, monkeypatch):
    monkeypatch.setattr(module, "time", Clock())
    monkeypatch.setattr(module, "SECONDS", 0.0)
    monkeypatch.setattr(module, "LEAST_ITERATIONS", 4)
    # begun at 1, the first iteration done at 2, the next 4 at 4, with a look in between
    assert trial(observations).seconds() == 1.0 + 999 * 2 / 4
    assert trial(observations, fits=3).seconds() == 3 * (1.0 + 999 * 2 / 4)


@pytest.mark.parametrize(("limit", "done"), [(0.5, 1), (9.0, 2)])
def test_a_brief_trial_has_one_long_iteration_or_two_short_ones(
    observations, monkeypatch, limit, done
):
    monkeypatch.setattr(module, "time", Clock())
    monkeypatch.setattr(module, "BRIEF_SECONDS", limit)
    brief = replace(trial(observations), brief=True)
    # the clock is looked at before the second iteration
    assert brief.seconds() == 1.0 + 999 * 2 / done


def test_what_is_short_is_timed_as_a_whole(observations, monkeypatch):
    for method in ("observed", "conv"):
        monkeypatch.setattr(module, "time", Clock())
        seconds = trial(observations, method, iterations=2, fits=5).seconds()
        assert seconds in (5.0, 10.0, 15.0)  # some looks at the clock


def test_trials_are_read_back(observations, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "time", Clock())
    path = tmp_path / "times.json"
    timed = trial(observations, "observed")
    time_all([timed], path, at_once=1)
    for now, at_once, found in (
        (timed, 1, [Timing(CHUNK, machine()["cpu"], 1.0)]),
        (timed, 2, []),
        (replace(timed, setup={"fit": {"iterations": 2}}), 1, []),
        (replace(timed, device="cuda"), 1, []),
    ):
        of_now = kept(asdict(now), at_once)
        assert trials(str(path), {CHUNK: of_now}.__getitem__) == found


def test_fits_are_timed_beside_each_other(observations, tmp_path):
    path = tmp_path / "times.json"
    time_all([trial(observations, iterations=2)], path, at_once=2)
    (entry,) = json.loads(path.read_text())
    assert entry["seconds"] > 0
