"""A training and what its models separate, as jobs of a study: files, leaks, kills."""

import logging
from pathlib import Path

import numpy as np
import pytest
from small_trainings import OPTIONS, RATE, SPECTROGRAM, hiss, tone

from dap.errors import DapError
from dap.runtime.card import card
from dap.runtime.separate import separate_chunk
from dap.runtime.train import Job, recordings, train_model
from dap.scoring.evaluate import COLUMNS
from dap.store import (
    MANIFEST,
    read_entries,
    read_rows,
    seal,
    signal_file,
    write_rows,
    write_signal,
)

log = logging.getLogger("dap")
RUN = {"checkpoint_seconds": 300.0}


def clips(folder: Path, corpus: str, chunk: int, signals: dict, sources=None, padded=0.0) -> Path:
    """A chunk of clips, clip -> signal; its manifest."""
    folder = folder / "clips" / corpus / f"{chunk:03d}"
    rows = []
    for clip, signal in signals.items():
        digest = write_signal(folder / signal_file(clip), signal, RATE)
        source = (sources or {}).get(clip, "")
        row = {"clip": clip, "file": signal_file(clip), "source": source, "padded": padded}
        rows.append(row | {"sha256": digest})
    write_rows(folder / MANIFEST, rows)
    return folder / MANIFEST


def job(folder: Path, manifests: list[Path], **setup) -> Job:
    asked = {
        "options": OPTIONS | {"clips": 4},
        "spectrogram": SPECTROGRAM,
        "heard": ["tones", "hiss"],
        "target": "tones",
        "tested": {"tones": 1, "hiss": 0},
        "clips_per_job": 3,
    }
    return Job(
        clips=manifests,
        model=folder / "model.safetensors",
        learning=folder / "learning.csv",
        experiment="unheard",
        corpus="tones+drums",
        method="conv7",
        index=0,
        setup=asked | setup,
        seed=2021,
        threads=1,
        sample_rate=RATE,
        code=["a 0"],
        run=RUN,
    )


@pytest.fixture
def manifests(tmp_path):
    """Five tones in two chunks, of which the first is tested, and four hisses."""
    tones = {f"t{i}": tone(500 + 100 * i) for i in range(5)}
    first, second = (dict(list(tones.items())[part]) for part in (slice(3), slice(3, 5)))
    noise = {f"h{i}": hiss(i) for i in range(4)}
    return [
        clips(tmp_path, "tones", 0, first),
        clips(tmp_path, "tones", 1, second),
        clips(tmp_path, "hiss", 0, dict(list(noise.items())[:3])),
        clips(tmp_path, "hiss", 1, dict(list(noise.items())[3:])),
    ]


def test_what_is_tested_is_not_trained_on(manifests, tmp_path):
    found = recordings(job(tmp_path, manifests), log)
    assert list(found["tones"]) == ["t1", "t2", "t3", "t4"]
    assert list(found["hiss"]) == ["h0", "h1", "h2", "h3"]
    fewer = job(tmp_path, manifests, options=OPTIONS | {"clips": 2})
    assert list(recordings(fewer, log)["tones"]) == ["t1", "t2"]


def test_other_clips_of_a_recording_that_is_tested_are_left_out(tmp_path, caplog):
    signals = {f"t{i}": tone(500 + 100 * i) for i in range(4)}
    sources = {"t0": "a.wav", "t1": "b.wav", "t2": "a.wav", "t3": "b.wav"}
    manifests = [
        clips(tmp_path, "tones", 0, signals, sources),
        clips(tmp_path, "hiss", 0, {"h": hiss(0), "g": hiss(1)}),
    ]
    asked = job(tmp_path, manifests, clips_per_job=4)
    found = recordings(asked, log)
    assert {name: len(parts) for name, parts in found["tones"].items()} == {"b.wav": 2}
    assert "corpus tones: 1 clips are not trained on" in caplog.text
    with pytest.raises(DapError, match="corpus tones: no recording is left to train on"):
        recordings(job(tmp_path, manifests, clips_per_job=4, tested={"tones": 4, "hiss": 0}), log)


def test_padding_is_cut_off_and_what_is_too_short_is_left_out(tmp_path):
    padded = 1000 / RATE
    manifests = [
        clips(tmp_path, "tones", 0, {f"t{i}": tone(500, 4096) for i in range(2)}, padded=padded),
        clips(tmp_path, "hiss", 0, {"h": hiss(0, 3000), "g": hiss(1, 3000)}, padded=padded),
    ]
    asked = job(tmp_path, manifests, tested={"tones": 0, "hiss": 0})
    with pytest.raises(DapError, match=r"corpus hiss: no recording is left .* shorter than"):
        recordings(asked, log)
    manifests[1] = clips(tmp_path, "hiss", 0, {"h": hiss(0, 4000), "g": hiss(1, 4000)})
    found = recordings(asked, log)
    assert {len(part) for parts in found["tones"].values() for part in parts} == {3096}


@pytest.fixture
def observations(tmp_path):
    folder = tmp_path / "observations"
    rows = []
    for i in range(2):
        signal = tone(700 + 50 * i) + hiss(20 + i)
        digest = write_signal(folder / f"m{i}.wav", signal, RATE)
        row = {"clip": f"m{i}", "file": f"m{i}.wav", "sha256": digest, "known": ""}
        rows.append(row | {"known_sha256": "", "sources": "tones/a drums/b"})
    write_rows(folder / MANIFEST, rows)
    return folder / MANIFEST


def separate(observations, models, folder, **setup):
    manifest = folder / "fits" / MANIFEST
    separate_chunk(
        observations,
        models,
        manifest,
        log,
        method="conv7",
        task="separate",
        setup=job(folder, [], **setup).setup,
        sample_rate=RATE,
        threads=1,
        device="cpu",
    )
    return manifest


def test_a_job_leaves_a_model_that_separates(manifests, observations, tmp_path):
    asked = job(tmp_path, manifests)
    train_model(asked, "cpu", log)
    assert [row["step"] for row in read_rows(asked.learning)] == ["2", "4", "6"]
    kept = asked.model.read_bytes()
    train_model(asked, "cpu", log)
    # all but the time that it took
    assert len(asked.model.read_bytes()) == pytest.approx(len(kept), abs=8)
    manifest = separate(observations, [asked.model], tmp_path)
    rows = read_rows(manifest)
    assert [(row["clip"], row["output"]) for row in rows] == [
        (f"m{i}", output) for i in range(2) for output in ("source1", "source2")
    ]
    assert {(row["seed"], row["selection"], row["missing"]) for row in rows} == {("0", "last", "")}
    signals = [entry.signal() for entry in read_entries(manifest)]
    mixture = read_entries(observations)[0].signal()
    assert np.abs(signals[0] + signals[1] - mixture).max() < 1e-5


def test_a_card_says_what_a_model_is(manifests, tmp_path):
    asked = job(tmp_path, manifests)
    train_model(asked, "cpu", log)
    scores = tmp_path / "scores.csv"
    names = dict.fromkeys(COLUMNS, "")
    rows = [
        names | {"seed": seed, "iteration": 0, "source": "tones", "metric": "sdr", "value": value}
        for seed, value in ((0, 4.0), (0, 6.0), (1, 50.0))
    ]
    write_rows(scores, rows)
    seal(scores)
    text = card(asked.model, asked.learning, [scores])
    assert text.startswith("# conv7: tones, without drums\n")
    assert "- heard in training: hiss" in text
    assert "| tones | 3 | 1 |" in text
    assert "| tones | SDR (BSS Eval v3) (dB) | 5.00 | 1.41 | 2 |" in text
    assert text.count("\n| 6 | ") == 1


def test_a_model_of_another_study_is_refused(manifests, observations, tmp_path):
    asked = job(tmp_path, manifests)
    train_model(asked, "cpu", log)
    with pytest.raises(DapError, match="is a model of another configuration: its heard is"):
        separate(observations, [asked.model], tmp_path, heard=["tones", "piano"])
    asked.model.write_bytes(asked.model.read_bytes() + b"x")
    with pytest.raises(DapError, match="is torn or was changed"):
        separate(observations, [asked.model], tmp_path)
