"""Signals as a page plays them."""

import base64
import io

import numpy as np
import pytest
import soundfile

from dap.reporting import sounds

RATE = 16000


def test_matched_signals_are_equally_loud_and_not_clipped(tone, hiss):
    columns = {"clean": tone.astype(float), "observed": 3 * hiss[:4096], "quiet": 0.01 * tone}
    gains = sounds.matched(columns, RATE)
    heard = [sounds.loudness_of(gains[label] * columns[label], RATE) for label in columns]
    assert heard == pytest.approx([sounds.LOUDNESS] * 3, abs=0.01)
    # a click has a high peak at little loudness: all are played as softly as it has to be
    click = np.zeros(4096)
    click[2000] = 0.5
    gains = sounds.matched(columns | {"click": click}, RATE)
    assert gains["click"] * 0.5 == pytest.approx(sounds.PEAK)
    levels = [sounds.loudness_of(gains["click"] * click, RATE)]
    levels += [sounds.loudness_of(gains[label] * columns[label], RATE) for label in columns]
    assert levels == pytest.approx(levels[:1] * 4, abs=0.01)
    assert levels[0] < sounds.LOUDNESS


def test_silence_is_left_as_it_is(tone):
    gains = sounds.matched({"clean": tone, "nothing": np.zeros(4096)}, RATE)
    assert gains["nothing"] == 1
    assert sounds.loudness_of(np.zeros(4096), RATE) == -np.inf


def test_flac_decodes_to_the_samples():
    signal = np.random.default_rng(0).uniform(-1, 1, 1000)
    decoded, rate = soundfile.read(io.BytesIO(sounds.flac(signal, RATE)))
    assert rate == RATE
    # half a step of 16 bits; one step at the very top, which 16 bits cannot reach
    assert np.abs(decoded - signal).max() <= 1 / 32768
    assert np.sqrt(np.mean((decoded - signal) ** 2)) < 0.51 / 32768


def test_flac_clips_what_exceeds_full_scale():
    content = sounds.flac(np.array([1.5, -1.5, 0.5]), 8000)
    decoded, _ = soundfile.read(io.BytesIO(content), dtype="int16")
    assert decoded.tolist() == [32767, -32768, 16384]


def test_a_file_is_a_data_uri():
    head, _, content = sounds.data_uri("audio/flac", b"fLaC").partition(",")
    assert (head, base64.b64decode(content)) == ("data:audio/flac;base64", b"fLaC")


@pytest.mark.parametrize("signal", [np.zeros((1, 4)), np.array([0.0, np.nan])])
def test_flac_refuses_what_cannot_be_heard(signal):
    with pytest.raises(ValueError, match="finite samples"):
        sounds.flac(signal, RATE)
