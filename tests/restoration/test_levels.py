import numpy as np
import pytest

from dap.data.corruptions.quantization import cells
from dap.errors import DapError
from dap.restoration.levels import Level, compare, compare_fillings, decibels_below

RATE = 16000
ALL = np.zeros(4096, bool)


@pytest.mark.parametrize("offset", [0, 0.05, -0.3, 0.9])
@pytest.mark.parametrize("gain", [1, 0.02, 3e4])
def test_without_outliers_it_is_the_peak_about_the_mean(tone, gain, offset):
    signal = gain * (tone.astype(np.float64) + offset)
    level = Level.of(signal, ALL)
    assert level.offset == pytest.approx(signal.mean())
    assert level.scale == pytest.approx(np.abs(signal - signal.mean()).max())
    assert not level.beyond.any()
    scaled = level.scaled(signal)
    assert scaled.dtype == np.float32
    assert np.abs(scaled).max() == 1
    plain = Level.of(tone, ALL).scaled(tone)
    np.testing.assert_allclose(scaled, plain, atol=1e-6)
    np.testing.assert_allclose(level.put_back(scaled), signal, atol=1e-6 * gain)


@pytest.mark.parametrize("click", [4.0, -30.0, 1000.0])
def test_a_click_is_cut_off_and_put_back(tone, hiss, click):
    signal = tone + 0.1 * hiss[:4096]
    alone = Level.of(signal, ALL)
    signal[1000:1004] += [click, -click, click, -click]
    level = Level.of(signal, ALL)
    # the scale is not the click's, and all but the click is in it
    assert level.scale == pytest.approx(alone.scale, rel=0.05)
    assert np.flatnonzero(level.beyond).tolist() == [1000, 1001, 1002, 1003]
    np.testing.assert_allclose(level.put_back(level.scaled(signal)), signal, atol=1e-5)
    # an estimate of something else has the rest of the click on it
    np.testing.assert_allclose(
        level.put_back(np.zeros(4096)), level.offset + level.beyond, atol=1e-12
    )


def test_what_is_lost_has_no_influence(tone):
    lost = ALL.copy()
    lost[500:700] = True
    level = Level.of(tone, lost)
    full = tone.copy()
    full[lost] = np.linspace(-50, 900, 200)
    other = Level.of(full, lost)
    assert (other.offset, other.scale) == (level.offset, level.scale)
    assert not other.beyond.any()


def test_digital_silence_does_not_make_a_sound_an_outlier(hiss):
    signal = np.zeros(32000)
    signal[100:200] = hiss[:100]  # a third of a percent
    level = Level.of(signal, np.zeros(32000, bool))
    assert level.scale == pytest.approx(np.abs(signal - signal.mean()).max())


def test_equal_samples_have_no_level():
    level = Level.of(np.full(100, 0.3, np.float32), np.zeros(100, bool))
    assert (level.offset, level.scale) == (np.float32(0.3), 0)


@pytest.mark.parametrize(
    ("bins", "quantizer"), [(2, "mid-rise"), (16, "mid-rise"), (16, "mid-tread"), (15, "mid-tread")]
)
@pytest.mark.parametrize("click", [False, True])
def test_cells_stay_around_their_levels(tone, bins, quantizer, click):
    signal = 0.3 * tone
    signal[1000] = 0.9 if click else 0
    recorded, *bounds = cells(signal, bins, quantizer)
    level = Level.of(recorded, ALL, np.stack(bounds))
    lower, upper = level.scaled(np.stack(bounds))
    inside = level.scaled(recorded)
    assert (lower <= inside).all()
    assert (inside <= upper).all()
    assert np.abs((lower, upper)).max() == 1
    # of what is not cut off, the cells have their size
    width = (upper - lower)[level.beyond == 0]
    assert width.min() == pytest.approx(2 / bins / level.scale, rel=1e-5)
    np.testing.assert_allclose(level.put_back(inside), recorded, atol=1e-6)


def test_a_whole_recording_has_its_peak(tone):
    signal = tone + np.float32(0.2)
    signal[10] = 5
    level = Level.peak(signal, ALL)
    assert level.scale == pytest.approx(5 - signal.mean())
    np.testing.assert_allclose(level.put_back(level.scaled(signal)), signal, atol=1e-6)
    # what zero is to a quantizer, it is to the method
    recorded, *bounds = cells(tone, 16, "mid-rise")
    level = Level.peak(recorded, ALL, np.stack(bounds))
    assert (level.offset, level.scale) == (0, np.abs(bounds).max())


@pytest.mark.parametrize(
    ("before", "after", "below"),
    [(1, 0.1, 20), (0.1, 1, -20), (1, 0, np.inf), (0, 0, 0), (0, 1, -np.inf)],
)
def test_decibels_below(before, after, below):
    assert decibels_below(before, after) == pytest.approx(below)


def test_results_that_are_far_quieter_are_said(tone, caplog):
    compare(tone, 0.2 * tone, "the recording", "conv")
    compare(tone + 0.9, 0.2 * tone + 0.9, "the recording", "conv")
    assert caplog.messages == []
    # an offset is no sound, on either side
    compare(tone + 0.9, 0.05 * tone + 0.9, "channel 2", "conv")
    assert caplog.messages == [
        "conv leaves little of channel 2 (26 dB less): listen to it, or take another method"
    ]
    for after, words in ((0 * tone, "nothing at all"), (3e-4 * tone + 0.5, "70 dB less")):
        with pytest.raises(DapError, match=rf"leaves silence of the recording \({words}\): take"):
            compare(tone, after, "the recording", "conv")


@pytest.fixture
def gap():
    lost = ALL.copy()
    lost[1000:1200] = True
    return lost


def test_fillings_that_are_far_quieter_are_said(tone, gap, caplog):
    two = gap.copy()
    two[3000:3200] = True
    damaged = np.where(two, np.float32(0.7), tone)
    compare_fillings(damaged, tone, two, RATE, "the recording", "conv")
    assert caplog.messages == []
    half = np.where(gap, 0.03 * tone, tone)
    compare_fillings(damaged, half, two, RATE, "the recording", "conv")
    assert caplog.messages == [
        "conv fills gaps of the recording with far less than the sound beside them: "
        "0.062-0.075 s (29 dB less)"
    ]
    # one of two gaps is filled
    compare_fillings(damaged + 1, np.where(gap, 0, tone) + 1, two, RATE, "channel 1", "conv")
    assert "of channel 1 with far less" in caplog.messages[1]
    assert caplog.messages[1].count(" dB less)") == 1
    for silent in (0 * tone, np.full_like(tone, 0.01), 1e-4 * tone):
        with pytest.raises(DapError, match="conv fills the gaps of the recording with silence, th"):
            compare_fillings(
                damaged, np.where(two, silent, tone), two, RATE, "the recording", "conv"
            )


def test_fillings_that_may_be_silent(tone, gap, caplog):
    filled = np.where(gap, np.float32(0), tone)
    # as it was; a few samples; beside silence on one side; at the end of the recording
    compare_fillings(filled, filled, gap, RATE, "the recording", "conv")
    short = np.arange(4096) // 79 == 20
    compare_fillings(tone, np.where(short, 0, tone), short, RATE, "the recording", "conv")
    ended = np.where(np.arange(4096) < 1000, filled, 0)
    compare_fillings(np.where(gap, 0.7, ended), ended, gap, RATE, "the recording", "conv")
    last = ALL.copy()
    last[4000:] = True
    compare_fillings(np.where(last, 0, tone), tone, last, RATE, "the recording", "conv")
    assert caplog.messages == []
