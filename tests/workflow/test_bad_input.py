"""Bad input: refused before any job, or by the job that meets it, with what to put right."""

import numpy as np
import pytest
import soundfile

from dap.clips import make
from dap.corpora.catalogue import Draw
from dap.errors import DapError

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
            ["experiments.denoise.methods", "'convv'", "conv, dilated, dilated-exp, "],
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
    failed = fresh.snakemake("results/tiny/clips/mine/000/manifest.csv")
    assert failed.returncode != 0
    message = "error: recordings/two.wav: is silent"
    assert message in failed.stdout
    assert message in (fresh.results / "logs" / "clips" / "mine" / "000.log").read_text()
    assert not (fresh.results / "clips" / "mine" / "000" / "manifest.csv").exists()


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


@pytest.mark.slow
def test_a_fit_that_diverges_fails_alone(fresh, recordings):
    # the squares of a spectrogram at this level are beyond float32, so the first loss is infinite
    sound, _ = soundfile.read(recordings / "two.wav", dtype="float32")
    soundfile.write(recordings / "two.wav", sound * 1e25, RATE, subtype="FLOAT")
    failed = fresh.snakemake(f"{FIT}/manifest.csv")
    assert failed.returncode != 0
    assert (
        "clip two, conv: the fit diverged: its loss is inf at iteration 1 (seed " in failed.stdout
    )
    assert "1 fits of this chunk failed, and the others are kept" in failed.stdout
    assert [path.name for path in (fresh.folder / FIT).glob(".*.npz")] == [".one.s0.npz"]

    soundfile.write(recordings / "two.wav", sound, RATE, subtype="FLOAT")
    fresh.run(f"{FIT}/manifest.csv")
    log = (fresh.results / "logs" / "fit" / "denoise" / "mine" / "conv" / "000.log").read_text()
    assert "one.s0: was finished before" in log
    assert "one.s0 (" not in log
    assert "two.s0 (2 of 2): 100%|" in log
