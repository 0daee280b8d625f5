"""Signals that several tests share."""

import os

# Before torch is imported: on networks this small a second thread gains nothing, and where the
# cores are shared, threads that wait for each other make a fit many times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# tests of two threads share the cores with those of another worker: as in jobs, who waits sleeps
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import pytest
from hypothesis import settings

# The same examples at every run, and no limit on an example's time, which differs by machine. With
# `--hypothesis-profile search` they are new ones, and many.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=30)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("repeatable")

RATE = 16000


def pytest_addoption(parser):
    parser.addoption("--faults", action="store_true", help="run the tests of faults, too")


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        # a worker of pytest-xdist: what lasts long begins first, lest one worker end it alone
        items.sort(key=lambda item: "slow" not in item.keywords)
    if not config.getoption("--faults"):
        for item in items:
            if "faults" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="faults take long: make test-faults"))


@pytest.fixture
def few_iterations(monkeypatch):
    """Take fits of a few iterations, which have learned next to nothing, for restorations."""
    monkeypatch.setattr("dap.fitting.restored.LEARNED", np.inf)
    monkeypatch.setattr("dap.restoration.segments.NOTHING_DB", np.inf)
    monkeypatch.setattr("dap.restoration.levels.SILENT_DB", np.inf)


@pytest.fixture(scope="session")
def tone() -> np.ndarray:
    """A quarter of a second of 440 Hz at half of full scale: float32 (4096,)."""
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(4096) / RATE)).astype(np.float32)


@pytest.fixture(scope="session")
def hiss() -> np.ndarray:
    """Three seconds of white noise, standard deviation 0.1: float32 (48000,)."""
    return np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32)


@pytest.fixture(scope="session")
def voice() -> np.ndarray:
    """Two seconds of a gliding voice in syllables, on a noise floor: float64 (32000,)."""
    t = np.arange(2 * RATE) / RATE
    phase = 2 * np.pi * (120 * t - 4 * np.cos(5 * t))
    harmonics = sum(np.sin(k * phase) / k for k in range(1, 26))
    syllables = np.clip(np.sin(2 * np.pi * 1.5 * t), 0, None) ** 0.5
    floor = np.random.RandomState(1).standard_normal(t.size)  # its stream is frozen by numpy
    return 0.1 * harmonics * syllables + 0.003 * floor
