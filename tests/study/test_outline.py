"""Studies in numbers, and what they download."""

from pathlib import Path

import pytest
from small_studies import config

from dap.data.weights import declared
from dap.errors import DapError
from dap.study import outline
from dap.study.outline import Outline, downloads, included, result_bytes
from dap.study.study import Study

KNOWN = {"title": "LJSpeech", "archive": "ljspeech", "samples": 2048}


def with_known(**keys):
    """The small study, its first corpus a known one, and a trained method."""
    study = config(**keys)
    study["corpora"]["ljspeech"] = KNOWN | {"speech": True}
    study["experiments"]["denoise"]["corpora"] = ["ljspeech"]
    study["experiments"]["denoise"]["methods"] = ["observed", "conv", "dfl"]
    return study


def test_numbers_of_a_small_study():
    fit = {"iterations": 50, "snapshots": 10, "snapshot_at": [7]}
    study = Study(config(clips=3, seeds=2, fit=fit))
    found = Outline.of_study(study)
    assert (found.fits, found.trainings) == (2 * 9, 0)
    assert (found.iterations, found.widths) == ((50, 50), (1.0, 1.0))
    assert found.needs == "nothing: its audio is synthetic"
    # clips and observations of three corpora; of a fit three estimates and 11 snapshots
    denoise = 2 * 3 * (1 + 2 * 14)
    separate = 3 * 2 * (1 + 2 * 14)
    assert result_bytes(study) == 4 * 2048 * (9 + 9 + denoise + separate)


def test_recordings_need_not_be_there():
    study = config()
    study["corpora"]["mine"] = {"title": "mine", "folder": "{recordings}/mine", "samples": 2048}
    study["experiments"]["denoise"]["corpora"] = ["mine"]
    with pytest.raises(DapError, match="recordings is not set"):
        Study(study)
    found = Outline.of_study(Study(study, placed=False))
    assert (found.needs, found.fits) == ("recordings=PATH", 2 * 2)


def test_what_is_downloaded_and_what_is_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = Study(with_known())
    corpus, weights = downloads(study)
    assert (corpus.what, corpus.state, corpus.bytes) == (
        "ljspeech",
        "to be downloaded",
        2748572632,
    )
    assert weights.what == "weights of dfl"
    assert weights.bytes == sum(file["bytes"] for file in declared("dfl")["files"])
    for path, state in (
        ("resources/archives/ljspeech.json", "downloaded, not unpacked"),
        ("resources/corpora/ljspeech.csv", "unpacked here"),
        ("resources/weights/dfl.json", "unpacked here"),
    ):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
        corpus, weights = downloads(study)
        assert (corpus.state, corpus.bytes) == (state, 0)
    assert (weights.state, weights.bytes) == ("here", 0)


def test_what_a_mirror_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "LJSpeech-1.1.tar.bz2").touch()
    with pytest.raises(DapError, match="the weights of dfl"):
        Study(with_known(mirror="mirror"))
    for file in declared("dfl")["files"]:
        (tmp_path / "mirror" / file["file"]).touch()
    states = [row.state for row in downloads(Study(with_known(mirror="mirror")))]
    assert states == ["packed in the mirror", "in the mirror"]
    (tmp_path / "mirror" / "LJSpeech-1.1.tar.bz2").unlink()
    (tmp_path / "mirror" / "LJSpeech-1.1" / "wavs").mkdir(parents=True)
    corpus, _ = downloads(Study(with_known(mirror="mirror")))
    assert (corpus.state, corpus.bytes) == ("unpacked in mirror/LJSpeech-1.1/wavs", 0)


def test_every_study_of_the_project_has_an_outline():
    found = {path.stem: Outline.of_file(path) for path in included()}
    assert found["config"].fits == 52
    assert found["interspeech2021"].fits == 1800 + 60
    assert found["iclr2020-separation"].trainings == 9
    assert found["iclr2020-separation"].needs == "a sound font"
    assert all(each.fits or each.trainings for each in found.values())


def test_a_package_without_its_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(outline, "CHECKOUT", tmp_path)
    with pytest.raises(DapError, match=r"has no Snakefile.*pip install -e '\.\[workflow\]'"):
        included()
