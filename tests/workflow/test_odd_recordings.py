"""A study on a folder as users have them: damaged, hidden, linked, and oddly named recordings."""

import os

import numpy as np
import pytest
import soundfile

from dap.store import read_rows

RATE = 16000
GOOD = ["take {a}.wav", "take {a}.flac", 'it\'s "q".wav', "caf\udce9.wav", "録音.wav"]


@pytest.fixture
def folder(fresh):
    """The tiny study on such a folder."""
    folder = fresh.folder / "my {recordings} {0}"
    (folder / ".trash").mkdir(parents=True)
    linked = fresh.folder / "elsewhere"
    linked.mkdir()
    (folder / "linked").symlink_to(linked)
    (linked / "back").symlink_to(folder)
    rng = np.random.default_rng(0)
    for path in (*(folder / name for name in GOOD), linked / "far.wav"):
        kind = path.suffix[1:].upper()
        soundfile.write(os.fsencode(path), rng.normal(0, 0.1, 8192), RATE, format=kind)
    soundfile.write(folder / "silent.wav", np.zeros(8192), RATE)
    for name in ("corrupt.wav", "._corrupt.wav", ".trash/old.wav", "Thumbs.db"):
        (folder / name).write_bytes(b"no sound at all")
    fresh.change(
        clips=8,
        recordings=folder.name,
        corpora={
            "mine": {
                "title": "mine",
                "folder": "{recordings}",
                "samples": 2048,
                "level": "recorded",
            }
        },
        experiments={
            "denoise": {
                "corruption": {"kind": "gaussian"},
                "corpora": ["mine"],
                "methods": ["observed"],
                "metrics": ["snr"],
                "selections": ["last"],
            }
        },
        tables={"table1": {"experiment": "denoise", "metrics": ["snr"], "baseline": "observed"}},
        figures={},
    )
    return folder


@pytest.mark.slow
def test_odd_recordings_end_to_end(fresh, folder):
    fresh.run()
    chunks = [fresh.results / "clips" / "mine" / chunk for chunk in ("000", "001")]
    rows = [row for chunk in chunks for row in read_rows(chunk / "manifest.csv")]
    assert len({row["clip"] for row in rows}) == 8
    assert {row["source"] for row in rows} == {
        *GOOD[:3], "caf\\xe9.wav", "録音.wav", "linked/far.wav",
    }  # fmt: skip
    assert "録音" in {row["clip"].partition(".")[0] for row in rows}
    table = (fresh.results / "tables" / "table1.md").read_text(encoding="utf-8")
    report = (fresh.results / "report.html").read_text(encoding="utf-8")
    for words in (
        "2 recordings of corpus mine were skipped: ",
        "corrupt.wav: cannot be read as audio",
        "silent.wav: is silent",
    ):
        assert words in table
        assert words in report
    assert "old.wav" not in report
    assert "Nothing to be done" in fresh.snakemake("-n").stdout
    # one whose name Snakemake cannot read is followed all the same
    soundfile.write(folder / GOOD[0], np.full(8192, 0.1), RATE)
    assert "clips" in fresh.snakemake("-n").stdout.partition("Job stats:")[2]


@pytest.mark.slow
def test_an_option_makes_them_an_error(fresh, folder):
    fresh.change(run={"unreadable": "fail"})
    failed = fresh.snakemake("--keep-going")
    assert failed.returncode != 0
    assert "error: my {recordings} {0}/silent.wav: is silent" in failed.stdout
    assert "; my {recordings} {0}/corrupt.wav: cannot be read as audio" in failed.stdout
    assert "Traceback" not in failed.stdout
