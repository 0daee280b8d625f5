"""Files keep their form when they are restored."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

import dap
from dap.data.corruptions.quantization import cells
from dap.files.form import Form, FormWriter
from dap.files.restore import files_of

RATE = 32000


@pytest.fixture
def stereo(hiss):
    """0.375 s of a tone in noise, with 0.1 s of digital silence: (12000, 2), another in each."""
    time = np.arange(12000) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 440 * time)
    signal = np.stack([tone + 0.1 * hiss[:12000], 0.5 * tone + 0.2 * hiss[12000:24000]], axis=1)
    signal[4000:7200] = 0
    return signal


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, signal, form=("WAV", "PCM_16"), **tags):
    with FormWriter(Path(name), Form(*form, "FILE", RATE, signal.shape[1], tags)) as writer:
        writer.write(signal)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.wav", ("WAV", "PCM_16")),
        ("a.wav", ("WAVEX", "PCM_24")),
        ("a.wav", ("WAV", "PCM_32")),
        ("a.flac", ("FLAC", "PCM_24")),
        ("a.aiff", ("AIFF", "PCM_16")),
        ("a.ogg", ("OGG", "VORBIS")),
        ("a.mp3", ("MP3", "MPEG_LAYER_III")),
        ("a.rf64", ("RF64", "FLOAT")),
    ],
)
def test_the_form_is_the_recordings(name, form, stereo, folder):
    write(name, stereo, form, title="A", artist="B")
    found = dap.restore_file(name)
    result = Path(found.path)
    assert result.name == name.replace("a.", "a.restored.")
    before, after = Form.of(Path(name)), Form.of(result)
    assert after == before
    assert (after.tags["title"], after.tags["artist"]) == ("A", "B")
    assert str(found) == f"{result}: 0.375 s, {before}, restored by wiener-tracked"
    signals = [soundfile.read(path)[0] for path in (name, result)]
    assert signals[0].shape == signals[1].shape
    for channel in (0, 1):  # each is its own
        assert 0.2 < np.corrcoef(stereo[:, channel], signals[1][:, channel])[0, 1] < 1
    if form[1] in ("VORBIS", "MPEG_LAYER_III"):  # whose encoder has taken some noise
        return
    assert (signals[1][:4000].std(axis=0) < signals[0][:4000].std(axis=0)).all()
    assert not signals[1][4000:7200].any()


def test_outside_of_gaps_each_bit_stays(stereo, folder):
    write("a.wav", stereo[:4000])
    found = dap.restore_file("a.wav", "b.wav", gaps=[(0.05, 0.06)])
    before, after = (soundfile.read(name, dtype="int16")[0] for name in ("a.wav", "b.wav"))
    changed = np.flatnonzero((before != after).any(axis=1))
    assert 1600 <= changed.min() <= changed.max() < 1920
    assert len(changed) > 300
    assert found.gaps == ((0.05, 0.06),)
    assert found.how == "janssen"


def test_gaps_that_are_found_are_filled(voice, folder):
    damaged = voice[:, np.newaxis].copy()
    damaged[4100:4200] = 0
    write("a.flac", damaged, ("FLAC", "PCM_16"))
    found = dap.restore_file("a.flac", detect_gaps=True)
    ((start, end),) = found.gaps
    assert (round(start * RATE), round(end * RATE)) == (4100, 4200)
    after = soundfile.read("a.restored.flac")[0]
    error = after[4100:4200] - voice[4100:4200]
    assert np.square(error).sum() < 0.5 * np.square(voice[4100:4200]).sum()
    with pytest.raises(dap.DapError, match=r"a.restored.flac: no gap was found: name it by --gap"):
        dap.restore_file("a.restored.flac", detect_gaps=True)


def test_a_constant_offset_is_no_noise(stereo, folder):
    write("a.wav", 0.3 * stereo[:4000] + 0.2)
    dap.restore_file("a.wav")
    before, after = (soundfile.read(f"a{name}.wav")[0] for name in ("", ".restored"))
    np.testing.assert_allclose(after.mean(axis=0), before.mean(axis=0), atol=2e-3)


def test_how_much(stereo, folder):
    write("a.wav", stereo, ("WAV", "FLOAT"))
    signals = []
    for amount in (0.0, 0.25, 1.0):
        dap.restore_file("a.wav", "b.wav", force=True, amount=amount)
        signals.append(soundfile.read("b.wav")[0])
    np.testing.assert_array_equal(signals[0], soundfile.read("a.wav")[0])
    mixed = 0.75 * signals[0] + 0.25 * signals[2]
    np.testing.assert_allclose(signals[1], mixed, atol=1e-6)
    for options in ({"amount": 1.1}, {"amount": -0.1}, {"amount": 0.5, "gaps": [(0.1, 0.2)]}):
        with pytest.raises(dap.DapError, match=r"amount is .*: must be from 0 to 1"):
            dap.restore_file("a.wav", "b.wav", force=True, **options)


def test_beyond_full_scale(stereo, folder, monkeypatch, caplog):
    write("a.wav", stereo)
    monkeypatch.setattr(
        "dap.files.jobs.kept", lambda recorded, restored, *_, **__: (0 * x + 1.5 for x in restored)
    )
    found = dap.restore_file("a.wav")
    assert "a.restored.wav: 24000 samples exceed full scale, by 3.5 dB at most" in caplog.text
    assert set(soundfile.read(found.path, dtype="int16")[0].ravel()) == {2**15 - 1}


def test_another_format(stereo, folder):
    write("a.wav", stereo, ("WAV", "PCM_24"))
    found = dap.restore_file("a.wav", "b.flac")
    assert str(found).startswith(
        "b.flac: 0.375 s, FLAC PCM_24, 32000 Hz, stereo (from WAV PCM_24, 32000 Hz, stereo), "
    )
    with pytest.raises(dap.DapError, match=r"no .m4a file can be written: name it .wav, .flac"):
        dap.restore_file("a.wav", "b.m4a")
    write("many.wav", np.tile(stereo, (1, 6)))
    with pytest.raises(dap.DapError, match=r"b.mp3: no .mp3 file of 12 channels at 32000 Hz can"):
        dap.restore_file("many.wav", "b.mp3")
    assert not Path("b.mp3").exists()


def test_what_cannot_be_written_in_its_format(stereo, folder, monkeypatch):
    write("a.wav", stereo[:, :1], ("WAV", "PCM_16"))
    Path("a.wav").rename("talk.m4a")  # as if ffmpeg had read it
    foreign = Form("WAV", "PCM_24", "FILE", RATE, 1)
    monkeypatch.setattr("dap.files.ends.Form.of", lambda path: foreign)
    assert Path(dap.restore_file("talk.m4a").path).name == "talk.restored.wav"
    with pytest.raises(dap.DapError, match=r"other.m4a: no .m4a file of 1 channels"):
        dap.restore_file("talk.m4a", "other.m4a")


def test_what_there_is_stays(stereo, folder):
    write("a.wav", stereo)
    Path("a.restored.wav").write_bytes(b"mine")
    with pytest.raises(dap.DapError, match="is there already: name another file, or give --force"):
        dap.restore_file("a.wav")
    assert Path("a.restored.wav").read_bytes() == b"mine"
    with pytest.raises(dap.DapError, match="is the recording itself"):
        dap.restore_file("a.wav", "a.wav", force=True)
    Path("no.wav").write_bytes(b"no sound")
    with pytest.raises(dap.DapError, match=r"no.wav: cannot be read as audio"):
        dap.restore_file("no.wav")
    with pytest.raises(dap.DapError, match=r"none.wav"):
        dap.restore_file("none.wav")


def test_two_recordings_of_one_name_have_two_results(tmp_path):
    for name in ("a.m4a", "a.wma", "b.wma", "c.wav", "c.m4a"):
        (tmp_path / name).touch()
    results = dict(files_of(tmp_path, tmp_path / "to"))
    assert {path.name: result.name for path, result in results.items()} == {
        "a.m4a": "a.m4a.wav", "a.wma": "a.wma.wav", "b.wma": "b.wav", "c.wav": "c.wav",
        "c.m4a": "c.m4a.wav",
    }  # fmt: skip


@pytest.mark.parametrize("still", [0.0, 0.1])
def test_a_silent_channel_was_not_quantized(still, stereo, folder, caplog):
    coarse = cells(stereo[:, 0], 16, "mid-rise")[0]
    both = np.stack([coarse, np.full_like(coarse, still)], axis=1)
    soundfile.write("a.wav", both, RATE, subtype="FLOAT")
    found = dap.restore_file("a.wav", bins=16, method="cell-projection")
    result = soundfile.read(found.path)[0]
    assert np.abs(result[:, 0] - coarse).max() > 0.01
    np.testing.assert_allclose(result[:, 1], still, atol=1e-7)
    assert "quantized" not in caplog.text
