"""Gaps that are found, and what is none."""

import numpy as np
import pytest

from dap.errors import DapError
from dap.restoration.detection import find_gaps

RATE = 16000


@pytest.fixture
def sound(voice):
    """Two seconds of a voice as of a 16-bit file, quiet between its syllables: (32000,)."""
    return np.round(voice * 2**15) / 2**15


def gapped(sound, kind, start, samples):
    damaged = sound.copy()
    damaged[start : start + samples] = 0 if kind == "zeros" else sound[start - 1]
    return damaged


@pytest.mark.parametrize("kind", ["zeros", "held"])
@pytest.mark.parametrize("samples", [20, 160, 3200])
@pytest.mark.parametrize("channels", [0, 2])
def test_dropouts(kind, samples, channels, sound):
    damaged = gapped(sound, kind, 2100, samples)
    damaged = gapped(damaged, kind, 13000, 100)
    if channels:
        damaged = np.stack([damaged, -0.5 * damaged], axis=1)
    found = find_gaps(damaged + 0.0, RATE)
    expected = [(2100, 2100 + samples), (13000, 13100)]
    np.testing.assert_allclose(np.array(found) * RATE, expected, atol=1)


def test_what_is_no_gap(sound):
    assert find_gaps(sound, RATE) == []
    # silence at both ends, and between phrases, into which the sound fades
    fade = np.minimum(1, np.arange(16000) / 800)
    phrase = sound[:16000] * fade * fade[::-1]
    silence = np.zeros(4000)
    assert find_gaps(np.concatenate([silence, phrase, silence, phrase, silence]), RATE) == []
    # clipped peaks of a low tone, and the steps of a quiet one
    time = np.arange(16000) / RATE
    tone = np.sin(2 * np.pi * 60 * time)
    assert find_gaps(np.clip(2 * tone, -1, 1), RATE) == []
    assert find_gaps(np.round(6 * tone) / 2**15, RATE) == []
    # a pause longer than what any method fills, and a gap in one channel alone
    assert find_gaps(gapped(np.tile(sound, 2), "zeros", 2100, 9000), RATE) == []
    assert find_gaps(np.stack([sound, gapped(sound, "zeros", 2100, 160)], axis=1), RATE) == []


def test_shorter_gaps_on_demand(sound):
    damaged = gapped(sound, "zeros", 2100, 8)
    assert find_gaps(damaged, RATE) == []
    ((start, end),) = find_gaps(damaged, RATE, shortest_seconds=0.0005)
    assert (round(start * RATE), round(end * RATE)) == (2100, 2108)


def test_near_runs_are_one_gap(sound):
    damaged = gapped(gapped(sound, "zeros", 2100, 100), "zeros", 2205, 100)
    ((start, end),) = find_gaps(damaged, RATE)
    assert (round(start * RATE), round(end * RATE)) == (2100, 2305)


def test_what_is_too_short_or_of_another_shape():
    assert find_gaps(np.zeros(0), RATE) == []
    assert find_gaps(np.zeros(1), RATE) == []
    assert find_gaps(np.zeros(5000), RATE) == []
    with pytest.raises(DapError, match=r"shape \(2, 2, 2\)"):
        find_gaps(np.zeros((2, 2, 2)), RATE)
