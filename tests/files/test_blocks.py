"""Audio files read block by block: the samples are those of `dap.decoding`."""

import logging
import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from dap.audio import resample
from dap.decoding import decode
from dap.errors import DapError, UnusableError
from dap.files.blocks import BlockReader, readable, resampled


@pytest.fixture
def noise():
    return np.random.default_rng(0).uniform(-0.5, 0.5, (150_001, 2))


def blocks_of(path, **options):
    with BlockReader(path, **options) as reader:
        return list(reader)


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [("wav", "PCM_16"), ("flac", "PCM_24"), ("ogg", "VORBIS"), ("aiff", "PCM_16"), ("mp3", None)],
)
def test_blocks_are_the_decoded_file(suffix, subtype, noise, tmp_path):
    path = tmp_path / f"in.{suffix}"
    soundfile.write(path, noise, 44100, subtype=subtype)
    found = blocks_of(path)
    assert max(map(len, found)) <= 65536
    np.testing.assert_array_equal(np.concatenate(found), decode(path)[0])


def test_samples_of_32_bits_keep_them(noise, tmp_path):
    path = tmp_path / "in.wav"
    soundfile.write(path, noise, 44100, subtype="DOUBLE")
    np.testing.assert_array_equal(np.concatenate(blocks_of(path)), noise)


@pytest.mark.parametrize("rates", [(44100, 16000), (16000, 44100), (48000, 48000)])
@pytest.mark.parametrize("size", [1000, 65536])
def test_blocks_are_resampled_as_the_whole(rates, size, noise):
    signal = noise[:20_001].astype(np.float32)
    parts = (signal[start : start + size] for start in range(0, len(signal), size))
    found = np.concatenate(list(resampled(parts, *rates, 2)))
    for channel in (0, 1):
        expected = resample(np.ascontiguousarray(signal[:, channel]), *rates)
        np.testing.assert_array_equal(found[:, channel], expected)
    assert list(resampled(iter([]), *rates, 2)) == []


def warned(path, caplog):
    """The samples of a damaged file, and what is said of it, with its path left out."""
    with caplog.at_level(logging.WARNING, "dap"):
        caplog.clear()
        found = np.concatenate(blocks_of(path))
        said = caplog.messages
        caplog.clear()
        np.testing.assert_array_equal(found, decode(path)[0])
        assert said == caplog.messages
        caplog.clear()
        blocks_of(path, quiet=True)
        assert caplog.messages == []
    return said


def test_a_file_that_is_damaged_in_its_middle_is_read_up_to_there(noise, tmp_path, caplog):
    path = tmp_path / "in.flac"
    soundfile.write(path, noise, 44100)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = bytes(20_000)
    path.write_bytes(content)
    (line,) = warned(path, caplog)
    assert "is cut or damaged: its first " in line


def test_a_flac_of_unknown_length_is_read_whole(noise, tmp_path, caplog):
    path = tmp_path / "in.flac"
    soundfile.write(path, noise, 44100)
    whole = np.concatenate(blocks_of(path))
    content = bytearray(path.read_bytes())
    # of STREAMINFO's total number of samples, 36 bits: 0 is unknown, as an encoder into a pipe says
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    np.testing.assert_array_equal(np.concatenate(blocks_of(path)), whole)
    assert caplog.messages == []


def test_a_wav_that_was_cut(noise, tmp_path, caplog):
    path = tmp_path / "in.wav"
    soundfile.write(path, noise, 44100)
    path.write_bytes(path.read_bytes()[:400_001])
    (line,) = warned(path, caplog)
    assert "is cut or damaged" in line


def test_a_wav_that_was_broken_off(noise, tmp_path, caplog):
    path = tmp_path / "in.wav"
    soundfile.write(path, noise, 44100, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = bytes(4)
    path.write_bytes(content)
    (line,) = warned(path, caplog)
    assert "its header claims no samples" in line
    assert path.read_bytes() == content


def test_what_is_no_audio(tmp_path):
    path = tmp_path / "in.wav"
    for content, reason in ((b"hello", "cannot be read as audio"), (b"fLaC", "cannot be read")):
        path.write_bytes(content)
        with pytest.raises(UnusableError, match=reason), readable(path):
            pass
    with pytest.raises(DapError, match="No such file"), readable(tmp_path / "none.wav"):
        pass


def test_a_rate_of_no_recording(noise, tmp_path):
    path = tmp_path / "in.wav"
    soundfile.write(path, noise, 100)
    with pytest.raises(UnusableError, match="its header says 100 Hz"):
        BlockReader(path)


M4A = b"\0\0\0\x20ftypM4A " + bytes(100)


def test_without_ffmpeg_its_formats_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    path = tmp_path / "in.m4a"
    path.write_bytes(M4A)
    with pytest.raises(UnusableError, match="takes ffmpeg: install it"), readable(path):
        pass


def test_ffmpeg_decodes_into_a_temporary_file(noise, tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    soundfile.write(tmp_path / "decoded.wav", noise, 44100, subtype="FLOAT")
    # the last argument is the file to be written
    program.write_text(
        f'#!/bin/sh\nfor last; do :; done\ncp "{tmp_path}/decoded.wav" "${{last#file:}}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(program))
    path = tmp_path / "in.m4a"
    path.write_bytes(M4A)
    with readable(path) as decoded:
        assert decoded != path
        assert sum(map(len, blocks_of(decoded))) == len(noise)
    assert not decoded.exists()
    program.write_text("#!/bin/sh\necho 'moov atom not found' >&2\nexit 1\n")
    with pytest.raises(UnusableError, match="cannot read it: moov atom not found"):
        readable(path).__enter__()


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_ffmpeg_itself(noise, tmp_path):
    soundfile.write(tmp_path / "in.wav", noise, 44100)
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "in.wav", tmp_path / "in.m4a"]
    subprocess.run(command, check=True)
    with readable(tmp_path / "in.m4a") as decoded:
        assert sum(map(len, blocks_of(decoded))) >= len(noise)
