"""Bad input: refused before any job, or by the job that meets it, with what to put right."""

import csv

import numpy as np
import pytest
import soundfile

from dap.data.catalogue import Draw
from dap.data.clips import make
from dap.errors import DapError
from dap.store import read_rows

RATE = 16000
FIT = "results/tiny/fits/denoise/mine/conv/000"


@pytest.fixture
def recordings(fresh):
    """The tiny study on a folder of two recordings of noise; the folder."""
    folder = fresh.folder / "recordings"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        soundfile.write(folder / f"{name}.wav", rng.normal(0, 0.1, 4000), RATE)
    fresh.change(
        clips=2,
        corpora={
            "mine": {"title": "mine", "folder": "recordings", "samples": 2048, "level": "recorded"}
        },
        experiments={
            "denoise": {
                "corruption": {"kind": "gaussian"},
                "corpora": ["mine"],
                "methods": ["observed", "conv"],
                "metrics": ["snr", "psnr"],
            }
        },
    )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "config", "words"),
    [
        (
            "study.yaml",
            ["experiments={denoise: {methods: [conv, convv]}}"],
            ["experiments.denoise.methods", "'convv'", "dilated, ", "dilated-exp, "],
        ),
        (
            "workflow/studies/recordings.yaml",
            [],
            ["corpora.recordings-ljspeech", "recordings is not set", "--config recordings=PATH"],
        ),
        (
            "workflow/studies/interspeech2021.yaml",
            ["mirror=workflow"],
            [
                "corpora.ljspeech: mirror 'workflow' has none of: LJSpeech-1.1.tar.bz2, the folder "
                "LJSpeech-1.1/wavs/"
            ],
        ),
    ],
)
def test_refused_before_any_job(sources, study, config, words):
    refused = sources.snakemake("-n", *(["--config", *config] if config else []), study=study)
    assert refused.returncode != 0
    for word in words:
        assert word in refused.stdout
    assert "Traceback" not in refused.stdout
    assert not (sources.folder / "results").exists()


@pytest.mark.slow
def test_a_job_names_the_recording_that_it_cannot_use(fresh, recordings):
    soundfile.write(recordings / "two.wav", np.zeros(4000), RATE)
    fresh.change(run={"unreadable": "fail"})
    failed = fresh.snakemake("results/tiny/clips/mine/000/manifest.csv")
    assert failed.returncode != 0
    message = "error: recordings/two.wav: is silent"
    assert message in failed.stdout
    assert message in (fresh.results / "logs" / "clips" / "mine" / "000.log").read_text()
    assert not (fresh.results / "clips" / "mine" / "000" / "manifest.csv").exists()


@pytest.mark.slow
def test_a_recording_that_cannot_be_used_is_skipped_and_listed(fresh, recordings):
    good = (recordings / "two.wav").read_bytes()
    soundfile.write(recordings / "two.wav", np.zeros(4000), RATE)
    (recordings / "noise").mkdir()
    (recordings / "noise" / "bad.wav").write_bytes(b"no sound")
    soundfile.write(recordings / "noise" / "good.wav", np.ones(4000) / 2, RATE)
    mine = {"title": "my own", "folder": "recordings", "files": "*.wav", "samples": 2048}
    corruption = {"kind": "environmental", "noise": "hum"}
    experiment = {"corruption": corruption, "corpora": ["mine"], "metrics": ["snr"]}
    fresh.change(
        clips_per_job=1,  # of "one" no second clip can be cut: the second chunk has none
        corpora={
            "mine": mine,
            "hum": {"title": "a hum", "folder": "recordings/noise", "samples": 2048},
        },
        experiments={"denoise": experiment | {"methods": ["observed", "conv", "wiener"]}},
        tables={"table1": {"experiment": "denoise", "metrics": ["snr"], "baseline": "observed"}},
        figures={
            kind: {"kind": kind, "experiment": "denoise"}
            for kind in ("example", "curves", "statistics")
        },
    )
    fresh.run()
    clips = fresh.results / "clips" / "mine"
    assert [row["clip"] for row in read_rows(clips / "000" / "manifest.csv")] == ["one"]
    assert read_rows(clips / "001" / "manifest.csv") == []
    table = (fresh.results / "tables" / "table1.md").read_text()
    assert "n = 1 clip" in table
    assert "2 recordings of corpus my own were skipped: two.wav: is silent" in table
    assert "one.wav: has no further clip" in table
    noise = read_rows(fresh.results / "observations" / "denoise" / "mine" / "000" / "manifest.csv")
    assert '"noise_file": "good.wav"' in noise[0]["metadata"]
    assert ("bad.wav: cannot be read" in table) == ("noise_skipped" in noise[0]["metadata"])
    report = (fresh.results / "report.html").read_text()
    assert "two.wav: is silent" in report
    assert "Nothing to be done" in fresh.snakemake().stdout
    # what a table says of it outlives the table
    (fresh.results / "tables" / "table1.md").unlink()
    assert fresh.run() == {"tables/table1", "provenance", "report"}
    assert (fresh.results / "tables" / "table1.md").read_text() == table

    (recordings / "two.wav").write_bytes(good)
    fresh.run()
    table = (fresh.results / "tables" / "table1.md").read_text()
    assert "n = 2 clips" in table
    assert "two.wav" not in table + (fresh.results / "report.html").read_text()


def with_one_nan():
    signal = np.full(4000, 0.1, np.float32)
    signal[1234] = np.nan
    return signal


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no sound at all", r"bad\.wav: cannot be read as audio"),
        (b"", r"bad\.wav: cannot be read as audio"),
        (np.empty(0), r"bad\.wav: holds no samples"),
        (np.zeros(4000), r"bad\.wav: is silent"),
        (np.array([[0.5, -0.5]] * 4000), r"bad\.wav: is silent"),
        (with_one_nan(), r"bad\.wav: holds samples that are not finite"),
        (np.full(4000, np.inf), r"bad\.wav: holds samples that are not finite"),
    ],
    ids=["unreadable", "empty file", "no samples", "silent", "cancels out", "nan", "inf"],
)
def test_recordings_that_cannot_be_used(tmp_path, content, message):
    path = tmp_path / "bad.wav"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        soundfile.write(path, content, RATE, subtype="FLOAT")
    entry = {"folder": str(tmp_path), "samples": 2048, "level": "peak", "window": "loudest"}
    with pytest.raises(DapError, match=message):
        make("mine", entry, Draw("bad", "bad.wav", 0), seed=0, sample_rate=RATE)


def beyond_float32(folder):
    """Make the fits of clip two diverge: squares of its spectrogram are infinite."""
    sound, _ = soundfile.read(folder / "two.wav", dtype="float32")
    soundfile.write(folder / "two.wav", sound * 1e25, RATE, subtype="FLOAT")


def fit_log(checkout):
    return (checkout.results / "logs" / "fit" / "denoise" / "mine" / "conv" / "000.log").read_text()


@pytest.mark.slow
def test_a_clip_that_cannot_be_fitted_is_missing_in_the_tables(fresh, recordings):
    beyond_float32(recordings)
    fresh.change(
        tables={"table1": {"experiment": "denoise", "metrics": ["snr"]}},
        figures={"example": {"kind": "example", "experiment": "denoise"}},
    )
    fresh.run()
    rows = read_rows(fresh.folder / FIT / "manifest.csv")
    missing = [(row["clip"], row["file"]) for row in rows if row["missing"]]
    assert missing == [("two", "")]
    assert "diverged: its loss is inf at iteration 1" in rows[-1]["missing"]
    table = (fresh.results / "tables" / "table1.md").read_text()
    assert "Missing, as they could not be fitted: conv: 1 of 2." in table
    assert "n = 2 clips" in table
    with (fresh.results / "tables" / "table1.csv").open(newline="") as file:
        counts = {
            (row["method"], row["selection"]): (row["n"], row["unscorable"], row["missing"])
            for row in csv.DictReader(file)
        }
    assert counts == {
        ("observed", ""): ("2", "0", "0"),
        ("conv", "last"): ("1", "0", "1"),
        ("conv", "average"): ("1", "0", "1"),
        ("conv", "stop"): ("1", "0", "1"),
        ("conv", "oracle"): ("1", "0", "1"),
    }
    # how jobs are run is no reason to run them again
    fresh.change(run={"missing": "fail", "retries": 5, "checkpoint_seconds": 0})
    assert fresh.run() == {"provenance", "report"}


@pytest.mark.slow
def test_a_clip_that_kills_its_job_is_missing_and_harms_no_other(fresh, recordings):
    fresh.change(run={"retries": 1})
    # the jobs of clip one, the first of the chunk, are killed as by a memory limit
    fresh.append(
        "dap/fitting/method.py",
        "import os\n_fitting = fitting\n"
        "def fitting(method, task, observation, **rest):\n"
        "    if method == 'conv' and str(rest['report'].name).startswith('conv one.s0'):\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return _fitting(method, task, observation, **rest)",
    )
    done = fresh.snakemake(f"{FIT}/manifest.csv")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Error in rule fit") == 2
    rows = read_rows(fresh.folder / FIT / "manifest.csv")
    assert [row["clip"] for row in rows] == ["one", "two", "two", "two"]
    assert rows[0]["missing"] == "2 jobs were killed by it, each before it got any further"
    assert not any(row["missing"] for row in rows[1:])
    log = fit_log(fresh)
    assert "two.s0: was finished before" in log
    assert not list((fresh.folder / FIT).glob(".*.npz"))
    assert not (fresh.folder / FIT / ".attempts.json").exists()
