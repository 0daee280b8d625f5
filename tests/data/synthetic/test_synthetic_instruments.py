"""The melodies of the synthetic instruments, and what tells the instruments apart."""

import numpy as np
import pytest
from scipy import signal

from dap.data.synthetic import bowed, drummed, plucked, struck
from dap.data.synthetic._melody import frequency, melody

RATE = 16000


def test_frequency():
    assert frequency(69) == 440
    assert frequency(60) == pytest.approx(261.63, abs=0.01)


def test_a_melody_stays_in_its_range_and_fills_its_time():
    first = []
    for seed in range(40):
        notes = melody(np.random.default_rng(seed), 6.0, 55, 70)
        assert notes[0].start == 0
        assert all(55 <= note.key <= 70 and 0.2 <= note.velocity <= 1 for note in notes)
        starts = [note.start for note in notes]
        assert starts == sorted(starts)
        assert starts[-1] < 6
        # the last note ends no more than a long one and a rest before the end
        assert notes[-1].start + notes[-1].seconds > 6 - 4
        first.append(notes[0].key)
    assert len(set(first)) > 8


def steadiness(module, seed):
    """The share of a clip's frames whose level is within 12 dB of the loudest."""
    sound = module.generate(np.random.default_rng(seed), 3 * RATE, RATE)
    level = np.sqrt(np.square(sound.reshape(-1, 400)).mean(axis=1))
    return float(np.mean(level > level.max() / 4))


def test_bows_sustain_and_what_is_struck_dies_away():
    shares = {
        module: np.mean([steadiness(module, seed) for seed in range(12)])
        for module in (bowed, plucked, struck, drummed)
    }
    assert shares[bowed] > 0.6
    assert shares[bowed] > shares[plucked] + 0.1
    assert max(shares[struck], shares[drummed]) < 0.5


def test_a_bowed_note_is_harmonic():
    likeness = []
    for seed in range(10):
        sound = bowed.generate(np.random.default_rng(seed), 2048, RATE)[512:]
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8192))
        correlation = np.fft.irfft(spectrum**2)
        shortest, longest = RATE // 1500, RATE // 150
        peaks = signal.argrelmax(correlation[:longest])[0]
        likeness.append(max(correlation[k] for k in peaks if k >= shortest) / correlation[0])
    # a period that returns nearly unchanged, but for the window and the bow's noise
    assert np.median(likeness) > 0.9
