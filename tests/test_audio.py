import numpy as np
import pytest
import soundfile

from dap.audio import excerpt, read, resample, write
from dap.errors import DapError

RATE = 16000


# PCM is off by its last bit at most; a float64 file by one rounding to float32
@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        ("wav", "PCM_U8", 2.0**-7),
        ("wav", "PCM_16", 2.0**-15),
        ("wav", "PCM_24", 2.0**-23),
        ("wav", "PCM_32", 2.0**-24),
        ("wav", "FLOAT", 0),
        ("wav", "DOUBLE", 0),
        ("flac", "PCM_16", 2.0**-15),
        ("flac", "PCM_24", 2.0**-23),
        ("aiff", "PCM_16", 2.0**-15),
    ],
)
def test_formats(tmp_path, tone, suffix, subtype, tolerance):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone, RATE, subtype=subtype)
    signal = read(path, RATE)
    assert signal.dtype == np.float32
    assert signal.shape == tone.shape
    assert np.abs(signal - tone).max() <= tolerance


@pytest.mark.parametrize(("suffix", "subtype"), [("ogg", "VORBIS"), ("ogg", "OPUS"), ("mp3", None)])
def test_lossy_formats(tmp_path, hiss, suffix, subtype):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, hiss, RATE, subtype=subtype)
    signal = read(path, RATE)
    assert signal.shape == hiss.shape
    # of white noise they keep some
    assert signal.std() == pytest.approx(hiss.std(), rel=0.4)
    assert np.corrcoef(signal, hiss)[0, 1] > 0.5


@pytest.mark.parametrize(("form", "suffix"), [("FLAC", "wav"), ("WAV", "ogg"), ("OGG", "flac")])
def test_the_content_counts_not_the_suffix(tmp_path, tone, form, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone, RATE, format=form)
    assert np.corrcoef(read(path, RATE), tone)[0, 1] > 0.99


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff"])
@pytest.mark.parametrize("size", [1, 12, 30, 40])
def test_cut_headers_are_named(tmp_path, tone, suffix, size):
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, tone, RATE)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DapError, match=rf"cut\.{suffix}: cannot be read as audio"):
        read(path, RATE)


def test_of_a_wav_that_was_cut_the_rest_is_read(tmp_path, hiss):
    path = tmp_path / "cut.wav"
    soundfile.write(path, hiss, RATE)
    whole = read(path, RATE)
    path.write_bytes(path.read_bytes()[:-1001])  # in the middle of a sample
    np.testing.assert_array_equal(read(path, RATE), whole[:-501])


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_cut_streams_are_named(tmp_path, tone, suffix):
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, tone, RATE)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(
        DapError, match=rf"cut\.{suffix}: (cannot be read as audio|holds no samples)"
    ):
        read(path, RATE)


def test_channels_are_averaged(tmp_path, tone, hiss):
    path = tmp_path / "stereo.wav"
    channels = np.stack((tone, hiss[:4096], np.zeros(4096, np.float32)), axis=1)
    write(path, channels, RATE)
    expected = channels.mean(axis=1, dtype=np.float64)
    np.testing.assert_allclose(read(path, RATE), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_other_rates_keep_the_sound(tmp_path, rate):
    path = tmp_path / "a.wav"
    seconds = np.arange(rate) / rate
    write(path, 0.5 * np.sin(2 * np.pi * 440 * seconds), rate)
    signal = read(path, RATE)
    assert signal.shape == (RATE,)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    # soxr's filter rings for some ms where the recording begins and ends at full level
    inner = slice(1000, -1000)
    np.testing.assert_allclose(signal[inner], expected[inner], rtol=0, atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100, 48000])
def test_resampling_is_librosa_s_to_the_bit(rate, sample_rate, voice, hiss):
    librosa = pytest.importorskip("librosa")
    short = [hiss[:n].astype(np.float64) for n in (1, 2, 1000, 4001)]
    for signal in (*short, voice, hiss, np.sign(voice)):
        options = {"orig_sr": rate, "target_sr": sample_rate, "res_type": "soxr_hq"}
        expected = librosa.resample(signal, **options)
        resampled = resample(signal, rate, sample_rate)
        assert resampled.dtype == expected.dtype
        np.testing.assert_array_equal(resampled, expected)


def test_resampling_removes_what_cannot_be_kept(tmp_path):
    path = tmp_path / "a.wav"
    write(path, 0.5 * np.sin(2 * np.pi * 15000 * np.arange(44100) / 44100), 44100)
    assert np.abs(read(path, RATE)[1000:-1000]).max() < 1e-4


def test_writing_keeps_every_bit(tmp_path, hiss):
    path = tmp_path / "a.wav"
    write(path, 20 * hiss, RATE)  # beyond full scale
    np.testing.assert_array_equal(read(path, RATE), 20 * hiss)
    assert soundfile.info(path).subtype == "FLOAT"


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "holds no samples"),
        ([0.0] * 100, "is silent"),
        ([[0.5, -0.5]] * 100, "is silent"),  # of opposite phase: nothing is left of it
        ([0.1, np.nan], "not finite"),
        ([0.1, np.inf], "not finite"),
    ],
)
def test_recordings_without_sound_are_named(tmp_path, samples, message):
    path = tmp_path / "bad one.wav"
    write(path, np.array(samples), RATE)
    with pytest.raises(DapError, match=f"bad one.wav: .*{message}"):
        read(path, RATE)


@pytest.mark.parametrize("content", [None, b"", b"RIFF", b"this is no audio at all" * 100])
def test_unreadable_files_are_named(tmp_path, content):
    path = tmp_path / "bad.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DapError, match=r"bad\.wav: cannot be read as audio"):
        read(path, RATE)


def steps(*levels: float, samples: int = 100) -> np.ndarray:
    """Windows of constant level."""
    return np.repeat(np.array(levels, np.float32), samples)


def cut(recording, **options):
    defaults = {"window": "loudest", "window_index": 0, "level": "recorded", "seed": 0}
    return excerpt(recording, 100, **defaults | options)


def test_loudest_first_and_the_remainder_never():
    recording = np.concatenate((steps(0.2, -0.4, 0.1), np.ones(99, np.float32)))
    assert [cut(recording, window_index=i).start for i in range(3)] == [100, 0, 200]
    first = cut(recording)
    np.testing.assert_array_equal(first.signal, steps(-0.4))
    assert (first.padded, first.gain) == (0, 1.0)


def test_of_equally_loud_windows_the_first_comes_first():
    starts = [cut(steps(0.2, 0.3, 0.2, 0.3), window_index=i).start for i in range(4)]
    assert starts == [100, 300, 0, 200]


def test_windows_60_db_down_are_silence():
    recording = steps(0.0009, 1.0, 0.0011, 0.0)
    assert [cut(recording, window_index=i).start for i in range(2)] == [100, 200]
    with pytest.raises(DapError, match=r"has 2 windows of 100 samples .* clip 3 of it"):
        cut(recording, window_index=2)


def test_seeded_windows_are_a_permutation():
    recording = steps(*np.linspace(0.1, 1, 12))
    orders = {
        seed: [cut(recording, window="seeded", window_index=i, seed=seed).start for i in range(12)]
        for seed in (1, 2)
    }
    assert sorted(orders[1]) == sorted(orders[2]) == list(range(0, 1200, 100))
    assert orders[1] != orders[2]
    again = [cut(recording, window="seeded", window_index=i, seed=1).start for i in range(12)]
    assert orders[1] == again


def test_short_recordings_are_padded_at_the_end():
    clip = cut(steps(0.5, samples=60))
    assert (clip.start, clip.padded) == (0, 40)
    np.testing.assert_array_equal(clip.signal, np.r_[np.full(60, 0.5), np.zeros(40)])


def test_level():
    recording = steps(0.1, -0.25)
    peak = cut(recording, level="peak")
    assert peak.gain == 4.0
    assert peak.signal.dtype == np.float32
    np.testing.assert_array_equal(peak.signal, steps(-1.0))
    quiet = cut(recording, level="peak", window_index=1)  # by its own peak, not by the recording's
    np.testing.assert_allclose(quiet.signal, steps(1.0), rtol=1e-7)
