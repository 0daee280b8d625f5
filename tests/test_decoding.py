"""Files that are cut, damaged, unfinished, or of a format that libsndfile does not know."""

import stat
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dap import decoding
from dap.audio import check, read
from dap.decoding import MANY_BYTES, decode
from dap.errors import DapError, UnusableError

RATE = 16000


@pytest.fixture(autouse=True)
def no_ffmpeg(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def wav(samples, size=None, rate=RATE, chunks=b""):
    """A WAV of 16 bits whose header claims `size` bytes of samples, and chunks behind these."""
    data = (np.asarray(samples) * 32767).astype("<i2").tobytes()
    size = len(data) if size is None else size
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate % 2**32, 2, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", size) + data + chunks
    return b"RIFF" + struct.pack("<I", len(body)) + body


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


# of MP3 the last frame is lost, and of FLAC a block; Ogg is read page by page
@pytest.mark.parametrize(
    ("suffix", "subtype", "least"),
    [
        ("wav", None, 0.59),
        ("aiff", None, 0.59),
        ("au", None, 0.59),
        ("w64", None, 0.59),
        ("flac", None, 0.5),
        ("mp3", None, 0.5),
        ("ogg", "VORBIS", 0.25),
        ("ogg", "OPUS", 0.25),
    ],
)
def test_of_a_file_that_was_cut_the_beginning_is_read(
    tmp_path, hiss, caplog, suffix, subtype, least
):
    path = tmp_path / f"a.{suffix}"
    sound = np.tile(hiss, 8)
    soundfile.write(path, sound, RATE, subtype=subtype)
    whole = read(path, RATE)
    assert not caplog.records
    cut(path, 0.6)
    rest = read(path, RATE)
    assert least * len(whole) <= len(rest) <= 0.61 * len(whole)
    tail = 2000  # of a lossy format the last frame misses what follows
    np.testing.assert_array_equal(rest[:-tail], whole[: len(rest) - tail])
    assert caplog.messages == [
        f"{path}: is cut or damaged: its first {len(rest) / RATE:.2f} s are read"
    ]


def test_of_a_damaged_flac_what_comes_before_is_read(tmp_path, hiss, caplog):
    path = tmp_path / "a.flac"
    sound = np.tile(hiss, 8)
    soundfile.write(path, sound, RATE)
    whole = read(path, RATE)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    path.write_bytes(content)
    rest = read(path, RATE)
    assert 4096 <= len(rest) <= len(whole)
    np.testing.assert_array_equal(rest[:4096], whole[:4096])
    assert "is cut or damaged" in caplog.text


@pytest.mark.parametrize("claimed", [0, 2**31 - 1, 2**32 - 1, 2**32 - 37])
def test_a_wav_that_nobody_finished_is_read_to_its_end(tmp_path, tone, caplog, claimed):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(tone, claimed))
    np.testing.assert_allclose(read(path, RATE), tone, rtol=0, atol=2.0**-14)
    if claimed:  # by a program that writes into a pipe, which is nothing to worry about
        assert not caplog.records
    else:
        assert "its header claims no samples" in caplog.text
        assert "all that follows is read, 0.26 s" in caplog.text


def test_what_a_header_leaves_out_is_said(tmp_path, tone, caplog):
    path = tmp_path / "a.wav"
    sound = np.tile(tone, 4)
    path.write_bytes(wav(sound, size=len(sound)))  # half of it, in bytes
    assert len(read(path, RATE)) == len(sound) // 2
    assert f"{len(sound)} bytes follow, which are left out" in caplog.text
    assert "--ignore-length" in caplog.text


def test_chunks_behind_the_samples_are_no_sound(tmp_path, tone, caplog):
    path = tmp_path / "a.wav"
    notes = b"notes" * 2000
    path.write_bytes(wav(tone, chunks=b"LIST" + struct.pack("<I", len(notes)) + notes))
    assert len(read(path, RATE)) == len(tone)
    tag = b"TAG" + bytes(125)  # of an MP3's title, which some programs append to anything
    assert len(tag) < MANY_BYTES
    path.write_bytes(wav(tone, chunks=tag))
    assert len(read(path, RATE)) == len(tone)
    assert not caplog.records


@pytest.mark.parametrize("rate", [0, 1, 999, 4_000_001, 2_000_000_000, 4_000_000_000])
def test_rates_that_no_recording_has_are_named(tmp_path, tone, rate):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(tone, rate=rate))
    with pytest.raises(DapError, match=r"a\.wav: (its header says|cannot be read as audio)"):
        read(path, RATE)


def test_what_resampling_would_make_too_long_is_refused_before(tmp_path, tone, monkeypatch):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(tone, rate=1000))
    assert len(read(path, RATE)) == 16 * len(tone)
    monkeypatch.setattr(decoding, "MOST_SAMPLES", 16 * len(tone) - 1)
    for function in (read, check):
        with pytest.raises(UnusableError, match=r"6\.6e\+04 samples at 16000 Hz.*says 1000 Hz"):
            function(path, RATE)


def test_most_recordings_are_checked_by_their_beginning(tmp_path, hiss, monkeypatch):
    def never(path):
        raise AssertionError(path)

    path = tmp_path / "a.wav"
    soundfile.write(path, hiss, RATE)
    monkeypatch.setattr(decoding, "decode", never)
    check(path, RATE)
    soundfile.write(path, hiss, RATE, subtype="FLOAT")  # of which the last may be no number
    with pytest.raises(AssertionError):
        check(path, RATE)


@pytest.mark.parametrize(
    ("name", "head", "content"),
    [
        ("a.m4a", b"\x00\x00\x00\x20ftypM4A ", "MPEG-4 audio"),
        ("a.wma", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media audio"),
        ("a.aac", b"\xff\xf1\x50\x80", "AAC"),
        ("a.webm", b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
        ("a.ape", b"MAC \x96\x0f", "Monkey's Audio"),
        ("a.wv", b"wvpk", "WavPack"),
        ("a.amr", b"#!AMR\n", "AMR"),
        ("a.dsf", b"DSD \x1c", "DSD audio"),
        ("renamed.wav", b"\x00\x00\x00\x20ftypM4A ", "MPEG-4 audio"),
    ],
)
def test_foreign_formats_are_named_with_what_to_do(tmp_path, name, head, content):
    path = tmp_path / name
    path.write_bytes(head + bytes(1000))
    with pytest.raises(DapError) as raised:
        read(path, RATE)
    assert str(raised.value).startswith(f"{path}: is {content}")
    assert "takes ffmpeg: install it, or convert the file" in str(raised.value)


def program(folder, lines):
    """A program named ffmpeg, first on the path."""
    folder.mkdir()
    path = folder / "ffmpeg"
    path.write_text("#!/bin/sh\n" + lines)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_ffmpeg_reads_what_libsndfile_does_not(tmp_path, tone):
    converted = tmp_path / "converted.wav"
    soundfile.write(converted, np.stack((tone, tone), axis=1), 44100, subtype="FLOAT")
    program(tmp_path / "bin", f'echo "$@" > {tmp_path}/asked\n/bin/cat {converted}\n')
    path = tmp_path / "-a.m4a"
    path.write_bytes(b"\x00\x00\x00\x20ftypM4A " + bytes(1000))
    samples, rate = decode(path)
    assert rate == 44100
    np.testing.assert_array_equal(samples, np.stack((tone, tone), axis=1))
    assert f"-i file:{path} " in (tmp_path / "asked").read_text()


@pytest.mark.parametrize(
    ("lines", "reason"),
    [("echo 'moov atom not found' >&2; exit 1", "moov atom not found"), ("exit 0", "no audio")],
)
def test_what_ffmpeg_cannot_read_is_named(tmp_path, lines, reason):
    program(tmp_path / "bin", lines)
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\x00\x00\x00\x20ftypM4A ")
    with pytest.raises(DapError, match=f"ffmpeg cannot read it: {reason}"):
        read(path, RATE)


def test_channels_that_cancel_are_named(tmp_path, tone, hiss, caplog):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack((tone, -0.9 * tone), axis=1), RATE, subtype="FLOAT")
    read(path, RATE)
    assert "its 2 channels cancel" in caplog.text
    assert "26 dB below one of them" in caplog.text
    assert "remix 1" in caplog.text
    caplog.clear()
    unrelated = np.stack((tone, hiss[: len(tone)]), axis=1)
    silent = np.stack((tone, *[0 * tone] * 5), axis=1)  # a centre of six
    for channels in (unrelated, silent, tone):
        soundfile.write(path, channels, RATE, subtype="FLOAT")
        read(path, RATE)
    assert not caplog.records


def mutations():
    """Bytes of a WAV's header that are others, and where the file ends."""
    changes = st.lists(st.tuples(st.integers(0, 43), st.integers(0, 255)), max_size=4)
    return st.tuples(changes, st.integers(0, 4044))


FUZZ = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


def fuzzed(tmp_path, mutation):
    changes, end = mutation
    content = bytearray(wav(np.sin(np.arange(2000) / 9)))
    for index, value in changes:
        content[index] = value
    path = tmp_path / "a.wav"
    content = bytes(content[:end])
    path.write_bytes(content)
    try:
        signal = read(path, RATE)
    except DapError as error:
        message = str(error)
        assert message.startswith(str(path))
        assert "\n" not in message
        with pytest.raises(UnusableError) as checked:
            check(path, RATE)
        assert str(checked.value) == message
    else:
        check(path, RATE)
        assert signal.dtype == np.float32
        assert np.isfinite(signal).all()
        assert 0 < len(signal) <= 2000 * RATE
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@given(mutations())
@settings(max_examples=200, **FUZZ)
def test_any_header_is_read_or_refused(tmp_path, mutation):
    fuzzed(tmp_path, mutation)


@pytest.mark.slow
@given(mutations())
@settings(max_examples=3000, **FUZZ)
def test_many_headers_are_read_or_refused(tmp_path, mutation):
    fuzzed(tmp_path, mutation)
