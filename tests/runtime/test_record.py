"""The record of a chunk."""

import pytest
from small_parts import Digests, Results
from small_studies import config

from dap.errors import DapError
from dap.store import sha256
from dap.study.paths import Names
from dap.study.places import recorded_chunks
from dap.study.records import made_of, read_record
from dap.study.study import Study

CONV = Names("denoise", "synthetic-speech", "conv", "000")
PAIR = Names("separate", "synthetic-piano+synthetic-drums", "conv", "000")


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path, Study(config(clips=3, clips_per_job=2)), Digests())


def record_of(results, chunk):
    results.make([chunk])
    return read_record(recorded_chunks(results.paths)[chunk])


def test_what_a_record_holds(results):
    record = record_of(results, CONV)
    made = made_of(results.study, results.code, CONV)
    assert {key: record[key] for key in made} == made
    assert (record["cpu"], record["seconds"]) == ("x", 8.0)  # 2 clips of 4 s
    assert set(record["data"]) == {
        f"{kind}/synthetic-speech/speech-0000{index}"
        for kind in ("clips", "observations/denoise")
        for index in (0, 1)
    }
    fits = "fits/denoise/synthetic-speech/conv/000"
    observations = "observations/denoise/synthetic-speech/000"
    assert set(record["files"]) == {
        "clips/synthetic-speech/000/.manifest.csv.sha256",
        "clips/synthetic-speech/000/manifest.csv",
        "clips/synthetic-speech/000/speech-00000.wav",
        f"{observations}/.manifest.csv.sha256",
        f"{observations}/manifest.csv",
        f"{observations}/speech-00000.npz",
        f"{observations}/speech-00000.wav",
        f"{fits}/.losses.csv.sha256",
        f"{fits}/.manifest.csv.sha256",
        f"{fits}/losses.csv",
        f"{fits}/manifest.csv",
        f"{fits}/speech-00000.s0.estimate.last.wav",
        "scores/denoise/synthetic-speech/conv/.000.csv.sha256",
        "scores/denoise/synthetic-speech/conv/000.csv",
    }
    assert all(sha256(results.root / name) == each for name, each in record["files"].items())


def test_later_chunks_have_no_sound(results):
    record = record_of(results, CONV._replace(chunk="001"))
    assert not [name for name in record["files"] if name.endswith((".wav", ".npz"))]


def test_both_sources_of_a_mixture(results):
    record = record_of(results, PAIR)
    sounds = [name for name in record["files"] if name.endswith(".wav")]
    assert len([name for name in sounds if name.startswith("clips/")]) == 2
    assert len([name for name in sounds if name.startswith("fits/")]) == 2


def test_a_torn_manifest_is_not_recorded(results, tmp_path):
    results.make_one(CONV, record=False)
    manifest = results.root / "fits/denoise/synthetic-speech/conv/000/manifest.csv"
    manifest.write_bytes(manifest.read_bytes()[:-1])
    from pathlib import Path

    from dap.runtime.record import write_record

    with pytest.raises(DapError, match=r"manifest\.csv: is torn or was changed"):
        write_record(
            Path(results.paths.records(*CONV)),
            {},
            clips=[],
            observations=Path(results.paths.observations(*CONV[:2], "000")),
            fits=manifest,
            scores=Path(results.paths.scores(*CONV)),
            others=[],
        )
    assert not recorded_chunks(results.paths)
