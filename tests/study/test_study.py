"""A study's defaults, and which clips its chunks hold."""

import copy
from itertools import chain

import pytest
from small_studies import config

from dap.data.folders import listing
from dap.errors import DapError
from dap.options import PRESETS
from dap.study.schema import as_written, schema
from dap.study.study import Study


def test_defaults_are_those_of_the_schema():
    settings = config()
    before = copy.deepcopy(settings)
    study = Study(settings)
    assert settings == before
    assert (study["seed"], study["clips"], study["clips_per_job"]) == (2021, 2, 4)
    assert (study["seeds"], study["threads"], study["device"]) == (1, 1, "auto")
    assert study["spectrogram"] == {"n_fft": 1022, "hop_length": 64, "window": "hann"}
    assert study["fit"]["iterations"] == 2000
    assert set(study["fit"]) == set(schema()["$defs"]["fit"]["properties"])
    assert (study["tables"], study["figures"], study["claims"], study["notes"]) == ({}, {}, [], [])
    corpus = study.corpus("synthetic-speech")
    assert (corpus["level"], corpus["window"], corpus["stands_for"]) == ("peak", "loudest", None)
    assert corpus["speech"] is False
    denoise = study.experiments["denoise"]
    assert (denoise.title, denoise.task, denoise.quality) == ("denoise", "denoise", "snr")
    assert denoise.corruption == {"kind": "gaussian", "std": 0.1}
    assert denoise.selections == ["last", "average", "stop", "oracle"]
    assert denoise.fit == study["fit"]
    separate = study.experiments["separate"]
    assert (separate.task, separate.quality) == ("separate", "sdr_v4")


def test_every_key_of_the_schema_is_described():
    def described(part, where):
        assert "$ref" in part or part.get("description"), where
        for key, below in part.get("properties", {}).items():
            described(below, f"{where}.{key}")

    # the claims' inner keys and those of `published` explain themselves
    for key, part in schema()["properties"].items():
        described(part, key)
    for name in ("fit", "corpus", "experiment"):
        described(schema()["$defs"][name], name)


def test_an_experiment_overrides_some_of_the_fit_alone():
    settings = config(fit={"iterations": 100, "width": 0.5})
    settings["experiments"]["denoise"]["fit"] = {"iterations": 7}
    study = Study(settings)
    denoise, separate = study.experiments["denoise"].fit, study.experiments["separate"].fit
    assert (denoise["iterations"], denoise["width"]) == (7, 0.5)
    assert separate["iterations"] == 100
    assert {key for key in denoise if denoise[key] != separate[key]} == {"iterations"}


def test_a_prior_is_fitted_otherwise_than_the_others():
    settings = config(fit={"iterations": 100, "width": 0.5})
    settings["experiments"]["denoise"] |= {
        "methods": ["observed", "conv", "dilated", "wave-u-net"],
        "fit": {"iterations": 7},
        "fits": {"wave-u-net": {"iterations": "5000"}, "dilated": "fast"},
    }
    denoise = Study(settings).experiments["denoise"]
    assert denoise.fit_of("conv") == denoise.fit
    # over the experiment's, which is over the study's
    assert denoise.fit_of("wave-u-net") == denoise.fit | {"iterations": 5000}
    assert denoise.fit_of("wave-u-net")["width"] == 0.5
    assert denoise.fit_of("dilated") == denoise.fit | PRESETS["fast"] | {"preset": "fast"}
    assert Study(settings).experiments["separate"].fits == {}


def test_presets():
    assert list(PRESETS) == schema()["$defs"]["fit"]["properties"]["preset"]["enum"]
    fast = PRESETS["fast"]
    settings = config(fit="fast")
    settings["experiments"]["denoise"]["fit"] = {"iterations": 7}
    study = Study(settings)
    assert {key: study["fit"][key] for key in fast} == fast
    assert study["fit"]["lr_gamma"] == 0.1
    fit = study.experiments["denoise"].fit
    assert fit == study["fit"] | {"iterations": 7}
    # an experiment goes back to the paper's, or leaves it
    settings["experiments"]["denoise"]["fit"] = "paper"
    fit = Study(settings).experiments["denoise"].fit
    assert (fit["iterations"], fit["lr_step_size"], fit["initialisation"]) == (
        2000, 500, "pytorch",
    )  # fmt: skip
    settings["fit"] = {"preset": "fast", "iterations": 50}
    assert Study(settings)["fit"]["iterations"] == 50
    settings["fit"] = "faster"
    with pytest.raises(DapError, match=r"fit.preset is 'faster'; allowed: paper, fast"):
        Study(settings)


def test_text_is_taken_for_a_number_where_a_number_is_asked_for():
    # Snakemake's --config gives text below the first level, and YAML takes 1e-3 for text
    settings = config(fit={"iterations": "500", "learning_rate": "1e-3"}, title="1984")
    settings["keep_snapshots"] = "false"
    settings["experiments"]["denoise"] |= {
        "corruption": {"kind": "gaussian", "std": "0.5"},
        "clips": {"synthetic-piano": "3"},
        "fit": {"width": "0.25"},
    }
    study = Study(settings)
    assert (study["fit"]["iterations"], study["fit"]["learning_rate"]) == (500, 0.001)
    assert study["title"] == "1984"
    assert study["keep_snapshots"] is False
    denoise = study.experiments["denoise"]
    assert denoise.corruption["std"] == 0.5
    assert denoise.clips == {"synthetic-speech": 2, "synthetic-piano": 3}
    assert denoise.fit["width"] == 0.25


@pytest.mark.parametrize("two", [2, 2.0, "2", "2.0", "2e0", "0.2e1"])
def test_whole_numbers_may_be_written_in_other_ways(two):
    settings = config(clips=two, spectrogram={"n_fft": "1.6e1", "hop_length": 4.0})
    settings["fit"] = {"iterations": two, "snapshot_at": [two]}
    settings["experiments"]["denoise"] |= {
        "corruption": {"kind": "quantization", "bins": two},
        "clips": {"synthetic-piano": two},
        "fit": {"snapshot_at": [two]},
        "fits": {"conv": {"warmup": two}},
    }
    study = Study(settings)
    denoise = study.experiments["denoise"]
    numbers = [
        study["clips"],
        study["fit"]["iterations"],
        *study["fit"]["snapshot_at"],
        denoise.corruption["bins"],
        denoise.clips["synthetic-piano"],
        *denoise.fit["snapshot_at"],
        denoise.fit_of("conv")["warmup"],
    ]
    assert [(number, type(number)) for number in numbers] == [(2, int)] * 7
    assert list(map(type, study["spectrogram"].values())) == [int, int, str]
    assert study.config["experiments"]["denoise"]["corruption"]["bins"] == 2


def test_a_corpus_may_be_called_as_a_number_is(tmp_path):
    (tmp_path / "a.wav").touch()
    settings = config()
    settings["corpora"]["2021"] = {"title": "x", "folder": str(tmp_path), "samples": 2048}
    settings["experiments"]["denoise"]["corruption"] = {"kind": "environmental", "noise": "2021"}
    assert Study(settings).experiments["denoise"].corruption["noise"] == "2021"


def test_texts_of_the_command_line_are_taken_as_they_are_written():
    entries = [
        "recordings=/a {x} #1: b",
        "mirror=010",
        "study=true",
        "title='in quotes'",
        "clips=3",
        "fit={iterations: 5}",
        "other=1",
        "device=cpu",
    ]
    assert as_written(entries) == {
        "recordings": "/a {x} #1: b", "mirror": "010", "study": "true",
    }  # fmt: skip
    assert as_written(["recordings=", "recordings"]) == {}


def with_folder(folder, **keys):
    settings = config(**keys)
    settings["corpora"]["mine"] = {"title": "mine", "folder": str(folder), "samples": 2048}
    settings["experiments"]["denoise"]["corpora"] = ["mine"]
    return settings


def test_folders(tmp_path):
    with pytest.raises(DapError, match=r"^corpora\.mine: folder '.*/gone' does not exist"):
        Study(with_folder(tmp_path / "gone"))
    (tmp_path / "README.txt").touch()
    with pytest.raises(DapError, match=r"corpora\.mine: .* holds no audio .*\.wav, \.flac"):
        Study(with_folder(tmp_path))
    with pytest.raises(
        DapError, match=r"^corpora\.mine: folder is '\{recordings\}/x', and recordings is not set"
    ):
        Study(with_folder("{recordings}/x"))
    (tmp_path / "a.wav").touch()
    listing.cache_clear()
    study = Study(with_folder("{mirror}/.", mirror=f"{tmp_path}/"))
    assert study.corpus("mine")["folder"] == str(tmp_path)
    assert [draw.file for draw in study.clips("mine", "000")] == ["a.wav", "a.wav"]


def with_archive(**keys):
    settings = config(**keys)
    settings["corpora"]["mine"] = {"title": "mine", "archive": "sc09", "samples": 2048}
    settings["experiments"]["denoise"]["corpora"] = ["mine"]
    return settings


def test_known_corpora_are_listed_by_nobody_before_they_are_there(tmp_path):
    study = Study(with_archive(clips=6))
    assert (study.indexed("mine"), study.indexed("synthetic-piano")) == (True, False)
    assert study.known == ["sc09"]
    entry = study.corpus("mine")
    assert (entry["folder"], entry["index"]) == (
        "resources/corpora/sc09",
        "resources/corpora/sc09.csv",
    )
    assert entry["licence"] == "CC BY 4.0"
    assert "Speech Commands" in entry["citation"]
    assert study.clip_counts["mine"] == 6
    assert [study.span(chunk, 6) for chunk in study.chunks(6)] == [(0, 4), (4, 6)]
    settings = with_archive()
    settings["corpora"]["unused"] = {"title": "x", "archive": "drums"}
    settings["corpora"]["noise"] = {"title": "x", "archive": "demand"}
    settings["experiments"]["denoise"]["corruption"] = {"kind": "environmental", "noise": "noise"}
    assert Study(settings).known == ["demand", "sc09"]
    # a folder of the mirror is read where it is
    (tmp_path / "sc09" / "test").mkdir(parents=True)
    study = Study(with_archive(mirror=f"{tmp_path}/"))
    assert study.corpus("mine")["folder"] == str(tmp_path / "sc09" / "test")
    with pytest.raises(
        DapError, match=r"^corpora\.mine: mirror '.*gone' has none of: sc09\.tar\.gz, "
    ):
        Study(with_archive(mirror=str(tmp_path / "gone")))
    away = Study(with_archive(mirror=str(tmp_path / "gone")), mirrored=False)
    assert away.corpus("mine") == entry
    settings = with_archive()
    settings["corpora"]["mine"] |= {"licence": "mine", "citation": "me"}
    assert Study(settings).corpus("mine")["licence"] == "mine"


def test_the_sound_font_may_be_in_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    font = Study(config(clips=1, clips_per_job=1) | {"sound_font": "~/violins.sf2"}).sound_font
    assert font == "/home/me/violins.sf2"
    assert Study(config(clips=1, clips_per_job=1)).sound_font is None


def test_chunks_hold_the_clips_in_an_order_that_more_clips_do_not_change(tmp_path):
    for i in range(30):
        (tmp_path / f"{i:02d}.wav").touch()

    def drawn(**keys):
        study = Study(with_folder(tmp_path, **keys))
        chunks = study.chunks(study.clip_counts["mine"])
        return [[draw.clip for draw in study.clips("mine", chunk)] for chunk in chunks]

    ten = drawn(clips=10, clips_per_job=4)
    assert [len(chunk) for chunk in ten] == [4, 4, 2]
    assert drawn(clips=14, clips_per_job=4)[:2] == ten[:2]
    flat = list(chain(*ten))
    assert len(set(flat)) == 10
    assert flat != sorted(flat)
    assert list(chain(*drawn(clips=10, clips_per_job=3))) == flat
    assert list(chain(*drawn(clips=10, clips_per_job=4, seed=1))) != flat
    assert Study(with_folder(tmp_path)).chunks(8) == ["000", "001"]


def test_clip_counts_are_the_largest_of_the_experiments():
    settings = config(clips=3, clips_per_job=2)
    settings["experiments"]["denoise"]["clips"] = {"synthetic-speech": 5}
    study = Study(settings)
    assert study.clip_counts == {
        "synthetic-speech": 5,
        "synthetic-piano": 3,
        "synthetic-drums": 3,
    }
    chunks = [
        (name, *chunk)
        for name, experiment in study.experiments.items()
        for chunk in study.chunks_of(experiment)
    ]
    assert chunks == [
        *(("denoise", "synthetic-speech", chunk) for chunk in ("000", "001", "002")),
        *(("denoise", "synthetic-piano", chunk) for chunk in ("000", "001")),
        *(("separate", "synthetic-piano+synthetic-drums", chunk) for chunk in ("000", "001")),
    ]


def test_observations_take_no_more_clips_than_their_experiment_asks_for():
    settings = config(clips=3, clips_per_job=2)
    settings["experiments"]["separate"]["clips"] = {"synthetic-piano+synthetic-drums": 1}
    study = Study(settings)
    assert study.observations("denoise", "synthetic-piano", "000") == {
        "piano-00000": ["synthetic-piano/piano-00000"],
        "piano-00001": ["synthetic-piano/piano-00001"],
    }
    assert list(study.observations("denoise", "synthetic-piano", "001")) == ["piano-00002"]
    assert study.observations("separate", "synthetic-piano+synthetic-drums", "000") == {
        "piano-00000+drums-00000": ["synthetic-piano/piano-00000", "synthetic-drums/drums-00000"]
    }


def test_a_corpus_of_noise_alone_needs_no_clips():
    settings = config()
    settings["experiments"]["denoise"] |= {
        "corruption": {"kind": "environmental", "noise": "synthetic-drums"},
        "corpora": ["synthetic-speech"],
    }
    del settings["experiments"]["separate"]
    study = Study(settings)
    assert study.clip_counts == {"synthetic-speech": 2}
    assert study.experiments["denoise"].corruption["snr_db"] == [5.0, 9.0]
