"""`python -m benchmarks.corpora`: the preparation of clips of the known corpora.

Synthetic recordings in each corpus's own rate and layout, or with --mirror a folder of real
archives or unpacked corpora: the seconds to draw, and to cut and write the clips, and the peak
memory of the process that does it and nothing else.
"""

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from dap.data.catalogue import draws
from dap.data.clips import make
from dap.data.fetch.unpack import index_folder, unpack
from dap.data.known import locate, metadata
from dap.plugins import plugin
from dap.store import write_rows, write_signal

# for each corpus: rate, seconds a recording, the synthetic corpus that it is made of, file name
MADE = {
    "ljspeech": (22050, 6.6, "speech", "LJ001-{:04d}.wav"),
    "sc09": (16000, 1.0, "speech", "Eight_{:08x}_nohash_0.wav"),
    "piano": (48000, 60.0, "piano", "{}.wav"),
    "drums": (16000, 0.8, "drums", "{}.wav"),
}
SAMPLES = {"ljspeech": 32768}
RATE = 16000


def synthesised(name: str, folder: Path, count: int) -> tuple[Path, list[dict]]:
    """A folder of recordings, and its index."""
    rate, seconds, kind, file = MADE[name]
    generate = plugin("synthetic", kind).load().generate
    folder = folder / name
    folder.mkdir()
    # a few sounds, under many names
    sounds = [generate(np.random.default_rng(i), int(rate * seconds), rate) for i in range(3)]
    for number in range(count):
        soundfile.write(folder / file.format(number), sounds[number % 3], rate, subtype="PCM_16")
    return folder, index_folder(folder, metadata(name)["sources"][0])


def mirrored(name: str, mirror: str, folder: Path) -> tuple[Path, list[dict]]:
    """The recordings of a mirror, unpacked where they are not, and their index."""
    location = locate(name, mirror)
    if location.folder:
        return Path(location.folder), index_folder(Path(location.folder), location.sources[0])
    archives = [Path(file) for file in location.archives]
    return folder / name, unpack(archives, location.sources[0], folder / name)


def prepare(name: str, where: Path, rows: list[dict], folder: Path, count: int) -> str:
    """Draw, cut and write `count` clips; what it took, in words."""
    index = folder / f"{name}.csv"
    write_rows(index, rows)
    entry = {
        "folder": str(where),
        "index": str(index),
        "files": "**/*",
        "samples": SAMPLES.get(name, 16384),
        "level": "peak",
        "window": "loudest",
    }
    before = peak_mib()
    begun = time.perf_counter()
    chosen = draws(name, entry, 2021, count)
    drawn = time.perf_counter()
    for draw in chosen:
        clip = make(name, entry, draw, seed=2021, sample_rate=RATE)
        write_signal(folder / "clips" / name / f"{draw.clip}.wav", clip.signal, RATE)
    done = time.perf_counter()
    return (
        f"drawn in {drawn - begun:.2f} s, {count} clips cut and written in {done - drawn:.1f} s, "
        f"{1000 * (done - drawn) / count:.1f} ms each; peak memory {peak_mib():.0f} MiB "
        f"({before:.0f} of it imports)"
    )


def peak_mib() -> float:
    """The most memory that this process has had."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**10


def listing(folder: Path) -> str:
    """The drawing of 50 clips of LJSpeech's 13,100 recordings, none of which is opened."""
    index = folder / "listing.csv"
    names = (f"LJ{i // 262:03d}-{i % 262:04d}.wav" for i in range(13_100))
    write_rows(index, [{"file": name, "bytes": 1} for name in names])
    begun = time.perf_counter()
    entry = {"folder": "none", "index": str(index), "files": "**/*"}
    draws("ljspeech", entry, 2021, 50)
    return f"13,100 recordings listed and 50 drawn: {time.perf_counter() - begun:.2f} s"


def main() -> None:
    """Print a line a corpus."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpora", nargs="+", default=list(MADE), choices=MADE)
    parser.add_argument("--clips", type=int, default=200, help="clips of each corpus (200)")
    parser.add_argument("--mirror", help="folder of archives or unpacked corpora, to read instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(listing(folder))
        for corpus in options.corpora:
            if options.mirror:
                begun = time.perf_counter()
                where, rows = mirrored(corpus, options.mirror, folder)
                print(f"{corpus}: unpacked and listed in {time.perf_counter() - begun:.1f} s")
            else:
                where, rows = synthesised(corpus, folder, options.clips)
            with multiprocessing.get_context("spawn").Pool(1) as fresh:
                said = fresh.apply(prepare, (corpus, where, rows, folder, options.clips))
            print(f"{corpus}: {said}")


if __name__ == "__main__":
    main()
