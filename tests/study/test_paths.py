"""Where products lie, and back."""

from pathlib import Path

import pytest

from dap.errors import UnwritableError
from dap.study.paths import FITS, Names, Paths, names, require_folders

PATHS = Paths.of("tiny")
FIT = ("denoise", "speech", "conv", "000")


def test_with_values_and_with_wildcards():
    assert PATHS.clips("speech", "001") == "results/tiny/clips/speech/001/manifest.csv"
    assert PATHS.clips() == "results/tiny/clips/{corpus}/{chunk}/manifest.csv"
    assert PATHS.observations("denoise", "speech", "000") == (
        "results/tiny/observations/denoise/speech/000/manifest.csv"
    )
    fits = "results/tiny/fits/denoise/speech/conv/000"
    assert PATHS.fits(*FIT) == f"{fits}/manifest.csv"
    assert PATHS.losses(*FIT) == f"{fits}/losses.csv"
    assert PATHS.snapshots(*FIT) == f"{fits}/snapshots.npz"
    assert PATHS.fits() == "results/tiny/fits/{experiment}/{corpus}/{method}/{chunk}/manifest.csv"
    assert PATHS.fits(*FITS) == PATHS.fits()
    assert PATHS.scores(*FIT) == "results/tiny/scores/denoise/speech/conv/000.csv"
    assert PATHS.table("cost", "md") == "results/tiny/tables/cost.md"
    assert PATHS.figure("{name}", "pdf") == "results/tiny/figures/{name}.pdf"
    assert PATHS.report == "results/tiny/report.html"
    assert PATHS.log("score", *FIT) == "results/tiny/logs/score/denoise/speech/conv/000.log"
    assert (
        PATHS.benchmark("clips", "speech", "000") == "results/tiny/benchmarks/clips/speech/000.tsv"
    )


def test_all_values_or_none():
    with pytest.raises(ValueError, match="shorter"):
        PATHS.fits("denoise", "speech")


@pytest.mark.parametrize(
    ("product", "values", "expected"),
    [
        ("clips", ("speech", "012"), Names(corpus="speech", chunk="012")),
        ("observations", ("clips", "a+b", "1000"), Names("clips", "a+b", "", "1000")),
        ("fits", FIT, Names(*FIT)),
        ("losses", FIT, Names(*FIT)),
        ("snapshots", ("fits", "fits", "fits", "000"), Names("fits", "fits", "fits", "000")),
        ("scores", ("denoise", "a.b", "conv", "000"), Names("denoise", "a.b", "conv", "000")),
    ],
)
def test_back_from_a_path(product, values, expected):
    path = getattr(PATHS, product)(*values)
    assert names(product, path) == expected
    assert names(product, Path("/elsewhere") / path) == expected
    assert names(product, Path(path).relative_to("results/tiny")) == expected


def test_a_path_of_another_product():
    with pytest.raises(ValueError, match=r"is none of fits, which lie at fits/\{experiment\}/"):
        names("fits", PATHS.observations("denoise", "speech", "000"))
    with pytest.raises(ValueError, match="is none of clips"):
        names("clips", "clips/speech/manifest.csv")


def test_folders_that_may_be_there_already(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert PATHS.folders[0] == "results/tiny"
    assert {"results/tiny/fits", "results/tiny/tables", "results/tiny/logs"} < set(PATHS.folders)
    require_folders(*PATHS.folders)
    assert not list(tmp_path.iterdir())
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results").symlink_to("elsewhere")
    require_folders(*PATHS.folders)


@pytest.mark.parametrize("part", ["results", "results/tiny", "results/tiny/fits"])
@pytest.mark.parametrize("is_link", [False, True])
def test_what_stands_where_a_folder_has_to_be(tmp_path, monkeypatch, part, is_link):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / part
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_link:
        path.symlink_to("nowhere")
    else:
        path.touch()
    with pytest.raises(UnwritableError, match=rf"^{part}: is no folder, and must be one: move"):
        require_folders(*PATHS.folders)


def test_a_folder_that_nothing_can_be_written_into(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(UnwritableError, match=r"^\.: cannot be written \(this user may not write"):
        require_folders("results/tiny")
