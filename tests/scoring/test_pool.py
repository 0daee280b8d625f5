"""Cases scored beside each other: the same rows, in order, and errors that say where."""

import os
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.scoring import chunk
from dap.errors import DapError
from dap.scoring import pool as scoring
from dap.scoring.evaluate import score

SETUP = {"task": "denoise", "metrics": ["snr", "psnr"], "wanted": ["last", "oracle"]}
SETUP |= {"sample_rate": 16000}


# forks, and joblib's processes
ELSEWHERE = pytest.param("darwin", marks=pytest.mark.slow)
EVERY_PLATFORM = pytest.mark.parametrize("platform", ["linux", ELSEWHERE])


@pytest.fixture(scope="module")
def cases():
    return chunk(5, 4096, 3)


@pytest.mark.parametrize("processes", [1, 2])
def test_rows_come_in_the_order_of_the_cases(cases, processes):
    # unequal work: the first case is the longest
    mixed = [chunk(1, 40000, 12)[0], *cases[1:]]
    results = scoring.score_all(mixed, processes=processes, **SETUP)
    for case, rows in zip(mixed, results, strict=True):
        expected = score(
            case.references,
            case.selections,
            case.iterations,
            case.snapshots,
            sources=[""],
            last_iteration=2000,
            **SETUP,
        )
        assert rows == expected
        assert {row["iteration"] for row in rows} == {2000, *case.iterations}


def test_speech_metrics_have_the_same_bits_in_processes(cases):
    setup = SETUP | {"metrics": ["pesq_wb", "covl", "stoi", "ssnr"]}
    one, two = (scoring.score_all(cases[:2], processes=n, **setup) for n in (1, 2))
    assert str(one) == str(two)  # a NaN does not equal itself


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_names_clip_selection_and_metric(cases, processes):
    broken = cases[3].selections | {"last": np.full((1, 4096), np.nan, np.float32)}
    changed = [*cases[:3], replace(cases[3], selections=broken), cases[4]]
    with pytest.raises(
        DapError,
        match=r"clip 003, initialisation 0: last \(iteration 2000\): snr \(dap/metrics/level.py\): "
        "ValueError: estimate holds 4096 samples not finite",
    ):
        scoring.score_all(changed, processes=processes, **SETUP)


class Fatal:
    """Ends the process that unpickles it, as a fault in a library would."""

    def __init__(self, parent: int):
        self.parent = parent

    def __reduce__(self):
        return _end, (self.parent,)


def _end(parent: int) -> None:
    if os.getpid() != parent:
        os._exit(11)


@EVERY_PLATFORM
def test_a_process_that_dies_is_reported(cases, platform, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    changed = [cases[0], replace(cases[1], mask=Fatal(os.getpid()))]
    with pytest.raises(DapError, match="scored one of the clips 000, 001 died"):
        scoring.score_all(changed, processes=2, **SETUP)


def test_no_cases():
    assert scoring.score_all([], processes=2, **SETUP) == []


def _threads(case, setup) -> list[dict]:
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    return [library["num_threads"] for library in threadpool_info()]


@EVERY_PLATFORM
@pytest.mark.parametrize("processes", [1, 2])
def test_linear_algebra_has_one_thread_in_each_process(cases, processes, platform, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(scoring, "_score", _threads)
    for rows in scoring.score_all(cases[:2], processes=processes, **SETUP):
        assert len(rows) >= 1
        assert set(rows) == {1}
