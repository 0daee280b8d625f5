"""Solos of sampled instruments: melodies by seed, rendered from a sound font by FluidSynth.

The instruments are those of General MIDI. A solo has its own register, tempo, dynamics, tuning and
vibrato. All solos of an instrument are one MIDI file, since loading a sound font takes longer than
rendering it.
"""

import logging
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dap.audio import read
from dap.data.synthetic._melody import melody
from dap.data.synthetic._synthesis import level
from dap.errors import DapError, extra
from dap.seeds import derive
from dap.store import writing

SAMPLE_RATE = 16000
SECONDS = 6.5  # of a solo
GAP_SECONDS = 2.0  # behind it, in which its last note dies away
TICKS = 480  # of a beat, which lasts half a second
PLACES = (  # where Debian and other systems have one
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/soundfonts/default.sf2",
)
PERCUSSION = 9  # MIDI's tenth channel, where keys are drums
log = logging.getLogger("dap")


@dataclass(frozen=True)
class Instrument:
    """An instrument of General MIDI.

    Attributes:
        program: its number, from 0; None for drums, whose keys are `keys`.
        low, high: MIDI numbers of its range.
        sustained: whether its notes have vibrato and swell.
        keys: of the drums.
    """

    program: int | None
    low: int = 0
    high: int = 0
    sustained: bool = False
    keys: tuple[int, ...] = ()


INSTRUMENTS = {
    "violin": Instrument(40, 55, 91, sustained=True),
    "cello": Instrument(42, 36, 69, sustained=True),
    "fiddle": Instrument(110, 55, 86, sustained=True),
    "flute": Instrument(73, 60, 91, sustained=True),
    "guitar": Instrument(24, 40, 79),
    "xylophone": Instrument(13, 65, 100),
    "congas": Instrument(None, keys=(62, 63, 64)),
}

# (seconds, message's type, what it says)
Event = tuple[float, str, dict[str, int]]


def find(font: str | None) -> Path:
    """The sound font: that of the study, or the first that is there.

    Raises:
        DapError: there is none, or FluidSynth is not installed.
    """
    remedy = "install Debian's packages fluidsynth and fluid-soundfont-gm"
    if shutil.which("fluidsynth") is None:
        raise DapError(f"sound-font is rendered by fluidsynth, which is not installed: {remedy}")
    for place in [font] if font else PLACES:
        if Path(place).is_file():
            with Path(place).open("rb") as file:
                beginning = file.read(12)
            # FluidSynth would take another one instead, and say so in passing
            if (beginning[:4], beginning[8:]) != (b"RIFF", b"sfbk"):
                raise DapError(f"{place}: is no sound font; name any .sf2, or {remedy}")
            return Path(place)
    raise DapError(
        f"there is no sound font at {font or ', '.join(PLACES)}: {remedy}, or name any .sf2 by "
        "--config sound_font=PATH"
    )


def solo(name: str, index: int) -> Iterator[Event]:
    """The events of a solo, whose first note is at 0, in no order.

    It depends on the instrument's name and on the index alone, so the corpus is one and the same.
    """
    instrument = INSTRUMENTS[name]
    rng = np.random.default_rng(derive(0, "sound-font", name, index))
    yield 0.0, "control_change", {"control": 123, "value": 0}  # all notes off
    if instrument.program is None:
        yield from _drums(rng, instrument.keys)
        return
    yield 0.0, "program_change", {"program": instrument.program}
    # within a fifth of a semitone; the wheel's range is two
    yield 0.0, "pitchwheel", {"pitch": int(rng.uniform(-0.2, 0.2) * 4096)}
    width = int(rng.integers(12, max(13, instrument.high - instrument.low)))
    low = int(rng.integers(instrument.low, max(instrument.low, instrument.high - width) + 1))
    vibrato = int(rng.uniform(0, 60)) if instrument.sustained else 0
    double = rng.uniform(0.0, 0.2)
    for note in melody(rng, SECONDS, low, min(low + width, instrument.high)):
        end = min(note.start + note.seconds, SECONDS)
        velocity = int(np.clip(127 * note.velocity, 20, 127))
        keys = [note.key]
        if rng.uniform() < double and note.key - 12 >= instrument.low:
            keys.append(note.key - int(rng.choice((5, 7, 12))))
        for key in keys:
            yield note.start, "note_on", {"note": key, "velocity": velocity}
            yield max(end, note.start + 0.05), "note_off", {"note": key}
        if not instrument.sustained:
            continue
        for part in np.linspace(0, 1, 9):
            when = note.start + part * (end - note.start)
            swell = 90 + 37 * np.sin(np.pi * part) * rng.uniform(0.5, 1)
            yield when, "control_change", {"control": 11, "value": int(min(swell, 127))}
            rising = int(vibrato * min(1, 2 * part))
            yield when, "control_change", {"control": 1, "value": rising}


def _drums(rng: np.random.Generator, keys: tuple[int, ...]) -> Iterator[Event]:
    steps = 16
    step_seconds = 15.0 / rng.uniform(80.0, 140.0)
    likely, accent = rng.uniform(0.1, 0.9, steps), rng.uniform(0.4, 1.0, steps)
    hits = rng.choice(keys, steps)
    likely[0] = 1.0
    for step in range(int(SECONDS / step_seconds)):
        place = step % steps
        if rng.uniform() < likely[place]:
            key = int(rng.choice(keys)) if rng.uniform() < 0.15 else int(hits[place])
            start = step * step_seconds + (rng.uniform(0, 0.012) if step else 0.0)
            velocity = int(np.clip(127 * accent[place] * rng.uniform(0.8, 1.1), 20, 127))
            yield start, "note_on", {"note": key, "velocity": velocity}
            yield start + 0.5 * step_seconds, "note_off", {"note": key}


def write_midi(path: Path, name: str, count: int) -> None:
    """Write all solos of an instrument, one behind the other."""
    with extra("sound-font"):
        import mido

    channel = PERCUSSION if INSTRUMENTS[name].program is None else 0
    events = [
        (index * (SECONDS + GAP_SECONDS) + start, order, kind, values)
        for index in range(count)
        for order, (start, kind, values) in enumerate(solo(name, index))
    ]
    track, now = mido.MidiTrack(), 0
    for start, _, kind, values in sorted(events, key=lambda event: event[:2]):
        tick = round(start * 2 * TICKS)
        track.append(mido.Message(kind, channel=channel, time=tick - now, **values))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=2 * TICKS * 4))
    mido.MidiFile(type=0, ticks_per_beat=TICKS, tracks=[track]).save(path)


def render(font: Path, folder: Path, count: int) -> list[dict]:
    """Render solos of each instrument into `folder/<instrument>/<index>.flac`, 16 kHz, one channel.

    Returns:
        The index, in the order of names: file, below the folder, and bytes.

    Raises:
        DapError: FluidSynth failed, or a file cannot be written.
    """
    import soundfile

    rows = []
    for name in sorted(INSTRUMENTS):
        with tempfile.TemporaryDirectory() as scratch:
            midi, audio = Path(scratch) / "solos.mid", Path(scratch) / "solos.wav"
            write_midi(midi, name, count)
            # without its reverberation and chorus, which are not the instrument's
            options = ["-n", "-i", "-q", "-R", "0", "-C", "0", "-g", "0.5", "-r", "44100"]
            command = ["fluidsynth", *options, "-F", str(audio), str(font), str(midi)]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            said = f"{result.stdout}{result.stderr}".strip()
            if result.returncode or not audio.is_file() or "error" in said:
                raise DapError(
                    f"fluidsynth could not render {name} from {font}: {said or 'it wrote nothing'}"
                )
            sound = read(audio, SAMPLE_RATE)
        for index in range(count):
            start = round(index * (SECONDS + GAP_SECONDS) * SAMPLE_RATE)
            part = level(sound[start : start + round(SECONDS * SAMPLE_RATE)])
            file = f"{name}/{index:03d}.flac"
            with writing(folder / file) as partial:
                soundfile.write(partial, part, SAMPLE_RATE, "PCM_16", format="FLAC")
            rows.append({"file": file, "bytes": (folder / file).stat().st_size})
        log.info("%s: %d solos", name, count)
    return rows
