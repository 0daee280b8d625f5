import numpy as np
import pytest

from dap.metrics import composite, remembered, segmental, separation
from dap.metrics.remembered import once


def test_parts_of_ratings_are_computed_once(monkeypatch, voice):
    calls = []
    framed = segmental._framed
    monkeypatch.setattr(
        segmental, "_framed", lambda name, *a: calls.append(name) or framed(name, *a)
    )
    monkeypatch.setattr("pesq.pesq", lambda *_, **__: calls.append("pesq") or 2.0)
    estimate = voice + 0.01
    for metric in (composite.csig, composite.cbak, composite.covl, segmental.llr, segmental.wss):
        metric(voice, estimate, 16000)
        segmental.ssnr(voice, estimate, 16000)
    assert sorted(calls) == ["llr", "pesq", "ssnr", "wss"]
    composite.csig(voice, estimate.astype(np.float32), 16000)  # other bits
    assert len(calls) == 7


def test_separation_is_scored_once_an_estimate(monkeypatch, voice, hiss):
    calls = []
    package = separation.mir_eval.separation.bss_eval_sources
    monkeypatch.setattr(
        separation.mir_eval.separation,
        "bss_eval_sources",
        lambda *a, **b: calls.append(1) or package(*a, **b),
    )
    pair = np.stack([voice[:2000], hiss[:2000]])
    one = separation.bss_eval(pair, pair + 0.1 * pair[::-1])
    other = separation.bss_eval(pair.copy(), pair + 0.1 * pair[::-1])
    np.testing.assert_array_equal(one.sdr, other.sdr)
    assert len(calls) == 1
    separation.bss_eval(pair, pair + 0.2 * pair[::-1])
    assert len(calls) == 2


def test_names_types_and_shapes_are_told_apart(monkeypatch):
    monkeypatch.setattr(remembered, "_cache", type(remembered._cache)())
    zeros = np.zeros(4)
    assert once(("a",), (zeros,), lambda: 1) == 1
    assert once(("a",), (zeros,), lambda: 2) == 1
    assert once(("b",), (zeros,), lambda: 3) == 3
    assert once(("a",), (zeros.astype(np.float32),), lambda: 4) == 4
    assert once(("a",), (zeros.reshape(2, 2),), lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        once(("c",), (zeros,), lambda: 1 / 0)
    assert once(("c",), (zeros,), lambda: 6) == 6


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(remembered, "_cache", type(remembered._cache)())
    monkeypatch.setattr(remembered, "MOST", 3)
    for i in (0, 1, 2, 0, 3):  # 0 is asked for again, so 1 is the oldest
        once((i,), (), lambda i=i: i)
    assert [key[0] for key in remembered._cache] == [2, 0, 3]
