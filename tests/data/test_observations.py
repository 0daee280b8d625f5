import json
import logging
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from dap.audio import write
from dap.data import observations
from dap.data.catalogue import pick
from dap.data.skipped import read_skipped
from dap.errors import DapError
from dap.observation import Observation
from dap.seeds import derive
from dap.store import MANIFEST, read_entries, write_rows, write_signal

RATE = 16000
SPECTROGRAM = {"n_fft": 1022, "hop_length": 64, "window": "hann"}
SYNTHETIC = ("synthetic-noise", {"synthetic": "noise"})
GAPS = {"kind": "gaps", "per_second": 1.0, "where": "anywhere"}
CORRUPTIONS = {
    "gaussian": {"kind": "gaussian", "std": 0.1},
    "environmental": {"kind": "environmental", "snr_db": [5, 9]},
    "frames": GAPS | {"seconds": [0.07, 0.09], "domain": "frames"},
    "samples": GAPS | {"seconds": [0.02, 0.06], "domain": "samples"},
    "sound": GAPS | {"seconds": [0.02, 0.06], "domain": "samples", "where": "sound"},
    "mixture": {"kind": "mixture"},
    "quantization": {"kind": "quantization", "bins": 16, "quantizer": "mid-rise"},
}


def make(name, tone, clip="a", seed=1, names=("experiment", "corpus"), noise=SYNTHETIC, **options):
    sources = [tone, tone[::-1]] if name == "mixture" else [tone]
    return observations.make(
        clip,
        sources,
        CORRUPTIONS[name],
        seed=seed,
        names=names,
        sample_rate=RATE,
        spectrogram=SPECTROGRAM,
        noise=noise,
        **options,
    )


def same(one, other) -> bool:
    arrays = [{"signal": made.signal, **made.known} for made in (one, other)]
    return arrays[0].keys() == arrays[1].keys() and all(
        np.array_equal(arrays[0][name], arrays[1][name]) for name in arrays[0]
    )


def test_pairs_are_of_the_clips_in_their_order(tmp_path):
    for corpus in ("piano", "drums"):
        rows = [{"clip": f"{corpus[0]}{i}", "file": f"{i}.wav"} for i in range(3)]
        write_rows(tmp_path / corpus / "000" / "manifest.csv", rows)
    manifests = {
        corpus: tmp_path / corpus / "000" / "manifest.csv" for corpus in ("piano", "drums")
    }
    pairs = observations.pair(manifests, 2)
    assert {clip: list(sources) for clip, sources in pairs.items()} == {
        "p0+d0": ["piano/p0", "drums/d0"],
        "p1+d1": ["piano/p1", "drums/d1"],
    }
    folder, row = pairs["p1+d1"]["drums/d1"]
    assert (folder, row["file"]) == (tmp_path / "drums" / "000", "1.wav")
    assert list(observations.pair({"piano": manifests["piano"]}, 3)) == ["p0", "p1", "p2"]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_same_whenever_it_is_made(name, tone):
    forwards = {clip: make(name, tone, clip) for clip in "abc"}
    backwards = {clip: make(name, tone, clip) for clip in "cba"}
    for clip in "abc":
        assert same(forwards[clip], backwards[clip])
        assert forwards[clip].metadata == backwards[clip].metadata


# what the first version drew, to the precision that processors agree on
DRAWN = {
    "gaussian": ([-0.656905, 0.105407, 0.083537], {"noise_std": 0.1}),
    "environmental": ([-0.5373, -0.0608, 0.273828], {}),
    "frames": (
        [-0.5, 0, 0],
        {"mask": 0.3125, "observed_frames": 0.692308, "gain": 0.6875, "spectrogram": 0.273916},
    ),
    "sound": ([-0.5, 0, 0], {"mask": 0.140625, "observed_frames": 0.615385}),
    "samples": ([-0.5, 0, 0], {"mask": 0.140625, "observed_frames": 0.615385}),
    "mixture": ([-0.880203, -0.324724, -0.324724], {}),
    "quantization": ([-0.4375, 0.0625, 0.0625], {"lower": 0.308044, "upper": 0.308472, "bins": 16}),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_draws_do_not_change(name, tone):
    made = make(name, tone, names=("experiment", "cell"))
    known = {
        key: np.abs(array.astype(float)).mean()
        for key, array in made.known.items()
        if key != "quantizer"
    }
    samples, means = DRAWN[name]
    assert made.signal[[100, 2000, 4000]] == pytest.approx(samples, abs=2e-6)
    assert known == pytest.approx(means, abs=2e-6)


def test_noise_that_was_not_asked_for(tone, monkeypatch):
    with pytest.raises(DapError, match="corruption environmental has no option `noise`"):
        make("environmental", tone, noise=None)


@pytest.mark.parametrize("name", sorted(set(CORRUPTIONS) - {"mixture", "quantization"}))
def test_drawn_by_seed_names_and_clip(name, tone):
    first = make(name, tone)
    assert not same(first, make(name, tone, clip="b"))
    assert not same(first, make(name, tone, seed=2))
    assert not same(first, make(name, tone, names=("experiment", "other")))


def test_noise_excerpts_start_anywhere():
    recording = np.arange(110, dtype=np.float32)
    rng = np.random.default_rng(1)
    starts = []
    for _ in range(200):
        noise, start = observations.noise_excerpt(recording, 100, rng)
        np.testing.assert_array_equal(noise, np.arange(start, start + 100))
        starts.append(start)
    assert set(starts) == set(range(11))


def test_short_noise_is_repeated():
    noise, start = observations.noise_excerpt(
        np.arange(3, dtype=np.float32), 8, np.random.default_rng(1)
    )
    np.testing.assert_array_equal(noise, np.arange(start, start + 8) % 3)


@pytest.fixture
def noises(tmp_path, hiss):
    for i in range(3):
        write(tmp_path / f"{i}.wav", hiss[i * 8000 : (i + 1) * 8000] * (1 + i), RATE)
    return "noise", {"folder": str(tmp_path), "files": "*.wav"}


def test_environmental_ratios_are_uniform(tone, noises):
    ratios, files, starts = [], [], []
    for i in range(300):
        made = make("environmental", tone, f"clip-{i}", noise=noises)
        noise = made.signal.astype(np.float64) - tone
        ratios.append(10 * np.log10(np.sum(tone.astype(np.float64) ** 2) / np.sum(noise**2)))
        drawn = np.random.default_rng(derive(1, "corruption", "experiment", "corpus", f"clip-{i}"))
        assert ratios[-1] == pytest.approx(drawn.uniform(5, 9), abs=1e-4)
        assert made.metadata["snr_db"] == pytest.approx(ratios[-1], abs=1e-4)
        files.append(made.metadata["noise_file"])
        starts.append(made.metadata["noise_start"])
    assert min(ratios) > 5 - 1e-4
    assert max(ratios) < 9 + 1e-4
    assert scipy.stats.kstest(ratios, "uniform", args=(5, 4)).pvalue > 0.01
    assert {files.count(f"{i}.wav") > 70 for i in range(3)} == {True}  # of 100
    assert scipy.stats.kstest(starts, "uniform", args=(0, 8000 - 4096)).pvalue > 0.01


def test_silent_noise_is_named(tone, tmp_path):
    # sounds, but at none of the places where an excerpt may be drawn from
    write(tmp_path / "hush.wav", np.r_[np.zeros(100_000), 1e-3], RATE)
    noise = ("noise", {"folder": str(tmp_path), "files": "*.wav"})
    silent = r"the drawn noise is silent from sample \d+ on"
    with pytest.raises(DapError, match=rf"none of its 1 recordings .*: hush\.wav: {silent}"):
        make("environmental", tone, noise=noise)
    with pytest.raises(DapError, match=rf"hush\.wav: {silent}"):
        make("environmental", tone, noise=noise, unreadable="fail")


def test_noise_that_cannot_be_used_gives_way_to_the_next(tone, noises):
    (Path(noises[1]["folder"]) / "1.wav").write_bytes(b"no sound")
    next_of = {"0.wav": "0.wav", "1.wav": "2.wav", "2.wav": "2.wav"}
    for i in range(30):
        first = pick(noises[1], 1, "noise", "experiment", "corpus", f"clip-{i}")[0]
        made = make("environmental", tone, f"clip-{i}", noise=noises)
        assert made.metadata["noise_file"] == next_of[first]
        skipped = made.metadata.get("noise_skipped", {})
        assert list(skipped) == ["1.wav"] * (first == "1.wav")
        assert all("cannot be read as audio" in reason for reason in skipped.values())


def test_skipped_noise_is_listed(tone, tmp_path, noises):
    (tmp_path / "1.wav").write_bytes(b"no sound")
    clip = tmp_path / "clips" / MANIFEST
    digests = {name: write_signal(clip.parent / f"{name}.wav", tone, RATE) for name in "abcdef"}
    rows = [{"clip": name, "file": f"{name}.wav", "sha256": digests[name]} for name in digests]
    write_rows(clip, rows)
    manifest = tmp_path / "observations" / MANIFEST
    for _ in range(2):
        observations.write_chunk(
            manifest,
            observations.pair({"piano": clip}, 6),
            CORRUPTIONS["environmental"],
            seed=1,
            names=("experiment", "corpus"),
            sample_rate=RATE,
            spectrogram=SPECTROGRAM,
            noise=noises,
            log=logging.getLogger("dap"),
        )
        listed = read_skipped([manifest])
        bad = (tmp_path / "1.wav").read_bytes() == b"no sound"
        assert list(listed) == ["1.wav"] * bad
        write(tmp_path / "1.wav", tone, RATE)  # and once it is put right, it is listed no more


def test_a_corpus_that_gives_fewer_clips_leaves_fewer_pairs(tmp_path):
    for corpus, count in (("piano", 2), ("drums", 0)):
        rows = [{"clip": f"{corpus}{i}", "file": f"{i}.wav"} for i in range(count)]
        write_rows(tmp_path / corpus / MANIFEST, rows)
    manifests = {corpus: tmp_path / corpus / MANIFEST for corpus in ("piano", "drums")}
    assert observations.pair(manifests, 2) == {}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_chunk_is_written_and_read_back(name, tone, tmp_path):
    clips = {}
    for corpus, signal in (("piano", tone), ("drums", tone[::-1])):
        path = tmp_path / corpus / MANIFEST
        digest = write_signal(path.parent / "a.wav", signal, RATE)
        write_rows(path, [{"clip": "a", "file": "a.wav", "sha256": digest}])
        clips[corpus] = path
    if name != "mixture":
        del clips["drums"]
    manifest = tmp_path / "observations" / MANIFEST
    observations.write_chunk(
        manifest,
        observations.pair(clips, 1),
        CORRUPTIONS[name],
        seed=1,
        names=("experiment", "corpus"),
        sample_rate=RATE,
        spectrogram=SPECTROGRAM,
        noise=SYNTHETIC,
        log=logging.getLogger("dap"),
    )
    (entry,) = read_entries(manifest)
    clip = "a+a" if name == "mixture" else "a"
    made = make(name, tone, clip=clip)
    assert same(Observation(entry.signal(), entry.known()), made)
    assert json.loads(entry.row["metadata"]) == made.metadata
    assert entry.row["sources"].split(" ") == [f"{corpus}/a" for corpus in clips]
    files = {"manifest.csv", ".manifest.csv.sha256", f"{clip}.wav"}
    files |= {f"{clip}.npz"} if made.known else set()
    assert {path.name for path in manifest.parent.iterdir()} == files
    (manifest.parent / (entry.row["known"] or f"{clip}.wav")).write_bytes(b"another")
    with pytest.raises(DapError, match="sha256 differs"):
        entry.known() if entry.row["known"] else entry.signal()
