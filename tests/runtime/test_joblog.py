"""What a job's log holds when it ends in an error."""

import logging
from pathlib import Path

import numpy as np
import pytest

from dap.errors import DapError, PluginError
from dap.runtime.joblog import by_name, job
from dap.scoring.pool import Case, score_all


@pytest.fixture
def ended(tmp_path, monkeypatch):
    """Run something as a job that fails; its log."""
    monkeypatch.setattr(logging, "raiseExceptions", True)  # the job changes it
    root = logging.getLogger()
    monkeypatch.setattr(root, "level", root.level)

    def run(work) -> str:
        monkeypatch.setattr(root, "handlers", [])  # those of pytest
        with pytest.raises(SystemExit) as end, job(str(tmp_path / "job.log")):
            work()
        assert end.value.code == 1
        return (tmp_path / "job.log").read_text()

    return run


def failing(error):
    def work():
        raise error

    return work


def test_an_error_for_the_user_is_one_line(ended):
    log = ended(failing(DapError("a.wav: is silent")))
    assert log.endswith("error: a.wav: is silent\n")
    assert "Traceback" not in log


def test_what_should_not_happen_keeps_its_traceback_and_notes(ended):
    error = ZeroDivisionError("by zero")
    error.add_note("clip one, wiener")
    log = ended(failing(error))
    assert "this should not happen" in log
    assert "Traceback" in log
    assert "in work\n    raise error\nZeroDivisionError: by zero\nclip one, wiener\n" in log


@pytest.mark.parametrize("processes", [1, 2])
def test_a_metric_that_fails_is_named_and_keeps_its_traceback(ended, monkeypatch, processes):
    def snr(reference, estimate, sample_rate, mask=None):
        raise FloatingPointError("of the metric itself")

    monkeypatch.setattr("dap.metrics.level.snr", snr)
    signal = np.ones((1, 64), np.float32)
    cases = [
        Case(clip, "0", signal, {"last": signal}, np.empty(0, int), signal[:0], [""], 7)
        for clip in ("one", "two")
    ]
    options = {"task": "denoise", "metrics": ["snr"], "wanted": ["last"], "sample_rate": 16000}
    log = ended(lambda: score_all(cases, processes=processes, **options))
    where = "error: clip one, initialisation 0: last (iteration 7): snr (dap/metrics/level.py): "
    assert f"{where}FloatingPointError: of the metric itself\n" in log
    assert "in snr\n    raise FloatingPointError" in log


def test_a_plugin_error_is_one_for_the_user():
    assert issubclass(PluginError, DapError)


def test_inputs_by_name():
    files = {"clips": ["a/manifest.csv", "b/manifest.csv"], "published": []}
    assert by_name(files) == {
        "clips": [Path("a/manifest.csv"), Path("b/manifest.csv")],
        "published": [],
    }
