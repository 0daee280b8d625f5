"""Recordings restored part by part: nothing is heard of where parts meet."""

import logging
from itertools import pairwise

import numpy as np
import pytest
import torch

import dap
from dap.errors import DapError
from dap.files import restorer as module
from dap.files.restorer import Layout, Restorer
from dap.files.survey import survey
from dap.restoration.arguments import settle

RATE = 8000
ARGUMENTS = {
    "gaps": None, "bins": None, "method": "auto", "effort": "normal", "preset": None,
    "iterations": None, "width": None, "seed": 0, "device": "cpu", "threads": None, "fit": None,
    "selection": None, "segment_seconds": 2.0, "amount": 1.0,
}  # fmt: skip
FIT = {"method": "conv", "iterations": 3, "width": 0.05, "segment_seconds": 0.25}


def blocks_of(x, size=5000):
    return (x[start : start + size] for start in range(0, len(x), size))


def restorer(x, **options):
    settled = settle(RATE, **(ARGUMENTS | options))
    bins = options.get("bins")
    found = survey(blocks_of(x), RATE, settled.gaps, bins)
    layout = Layout.of(found, settled, options.get("segment_seconds", 2.0))
    return Restorer(found, layout, settled, bins=bins, device="cpu", at_once=2)


def restored(x, **options):
    return np.concatenate(list(restorer(x, **options).blocks(blocks_of(x))))


@pytest.fixture
def short_windows(monkeypatch):
    monkeypatch.setattr(module, "WINDOW_SECONDS", 4.0)
    monkeypatch.setattr(module, "REACH_SECONDS", 0.5)
    monkeypatch.setattr(module, "WINDOW_FADE_SECONDS", 0.25)


@pytest.fixture(scope="module")
def clean():
    """20 s of tones that come and go, float64 (160000,)."""
    t = np.arange(20 * RATE) / RATE
    tones = [0.2 * np.sin(2 * np.pi * f * t) * np.sin(2 * np.pi * f / 700 * t) for f in (300, 557)]
    return np.sum(tones, axis=0)


@pytest.fixture(scope="module")
def noisy(clean):
    """Two channels of that in noise, of which the second is quieter."""
    noise = np.random.default_rng(0).normal(0, 0.02, (len(clean), 2))
    return ((clean[:, np.newaxis] + noise) * [1, 0.3]).astype(np.float32)


@pytest.mark.parametrize("method", ["wiener-tracked", "wiener", "wavelet", "spectral-gate"])
def test_one_window_is_as_restore_gives_it(method, noisy):
    x = noisy[: 3 * RATE]
    np.testing.assert_array_equal(
        restored(x, method=method), dap.restore(x, RATE, method=method).audio
    )


def test_gaps_and_cells_of_one_window_are_as_restore_gives_them(clean):
    x = clean[: 3 * RATE, np.newaxis].astype(np.float32)
    gaps = [(0.5, 0.55), (2.9, 3.0)]
    np.testing.assert_array_equal(restored(x, gaps=gaps), dap.restore(x, RATE, gaps=gaps).audio)
    coarse = ((np.floor(x * 8) + 0.5) / 8).astype(np.float32)
    options = {"bins": 16, "method": "cell-projection"}
    np.testing.assert_array_equal(
        restored(coarse, **options), dap.restore(coarse, RATE, **options).audio
    )


@pytest.mark.usefixtures("few_iterations")
@pytest.mark.parametrize("gaps", [None, [(0.1, 0.12), (1.3, 1.32)]])
def test_a_prior_gives_all_segments_as_restore_does(gaps, noisy):
    x = noisy[: RATE * 3 // 2, :1]
    assert len(restorer(x, gaps=gaps, **FIT).layout.parts) > 6
    np.testing.assert_array_equal(
        restored(x, gaps=gaps, **FIT), dap.restore(x, RATE, gaps=gaps, device="cpu", **FIT).audio
    )


@pytest.mark.usefixtures("few_iterations")
def test_with_several_threads_it_does_so_too(noisy):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        x = noisy[:RATE, :1]
        expected = dap.restore(x, RATE, device="cpu", **FIT).audio
        np.testing.assert_array_equal(restored(x, **FIT), expected)
    finally:
        torch.set_num_threads(before)


def errors_at_joints(result, clean, layout):
    """Mean square errors of half a second around joints, and of all others."""
    error = np.square(result.astype(np.float64) - clean)
    joints = [(before[1] + after[0]) // 2 for before, after in pairwise(layout.parts)]
    reach = RATE // 4
    at = [error[joint - reach : joint + reach].mean() for joint in joints]
    near = np.zeros(len(clean), bool)
    for joint in joints:
        near[joint - 2 * reach : joint + 2 * reach] = True
    elsewhere = [
        error[start : start + 2 * reach].mean()
        for start in range(RATE, len(clean) - RATE, reach)
        if not near[start : start + 2 * reach].any()
    ]
    return np.array(at), np.array(elsewhere)


@pytest.mark.usefixtures("short_windows")
@pytest.mark.parametrize("method", ["wiener-tracked", "wavelet", "wiener", "spectral-gate"])
def test_the_error_at_joints_is_as_elsewhere(method, noisy, clean):
    run = restorer(noisy, method=method)
    assert len(run.layout.parts) == 7
    result = np.concatenate(list(run.blocks(blocks_of(noisy))))
    assert result.shape == noisy.shape
    for channel, gain in enumerate((1, 0.3)):
        at, elsewhere = errors_at_joints(result[:, channel], gain * clean, run.layout)
        # the mean of 6 of the values is within their spread
        assert at.mean() < elsewhere.mean() + 2 * elsewhere.std() / np.sqrt(len(at))
        # a tenth is 0.4 dB, which nobody hears
        assert at.max() <= 1.1 * elsewhere.max()
        jumps = np.abs(np.diff(result[:, channel] - gain * clean))
        joints = [(before[1] + after[0]) // 2 for before, after in pairwise(run.layout.parts)]
        assert max(jumps[joint - 2000 : joint + 2000].max() for joint in joints) <= jumps.max()


@pytest.mark.usefixtures("few_iterations")
def test_so_is_a_priors_at_joints_of_segments(noisy, clean):
    x, options = noisy[: 8 * RATE, :1], FIT | {"segment_seconds": 2.0, "iterations": 10}
    run = restorer(x, **options)
    result = np.concatenate(list(run.blocks(blocks_of(x))))[:, 0]
    at, elsewhere = errors_at_joints(result, clean[: len(x)], run.layout)
    assert len(at) == 4
    assert at.mean() < elsewhere.mean() + 2 * elsewhere.std() / np.sqrt(len(at))


@pytest.mark.usefixtures("short_windows")
def test_the_floor_of_noise_does_not_jump(clean):
    """Noise alone in the pauses, and sound of another level in each window."""
    rng = np.random.default_rng(1)
    t = np.arange(len(clean)) / RATE
    # 4 s on average: windows of much and of little sound
    x = clean * (np.sin(2 * np.pi * t / 7) > 0.3) + rng.normal(0, 0.01, len(clean))
    run = restorer(x[:, np.newaxis].astype(np.float32), method="wiener-tracked")
    result = np.concatenate(list(run.blocks(blocks_of(x[:, np.newaxis].astype(np.float32)))))[:, 0]
    for before, after in pairwise(run.layout.parts):
        joint = (before[1] + after[0]) // 2
        if np.abs(clean[joint - RATE // 2 : joint + RATE // 2]).max() == 0:
            sides = result[joint - RATE // 2 : joint], result[joint : joint + RATE // 2]
            left, right = (np.sqrt(np.square(side).mean()) for side in sides)
            assert abs(20 * np.log10(left / right)) < 3


@pytest.mark.usefixtures("short_windows")
def test_the_noise_that_is_taken_from_the_start_is_that_of_the_recording(noisy, clean):
    x = noisy[:, :1].copy()
    x[:2000] = np.random.default_rng(2).normal(0, 0.02, (2000, 1))
    whole, parts = dap.restore(x, RATE, method="wiener").audio, restored(x, method="wiener")
    # each window begins with sound, which would be taken for noise
    error, of_whole = (np.square(each[:, 0] - clean).mean() for each in (parts, whole))
    assert error < 1.1 * of_whole
    assert error < 0.1 * np.square(clean).mean()


GAPS_AT_JOINTS = [(2.0, 2.05), (3.1, 3.15), (3.2, 3.21), (6.0, 6.1), (9.3, 9.35), (15, 15.2)]


@pytest.mark.usefixtures("short_windows")
def test_gaps_at_joints_are_filled_as_in_the_whole(clean):
    x = clean[:, np.newaxis].astype(np.float32)
    plain = [(before[1] + after[0]) // 2 for before, after in pairwise(restorer(x).layout.parts)]
    # and one right on each joint
    gaps = GAPS_AT_JOINTS + [(at / RATE - 0.02, at / RATE + 0.03) for at in plain]
    run = restorer(x, gaps=gaps)
    mask = np.zeros(len(x), bool)
    for start, end in gaps:
        mask[round(start * RATE) : round(end * RATE)] = True
    for before, after in pairwise(run.layout.parts):
        assert not mask[after[0] : before[1]].any()
    damaged = np.where(mask[:, np.newaxis], 0, x).astype(np.float32)
    result = restored(damaged, gaps=gaps)
    np.testing.assert_array_equal(result[~mask], damaged[~mask])
    # the level is the whole recording's: all that differs is rounding
    whole = dap.restore(damaged, RATE, gaps=gaps).audio
    np.testing.assert_allclose(result, whole, atol=1e-5)


@pytest.mark.usefixtures("short_windows")
def test_cells_are_kept_over_joints(clean):
    x = (0.8 * clean[: 8 * RATE, np.newaxis]).astype(np.float32)
    coarse = ((np.floor(x * 8) + 0.5) / 8).astype(np.float32)
    result = restored(coarse, bins=16, method="cell-projection")
    assert np.abs(result - coarse).max() <= 1 / 16 + 1e-6
    assert np.square(result - x).mean() < 0.7 * np.square(coarse - x).mean()


@pytest.mark.usefixtures("short_windows")
def test_silence_in_some_windows_and_channels(noisy):
    x = noisy.copy()
    x[: 6 * RATE, 0] = 0.25
    x[:, 1] = -0.5
    result = restored(x, method="wiener-tracked")
    np.testing.assert_array_equal(result[: 3 * RATE, 0], x[: 3 * RATE, 0])
    np.testing.assert_array_equal(result[:, 1], x[:, 1])
    assert np.abs(result[10 * RATE :, 0] - x[10 * RATE :, 0]).max() > 0.01


@pytest.mark.usefixtures("short_windows")
def test_a_quiet_window_is_no_quiet_result(noisy, caplog):
    x = noisy[:, :1].copy()
    x[: 6 * RATE] = np.random.default_rng(3).normal(0, 0.02, (6 * RATE, 1))
    with caplog.at_level(logging.WARNING, "dap"):
        restored(x, method="wiener-tracked")
    assert caplog.messages == []
    with caplog.at_level(logging.WARNING, "dap"):
        restored(x[: 6 * RATE], method="wiener")
    assert "wiener leaves little of the recording" in caplog.text


def test_a_gap_that_leaves_nothing(noisy):
    with pytest.raises(DapError, match="a gap leaves nothing of a segment"):
        restorer(noisy, gaps=[(5, 8)], **FIT)


def test_a_recording_that_becomes_shorter(noisy):
    run = restorer(noisy, **FIT)
    with pytest.raises(DapError, match="has become shorter while it was restored"):
        list(run.blocks(blocks_of(noisy[:1000])))


@pytest.mark.usefixtures("short_windows")
def test_no_more_is_held_than_a_window_needs(monkeypatch):
    """Five hours of one block, again and again: what is done goes, and nothing piles up."""
    block = np.random.default_rng(0).normal(0, 0.1, (50 * RATE, 1)).astype(np.float32)
    monkeypatch.setattr(
        "dap.baselines.wavelet.restore", lambda observation, outputs: observation.signal[None]
    )

    def many(count):
        for _ in range(count):
            yield block

    settled = settle(RATE, **(ARGUMENTS | {"method": "wavelet"}))
    found = survey(many(360), RATE)
    assert found.seconds == 18000
    layout = Layout.of(found, settled, 2.0)
    assert len(layout.parts) > 6000
    given = most = 0
    for out in Restorer(found, layout, settled).blocks(many(360)):
        given, most = given + len(out), max(most, len(out))
    assert given == 18000 * RATE
    assert most <= 4 * RATE
