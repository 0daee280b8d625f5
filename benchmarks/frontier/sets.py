"""The clips: two sets of real recordings that share none, and what is done to each clip.

Thresholds and ways to fit are chosen on `choose` alone; `judge` is opened once an idea is settled.
The recordings are laid out like the corpora of the papers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dap.audio import SUFFIXES, excerpt, read
from dap.data.corruptions import Context
from dap.data.observations import noise_excerpt
from dap.errors import DapError
from dap.observation import Observation
from dap.plugins import plugin
from dap.seeds import derive
from dap.tasks import TASKS

SETS = ("choose", "judge")
SAMPLE_RATE = 16000
ATTEMPTS = 20  # to draw gaps that fit
# of Narayanaswamy et al. 2021; whole lost frames are those of this transform
SPECTROGRAM = {"n_fft": 1022, "hop_length": 64, "window": "hann"}


@dataclass(frozen=True)
class Corpus:
    """A folder of recordings.

    Attributes:
        folder: under that of all recordings.
        clips: of each set.
        level: of a clip, as `dap.audio.excerpt` takes it.
        speech: whether PESQ has a meaning.
    """

    folder: str
    clips: int
    level: str = "peak"
    speech: bool = False


CORPORA = {
    "ljspeech": Corpus("LJSpeech-1.1/wavs", 8, "recorded", speech=True),
    "sc09": Corpus("sc09/test", 12, speech=True),
    "piano": Corpus("piano/test", 15),
    "drums": Corpus("drums/test", 15),
    "music": Corpus("music", 6),
    "noise": Corpus("noise", 0),
}


@dataclass(frozen=True)
class Cell:
    """One task on one corpus, or on a mixture of two.

    Attributes:
        corpora: one, or the two that are mixed.
        corruption: its kind, and all its options.
        samples: of a clip.
    """

    corpora: tuple[str, ...]
    corruption: dict
    samples: int = 8192

    @property
    def task(self) -> str:
        """Its name in `dap.tasks`."""
        return plugin("corruptions", self.corruption["kind"]).metadata["task"]

    @property
    def metrics(self) -> list[str]:
        """The measures of its task; the first is the one that methods are compared by."""
        goal = {"inpaint": "spectral_snr", "separate": "sdr_v4"}.get(self.task, "snr")
        speech = all(CORPORA[corpus].speech for corpus in self.corpora)
        return list(dict.fromkeys([goal, TASKS[self.task].quality, *(["pesq_wb"] * speech)]))


GAPS = {"kind": "gaps", "per_second": 1.0, "where": "sound"}
DROPOUTS = GAPS | {"seconds": [0.01, 0.06], "per_second": 2.0, "domain": "samples"}
FRAMES = GAPS | {"seconds": [0.1, 0.25], "domain": "frames"}
CORRUPTIONS: dict[str, tuple[dict, tuple[str, ...]]] = {
    "gaussian-0.1": ({"kind": "gaussian", "std": 0.1}, ("ljspeech", "sc09", "piano", "music")),
    "gaussian-0.05": ({"kind": "gaussian", "std": 0.05}, ("ljspeech", "sc09", "piano", "music")),
    "environmental": (
        {"kind": "environmental", "noise": "noise", "snr_db": [5.0, 9.0]},
        ("ljspeech", "sc09", "piano", "music"),
    ),
    "dropouts": (DROPOUTS, ("ljspeech", "sc09", "piano")),
    "frames": (FRAMES, ("ljspeech", "sc09")),
    "16-bins": (
        {"kind": "quantization", "bins": 16, "quantizer": "mid-rise"},
        ("ljspeech", "sc09"),
    ),
}
CELLS = {
    f"{name}/{corpus}": Cell((corpus,), corruption)
    for name, (corruption, corpora) in CORRUPTIONS.items()
    for corpus in corpora
} | {"mixture/piano+drums": Cell(("piano", "drums"), {"kind": "mixture"}, samples=4096)}


def files(folder: Path, corpus: str, which: str) -> list[Path]:
    """A set's recordings of a corpus; the two sets of a corpus share none, nor any speaker.

    Raises:
        DapError: the corpus has none.
    """
    root = folder / CORPORA[corpus].folder
    listed = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not listed:
        raise DapError(f"{root}: holds no recordings")
    if corpus == "sc09":
        return _of_other_speakers(listed, which)
    return listed[SETS.index(which) :: len(SETS)]


def _of_other_speakers(listed: Sequence[Path], which: str) -> list[Path]:
    """A recording of each of a set's speakers, digits in turn: `Eight_9d4bab4f_nohash_1.wav`."""
    speakers = sorted({path.name.split("_")[1] for path in listed})
    remaining = set(speakers[SETS.index(which) :: len(SETS)])
    digits: dict[str, list[Path]] = {}
    for path in listed:
        digits.setdefault(path.name.split("_")[0], []).append(path)
    chosen = []
    for rank in range(max(map(len, digits.values()))):
        for recordings in digits.values():
            speaker = recordings[rank].name.split("_")[1] if rank < len(recordings) else ""
            if speaker in remaining:
                remaining.remove(speaker)
                chosen.append(recordings[rank])
    return chosen


def clip(folder: Path, corpus: str, which: str, index: int, samples: int) -> np.ndarray:
    """Clip `index` of a set: (samples,), the loudest stretch of a recording, or one after it.

    Raises:
        DapError: the recordings have too little sound.
    """
    recordings = files(folder, corpus, which)
    window, file = divmod(index, len(recordings))
    recording = read(recordings[file], SAMPLE_RATE)
    cut = {"window": "loudest", "window_index": window, "seed": 0}
    return excerpt(recording, samples, level=CORPORA[corpus].level, **cut).signal


def count(cell: Cell) -> int:
    """How many clips of a set a cell has."""
    return min(CORPORA[corpus].clips for corpus in cell.corpora)


def observe(folder: Path, name: str, which: str, index: int) -> tuple[np.ndarray, Observation]:
    """Clip `index` of a cell in a set: (sources, samples), and what a method is given.

    What is drawn depends on the cell, the set and the clip alone.

    Raises:
        DapError: recordings are missing, or the corruption cannot be applied.
    """
    cell = CELLS[name]
    sources = [clip(folder, corpus, which, index, cell.samples) for corpus in cell.corpora]
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng(derive(2021, "frontier", name, which, index, attempt))
        try:
            observation = _corrupted(folder, cell, which, sources, rng)
            break
        except DapError:  # gaps of the lengths drawn do not fit where there is sound
            if attempt == ATTEMPTS - 1:
                raise
    return np.stack(sources), observation


def _corrupted(
    folder: Path, cell: Cell, which: str, sources: list[np.ndarray], rng: np.random.Generator
) -> Observation:
    def draw_noise(samples: int) -> tuple[np.ndarray, dict]:
        recordings = files(folder, "noise", which)
        path = recordings[int(rng.integers(len(recordings)))]
        return noise_excerpt(read(path, SAMPLE_RATE), samples, rng)[0], {"noise_file": path.name}

    context = Context(rng, SAMPLE_RATE, SPECTROGRAM, draw_noise)
    with plugin("corruptions", cell.corruption["kind"]).running() as module:
        return module.corrupt(sources, cell.corruption, context)
