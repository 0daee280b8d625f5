"""The form of files is kept: container, type of samples, rate, channels, tags, and bits."""

import errno
import io
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dap.errors import DapError, UnwritableError
from dap.files.form import Form, FormWriter, read

# what libsndfile writes, and how far samples come back from what they were, re full scale
FORMS = {
    ("WAV", "PCM_U8"): 1.5 / 2**7,
    ("WAV", "PCM_16"): 1.5 / 2**15,
    ("WAV", "PCM_24"): 0.5 / 2**23,
    ("WAV", "PCM_32"): 0.5 / 2**31,
    ("WAV", "FLOAT"): 2**-24,
    ("WAV", "DOUBLE"): 0,
    ("WAV", "ULAW"): 2**-5,
    ("WAV", "ALAW"): 2**-5,
    ("WAVEX", "PCM_24"): 0.5 / 2**23,
    ("FLAC", "PCM_S8"): 1.5 / 2**7,
    ("FLAC", "PCM_16"): 1.5 / 2**15,
    ("FLAC", "PCM_24"): 0.5 / 2**23,
    ("AIFF", "PCM_16"): 1.5 / 2**15,
    ("AIFF", "PCM_S8"): 1.5 / 2**7,
    ("CAF", "PCM_24"): 0.5 / 2**23,
    ("CAF", "ALAC_16"): 1.5 / 2**15,
    ("W64", "PCM_16"): 1.5 / 2**15,
    ("RF64", "PCM_16"): 1.5 / 2**15,
    ("AU", "FLOAT"): 2**-24,
    ("OGG", "VORBIS"): 0.05,
    ("OGG", "OPUS"): 0.05,
    ("MP3", "MPEG_LAYER_III"): 0.05,
}
RATE = 48000


@pytest.fixture
def sound():
    """A third of a second, stereo: (16000, 2) float64, peak 0.5."""
    time = np.arange(16000) / RATE
    return 0.5 * np.stack([np.sin(2 * np.pi * f * time) for f in (440, 660)], axis=1)


def written(path, form, *blocks, seed=0):
    return written_from(path, form, blocks, seed)


def written_from(path, form, blocks, seed=0):
    with FormWriter(path, form, seed) as writer:
        for block in blocks:
            writer.write(block)
    return path


@pytest.mark.parametrize(("container", "subtype"), FORMS)
def test_what_is_written_has_the_form_and_the_samples(container, subtype, sound, tmp_path):
    form = Form(container, subtype, "FILE", RATE, 2)
    path = written(tmp_path / "file", form.at(tmp_path / "file"), sound)
    again, found = read(path)
    assert (found.container, found.subtype) == (container, subtype)
    assert (found.sample_rate, found.channels) == (RATE, 2)
    assert again.shape == sound.shape
    assert np.abs(again - sound).max() <= FORMS[container, subtype]
    if subtype in ("VORBIS", "OPUS", "MPEG_LAYER_III"):
        return
    # read and written once more, it is the same to the bit, whatever the dither
    second = written(tmp_path / "again", found, again, seed=5)
    np.testing.assert_array_equal(read(second)[0], again)
    if subtype != "ULAW":  # which has two zeros
        assert second.read_bytes() == path.read_bytes()


def test_between_levels_there_is_dither_and_on_them_none(tmp_path):
    form = Form("WAV", "PCM_16", "FILE", RATE, 1)
    levels = np.repeat([0.0, 0.25, -1.0], 100_000)
    between = levels + 0.3 / 2**15
    path = written(tmp_path / "file.wav", form, levels, between)
    samples = soundfile.read(path, dtype="int16")[0].astype(float)
    np.testing.assert_array_equal(samples[:300_000], 2**15 * levels)
    error = samples[300_000:] - 2**15 * between
    # TPDF: no mean, and the power of three roundings, wherever between two levels a sample lies
    for part in np.split(error[:200_000], 2):
        assert abs(part.mean()) < 0.01
        assert part.var() == pytest.approx(3 / 12, rel=0.02)
    assert np.abs(error).max() < 1.5


def test_of_24_bits_samples_are_rounded(tmp_path):
    form = Form("WAV", "PCM_24", "FILE", RATE, 1)
    path = written(tmp_path / "file.wav", form, np.full(1000, 100.3 / 2**23))
    assert set(soundfile.read(path, dtype="int32")[0] >> 8) == {100}


def test_blocks_and_seed(sound, tmp_path):
    form = Form("FLAC", "PCM_16", "FILE", RATE, 2)
    whole = written(tmp_path / "whole", form, sound).read_bytes()
    parts = written(tmp_path / "parts", form, *np.array_split(sound, 7)).read_bytes()
    other = written(tmp_path / "other", form, sound, seed=1).read_bytes()
    assert whole == parts
    assert whole != other
    stream = io.BytesIO()
    written(stream, form, sound)
    assert stream.getvalue() == whole


def test_a_minute_in_one_block_is_no_crash(tmp_path):
    # libvorbis has a whole block on its stack
    long = np.zeros((2_300_000, 1), np.float32)
    path = written(tmp_path / "long.ogg", Form("OGG", "VORBIS", "FILE", 44100, 1), long)
    assert soundfile.info(path).frames == len(long)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "VORBIS"])
def test_beyond_full_scale_is_limited_and_counted(subtype, sound, tmp_path, caplog):
    container = "OGG" if subtype == "VORBIS" else "WAV"
    form = Form(container, subtype, "FILE", RATE, 2)
    sound[100:103, 1] = [1.2, -1.4, 1.0]
    path = written(tmp_path / "file", form, sound)
    assert "2 samples exceed full scale, by 2.9 dB at most" in caplog.text
    assert "gain -3)" in caplog.text
    if container == "WAV":
        step = 2.0 ** -(15 if subtype == "PCM_16" else 23)
        np.testing.assert_allclose(
            read(path)[0][100:103, 1], [1 - step, -1, 1 - step], atol=2 * step
        )
    caplog.clear()
    written(tmp_path / "float", replace(form, container="WAV", subtype="FLOAT"), sound)
    assert caplog.text == ""
    assert np.abs(read(tmp_path / "float")[0]).max() == np.float32(1.4)


TAGS = {"title": "Lied", "artist": "Größe", "comment": "a room", "date": "1934"}


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".caf", ".rf64"])
def test_tags_are_kept(suffix, sound, tmp_path):
    form = Form("WAV", "PCM_16", "FILE", RATE, 2, TAGS).at(Path(suffix.replace(".", "x.")))
    path = written(tmp_path / f"file{suffix}", form, sound)
    assert TAGS.items() <= dict(Form.of(path).tags).items()


def test_where_tags_cannot_be_kept_a_warning_says_so(sound, tmp_path, caplog):
    form = Form("W64", "PCM_16", "FILE", RATE, 2, TAGS)
    written(tmp_path / "file.w64", form, sound)
    assert [record.message for record in caplog.records] == [
        f"{tmp_path}/file.w64: W64 does not hold all tags: left out are title, artist, comment, "
        "date"
    ]


@pytest.mark.parametrize(
    ("form", "name", "expected"),
    [
        (("WAV", "PCM_16"), "a.flac", ("FLAC", "PCM_16")),
        (("WAV", "PCM_U8"), "a.flac", ("FLAC", "PCM_16")),
        (("WAV", "FLOAT"), "a.flac", ("FLAC", "PCM_24")),
        (("WAV", "DOUBLE"), "a.aiff", ("AIFF", "DOUBLE")),
        (("WAV", "PCM_24"), "a.mp3", ("MP3", "MPEG_LAYER_III")),
        (("WAV", "PCM_24"), "a.ogg", ("OGG", "VORBIS")),
        (("OGG", "VORBIS"), "a.opus", ("OGG", "OPUS")),
        (("OGG", "VORBIS"), "a.wav", ("WAV", "PCM_24")),
        (("OGG", "OPUS"), "a.oga", ("OGG", "VORBIS")),
        (("WAV", "ULAW"), "a.flac", ("FLAC", "PCM_16")),
        (("WAV", "ULAW"), "a.au", ("AU", "ULAW")),
        (("WAV", "IMA_ADPCM"), "a.flac", ("FLAC", "PCM_16")),
        (("WAVEX", "PCM_24"), "a.wav", ("WAVEX", "PCM_24")),
        (("RF64", "PCM_24"), "a.wav", ("WAV", "PCM_24")),
        (("CAF", "ALAC_24"), "a.caf", ("CAF", "PCM_24")),
        (("CAF", "ALAC_20"), "a.flac", ("FLAC", "PCM_24")),
        (("MP3", "MPEG_LAYER_II"), "a.mp2", ("MP3", "MPEG_LAYER_III")),
        (("WVE", "ALAW"), "a.wve", ("WAV", "ALAW")),
        (("FLAC", "PCM_16"), "no suffix", ("FLAC", "PCM_16")),
    ],
)
def test_the_nearest_form_for_a_name(form, name, expected):
    found = Form(*form, "FILE", RATE, 2).at(Path(name))
    assert (found.container, found.subtype) == expected


def test_what_a_format_cannot_hold_is_written_as_wav():
    assert Form("WAV", "PCM_16", "FILE", 96000, 1).at(Path("a.mp3")).container == "WAV"
    assert Form("WAV", "PCM_16", "FILE", RATE, 12).at(Path("a.flac")).container == "WAV"
    assert Form("WAV", "PCM_16", "FILE", 44100, 1).at(Path("a.opus")).subtype == "VORBIS"
    with pytest.raises(DapError, match="5000 channels at 48000 Hz: neither FLAC nor WAV"):
        Form("FLAC", "PCM_16", "FILE", RATE, 5000).at(Path("a.flac"))


def test_the_same_extension_is_the_same_form(sound, tmp_path):
    path = written(tmp_path / "a.wav", Form("FLAC", "PCM_16", "FILE", RATE, 2), sound)
    form = Form.of(path)
    assert form.at(tmp_path / "b.wav", path).container == "FLAC"
    assert form.at(tmp_path / "b.wav").container == "WAV"


def test_what_lies_between_levels_takes_24_bits():
    for form, finer in (
        (("WAV", "PCM_U8"), "PCM_24"),
        (("FLAC", "PCM_16"), "PCM_24"),
        (("WAV", "ULAW"), "PCM_24"),
        (("WAV", "PCM_32"), "PCM_32"),
        (("WAV", "FLOAT"), "FLOAT"),
        (("OGG", "VORBIS"), "VORBIS"),
        (("AVR", "PCM_16"), "PCM_16"),  # which has no more
    ):
        assert Form(*form, "FILE", RATE, 1).finer().subtype == finer


def test_byte_order_is_kept(sound, tmp_path):
    form = Form("AIFF", "PCM_16", "LITTLE", RATE, 2)
    path = written(tmp_path / "a.aiff", form, sound)
    assert Form.of(path).endian == "LITTLE"
    assert Form.of(path).at(tmp_path / "a.wav").endian == "FILE"


def test_a_wav_that_would_be_too_large_is_an_rf64():
    form = Form("WAV", "PCM_24", "FILE", RATE, 2)
    assert form.holding(715_816_960).container == "WAV"
    assert form.holding(715_816_961).container == "RF64"
    assert replace(form, container="FLAC").holding(2**33).container == "FLAC"


def test_a_failure_ends_the_file_and_passes(sound, tmp_path, caplog):
    def blocks():
        yield 3 * sound
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written_from(tmp_path / "a.wav", Form("WAV", "PCM_16", "FILE", RATE, 2), blocks())
    assert caplog.text == ""
    assert soundfile.info(tmp_path / "a.wav").frames == len(sound)


def test_damaged_and_foreign_files(sound, tmp_path, monkeypatch, caplog):
    path = written(tmp_path / "a.wav", Form("WAV", "PCM_32", "FILE", RATE, 2), sound)
    path.write_bytes(path.read_bytes()[:-80000])
    caplog.set_level(logging.WARNING)
    samples, form = read(path)
    assert samples.shape == (6000, 2)
    assert form.subtype == "PCM_32"
    assert "is cut or damaged" in caplog.text
    foreign = tmp_path / "a.m4a"
    foreign.write_bytes(b"\0\0\0\x20ftypM4A ")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(DapError, match=r"a.m4a: is MPEG-4 audio.*which takes ffmpeg"):
        Form.of(foreign)
    wav = io.BytesIO()
    soundfile.write(wav, np.zeros((10, 1)), 44100, format="WAV", subtype="FLOAT")
    monkeypatch.setattr("dap.decoding.by_ffmpeg", lambda *_: wav.getvalue())
    assert str(Form.of(foreign)) == "WAV PCM_24, 44100 Hz, one channel"


class Full(io.BytesIO):
    """A file on a disk that is full for one of its writes, and has room again."""

    def __init__(self, at):
        super().__init__()
        self.left = at

    def write(self, data):
        self.left -= 1
        if not self.left:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("at", [1, 3])
def test_a_disk_that_is_full_for_a_while_is_told(container, at, sound):
    subtype = {"OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}.get(container, "PCM_16")
    form = Form(container, subtype, "FILE", RATE, 2)
    with pytest.raises(UnwritableError, match="the result: cannot be written: the disk is full"):
        written_from(Full(at), form, [sound] * 10)
