"""How long a restoration takes: what is measured, how it is counted, and what is said."""

import numpy as np
import pytest

from dap.files import estimate as module
from dap.files.estimate import Estimate, TooLongError, duration, estimate, faster
from dap.files.restorer import Layout
from dap.files.survey import survey
from dap.restoration.arguments import settle

RATE = 16000
ARGUMENTS = {
    "gaps": None, "bins": None, "method": "auto", "effort": "normal", "preset": None,
    "iterations": None, "width": None, "seed": 0, "device": "cpu", "threads": None, "fit": None,
    "selection": None, "segment_seconds": 2.0, "amount": 1.0,
}  # fmt: skip


class Clock:
    """A time that passes where something is said to take some."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(module, "perf_counter", found)
    return found


def surveyed(seconds, channels=1, **options):
    """Noise of some minutes, surveyed, and what the arguments come to."""
    block = np.random.default_rng(0).normal(0, 0.1, (RATE, channels)).astype(np.float32)
    settled = settle(RATE, **(ARGUMENTS | options))
    found = survey((block for _ in range(seconds)), RATE, settled.gaps)
    return found, Layout.of(found, settled, 2.0), settled


@pytest.fixture
def iteration_seconds():
    return 0.2


@pytest.fixture
def quick(monkeypatch, clock, iteration_seconds):
    """Have each method take a hundredth of a second for a second, or some time for an iteration."""

    def run(recording, parts, sample_rate, *, mask=None, wrap=None, **_):
        if wrap is None:
            samples = len(recording) if mask is None else mask.sum()
            clock.now += 0.01 * samples / sample_rate
            return

        def fit():
            yield
            while True:
                clock.now += iteration_seconds
                yield

        steps = wrap(fit)()
        next(steps)
        while True:
            steps.send(0.0)

    monkeypatch.setattr(module, "restore_parts", run)


@pytest.mark.usefixtures("quick")
def test_a_method_that_fits_nothing_takes_as_long_as_there_are_samples():
    found, layout, settled = surveyed(600, channels=2)
    samples = sum(end - start for start, end in layout.parts)
    assert samples > 600 * RATE
    expected = 2 * samples / RATE * 0.01
    assert estimate(found, layout, settled).seconds == pytest.approx(expected)


@pytest.mark.usefixtures("quick")
def test_fits_take_as_long_as_their_iterations_beside_each_other():
    options = {"method": "conv", "iterations": 50}
    found, layout, settled = surveyed(60, **options)
    result = estimate(found, layout, settled)
    assert len(layout.parts) == 31
    assert result.seconds == pytest.approx(31 * 50 * 0.2)  # of one thread
    assert not result.at_most
    # 10 s each: what is lost by a kill is two minutes
    assert result.at_once == 12
    assert estimate(*surveyed(60, method="dap-best")).at_most


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("iteration_seconds", "measured"), [(1.0, 3), (7.0, 2), (8.0, 1)])
def test_the_longer_iterations_take_the_fewer_are_measured(iteration_seconds, measured, clock):
    surveyed_fits = surveyed(2, method="conv", iterations=100)
    assert estimate(*surveyed_fits).seconds == pytest.approx(100 * iteration_seconds)
    assert clock.now == measured * iteration_seconds


@pytest.mark.usefixtures("quick")
def test_fits_of_gaps_are_those_of_segments_with_one():
    gaps = [(1.0, 1.1), (30.0, 30.05)]
    options = {"method": "conv", "iterations": 50, "gaps": gaps}
    assert estimate(*surveyed(60, **options)).seconds == pytest.approx(2 * 50 * 0.2)


@pytest.mark.usefixtures("quick")
def test_gaps_take_as_long_as_they_are_many_and_long():
    gaps = [(start, start + 0.05) for start in range(0, 90, 3)]
    gaps += [(start, start + 0.5) for start in range(1, 60, 3)]
    # each takes a hundredth of its length
    expected = 0.01 * (30 * 0.05 + 20 * 0.5)
    assert estimate(*surveyed(90, gaps=gaps)).seconds == pytest.approx(expected, rel=0.01)


def test_what_is_obviously_short_is_not_measured(monkeypatch):
    monkeypatch.setattr(module, "restore_parts", None)
    assert estimate(*surveyed(50)).seconds == 0
    assert estimate(*surveyed(600, gaps=[(1, 1.2), (7, 7.1)])).seconds == 0
    assert estimate(*surveyed(20, method="conv", iterations=2)).seconds == 0


def test_a_real_measurement_of_a_network_and_of_a_filter():
    options = {"method": "conv", "iterations": 10_000, "width": 0.05}
    found, layout, settled = surveyed(6, **options)
    result = estimate(found, layout, settled)
    # 40,000 iterations: between 0.1 ms and 10 s each, on any machine
    assert 4 < result.seconds < 400_000
    assert 0 < estimate(*surveyed(90, method="wavelet")).seconds < 900


def test_times_in_words():
    said = {
        0.2: "1 s",
        59: "59 s",
        60: "1 min",
        100: "1 min 40 s",
        900: "15 min",
        7260: "2 h 1 min",
    }
    assert {seconds: duration(seconds) for seconds in said} == said
    assert str(Estimate(42)) == "about 42 s"
    assert str(Estimate(42, at_most=True)) == "up to about 42 s"


def test_what_is_faster(monkeypatch):
    def estimated(found, layout, settled, **_):
        return Estimate(1000 * settled.fit.width**2, settled.method.name == "dap-best")

    monkeypatch.setattr(module, "estimate", estimated)
    found, _, settled = surveyed(6, method="dilated-exp-dense")
    options = {"bins": None, "device": "cpu", "segment_seconds": 2.0, "whole": found, "beside": 0}
    assert faster(found, settled, Estimate(1000), asked="dilated-exp-dense", **options) == [
        ("method", "wiener-tracked", "about 17 min"),
        ("width", 0.5, "about 4 min 10 s"),
    ]
    found, _, settled = surveyed(6)
    assert faster(found, settled, Estimate(1000), asked="auto", **options) == []


def test_the_message_of_what_takes_too_long():
    error = TooLongError(Estimate(3600), 10, 600, [("effort", "quick", "about 5 s")])
    assert str(error) == (
        "it would take about 1 h 0 min, more than max_minutes=10 allows: effort='quick' takes "
        "about 5 s; the first 1 min 40 s of it would take no longer than that; to do it all the "
        "same, give max_minutes=75"
    )
