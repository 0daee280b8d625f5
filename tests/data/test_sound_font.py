"""Solos of a sound font: what is played, and, where FluidSynth is, how it sounds."""

import shutil

import numpy as np
import pytest
import soundfile

from dap.data import sound_font
from dap.data.known import locate
from dap.data.sound_font import INSTRUMENTS, PLACES, SECONDS, find, render, solo, write_midi
from dap.errors import DapError


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_solos_vary_and_stay_in_range(name):
    instrument = INSTRUMENTS[name]
    played = [list(solo(name, index)) for index in range(20)]
    assert played[0] == list(solo(name, 0))
    notes = [
        [
            (start, says["note"], says["velocity"])
            for start, kind, says in events
            if "on" in kind[-2:]
        ]
        for events in played
    ]
    assert len({tuple(each) for each in notes}) == 20
    for each in notes:
        assert min(start for start, _, _ in each) == 0
        assert max(start for start, _, _ in each) < SECONDS
        keys = {key for _, key, _ in each}
        assert keys <= set(instrument.keys or range(instrument.low - 12, instrument.high + 1))
    ends = [start for events in played for start, kind, _ in events if kind == "note_off"]
    assert max(ends) < SECONDS + 0.1
    vibrato = [says for events in played for _, _, says in events if says.get("control") == 1]
    assert bool(vibrato) == instrument.sustained
    assert all(0 <= each["value"] <= 127 for each in vibrato)


def test_all_solos_of_an_instrument_are_one_file(tmp_path):
    import mido

    write_midi(tmp_path / "solos.mid", "violin", 3)
    read = mido.MidiFile(tmp_path / "solos.mid")
    # three solos and the gaps behind them, and a rest at the end
    assert 2 * (SECONDS + 2) + 4 < read.length < 3 * (SECONDS + 2) + 5
    programs = [message.program for message in read if message.type == "program_change"]
    assert programs == [40] * 3


def test_without_fluidsynth_the_package_is_named(monkeypatch):
    monkeypatch.setattr(sound_font.shutil, "which", lambda name: None)
    with pytest.raises(DapError, match="not installed: install Debian's packages fluidsynth and"):
        find(None)


def test_a_font_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(sound_font.shutil, "which", lambda name: "/usr/bin/fluidsynth")
    with pytest.raises(DapError, match=r"no sound font at .*gone\.sf2: .*fluid-soundfont-gm"):
        find(str(tmp_path / "gone.sf2"))
    monkeypatch.setattr(sound_font, "PLACES", ())
    with pytest.raises(DapError, match="there is no sound font at"):
        find(None)
    (tmp_path / "mine.sf2").touch()
    with pytest.raises(DapError, match=r"mine\.sf2: is no sound font"):
        find(str(tmp_path / "mine.sf2"))
    (tmp_path / "mine.sf2").write_bytes(b"RIFF\0\0\0\0sfbk")
    assert find(str(tmp_path / "mine.sf2")) == tmp_path / "mine.sf2"


def test_the_corpus_is_rendered_where_no_mirror_has_it(tmp_path):
    assert locate("sound-font", None).rendered
    assert locate("sound-font", str(tmp_path)).rendered
    (tmp_path / "sound-font" / "violin").mkdir(parents=True)
    location = locate("sound-font", str(tmp_path))
    assert not location.rendered
    assert location.folder == str(tmp_path / "sound-font")


needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None, reason="FluidSynth is not installed"
)


@needs_fluidsynth
def test_what_is_no_sound_font_is_refused(tmp_path):
    # FluidSynth itself would render with another font
    (tmp_path / "wrong.sf2").write_bytes(b"RIFF" + bytes(100))
    with pytest.raises(DapError, match=r"could not render cello from .*wrong\.sf2: .*not a Sound"):
        render(tmp_path / "wrong.sf2", tmp_path / "solos", 1)


@needs_fluidsynth
@pytest.mark.slow
@pytest.mark.skipif(not sound_font.Path(PLACES[0]).is_file(), reason="no sound font here")
def test_solos_sound(tmp_path):
    rows = render(find(None), tmp_path, 2)
    assert [row["file"] for row in rows] == [
        f"{name}/{index:03d}.flac" for name in sorted(INSTRUMENTS) for index in range(2)
    ]
    for row in rows:
        path = tmp_path / row["file"]
        assert path.stat().st_size == row["bytes"]
        sound, rate = soundfile.read(path)
        assert (rate, len(sound)) == (16000, 104000)
        level = np.sqrt(np.mean(sound**2))
        assert level == pytest.approx(0.06, rel=1e-3) or np.abs(sound).max() > 0.89
        # a note at once
        assert np.abs(sound[:8000]).max() > 0.05
