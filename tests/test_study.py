"""A study's defaults, what it refuses, and which clips its chunks hold."""

import copy
import math
from itertools import chain

import pytest
import yaml

from dap.corpora.catalogue import listing
from dap.errors import DapError
from dap.fit import PRESETS
from dap.registry import plugins
from dap.schema import load, schema
from dap.study import Study

METHODS = ", ".join(sorted([*plugins("priors", "PRIORS"), *plugins("baselines", "BASELINES")]))


@pytest.fixture(autouse=True)
def _fresh():
    listing.cache_clear()


def config(**keys):
    """A study of one denoising and one separating experiment."""
    base = yaml.safe_load("""
    study: tiny
    corpora:
      synthetic-speech: {title: speech, synthetic: speech, samples: 2048}
      synthetic-piano: {title: piano, synthetic: piano, samples: 2048}
      synthetic-drums: {title: drums, synthetic: drums, samples: 2048}
    experiments:
      denoise:
        corruption: {kind: gaussian}
        corpora: [synthetic-speech, synthetic-piano]
        methods: [observed, conv]
        metrics: [snr]
      separate:
        corruption: {kind: mixture}
        corpora: [synthetic-piano+synthetic-drums]
        methods: [observed, conv]
        metrics: [sdr, snr]
    """)
    return base | keys


def changed(where, value):
    """The same study with the key at the dotted path `where` set, or taken out by None."""
    base = config()
    *path, last = where.split(".")
    part = base
    for key in path:
        part = part.setdefault(key, {})
    part[last] = value
    if value is None:
        del part[last]
    return base


def test_defaults_are_those_of_the_schema():
    given = config()
    before = copy.deepcopy(given)
    study = Study(given)
    assert given == before
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
    assert denoise.selections == ["last", "average", "oracle"]
    assert denoise.fit == study["fit"]
    separate = study.experiments["separate"]
    assert (separate.task, separate.quality) == ("separate", "sdr")


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
    given = config(fit={"iterations": 100, "width": 0.5})
    given["experiments"]["denoise"]["fit"] = {"iterations": 7}
    study = Study(given)
    denoise, separate = study.experiments["denoise"].fit, study.experiments["separate"].fit
    assert (denoise["iterations"], denoise["width"]) == (7, 0.5)
    assert separate["iterations"] == 100
    assert {key for key in denoise if denoise[key] != separate[key]} == {"iterations"}


def test_a_prior_is_fitted_otherwise_than_the_others():
    given = config(fit={"iterations": 100, "width": 0.5})
    given["experiments"]["denoise"] |= {
        "methods": ["observed", "conv", "dilated", "wave-u-net"],
        "fit": {"iterations": 7},
        "fits": {"wave-u-net": {"iterations": "5000"}, "dilated": "fast"},
    }
    denoise = Study(given).experiments["denoise"]
    assert denoise.fit_of("conv") == denoise.fit
    # over the experiment's, which is over the study's
    assert denoise.fit_of("wave-u-net") == denoise.fit | {"iterations": 5000}
    assert denoise.fit_of("wave-u-net")["width"] == 0.5
    assert denoise.fit_of("dilated") == denoise.fit | PRESETS["fast"] | {"preset": "fast"}
    assert Study(given).experiments["separate"].fits == {}


def test_presets():
    assert list(PRESETS) == schema()["$defs"]["fit"]["properties"]["preset"]["enum"]
    fast = PRESETS["fast"]
    given = config(fit="fast")
    given["experiments"]["denoise"]["fit"] = {"iterations": 7}
    study = Study(given)
    assert {key: study["fit"][key] for key in fast} == fast
    assert study["fit"]["step_factor"] == 0.1
    found = study.experiments["denoise"].fit
    assert found == study["fit"] | {"iterations": 7}
    # an experiment goes back to the paper's, or leaves it
    given["experiments"]["denoise"]["fit"] = "paper"
    found = Study(given).experiments["denoise"].fit
    assert (found["iterations"], found["step_every"], found["initialisation"]) == (
        2000, 500, "pytorch",
    )  # fmt: skip
    given["fit"] = {"preset": "fast", "iterations": 50}
    assert Study(given)["fit"]["iterations"] == 50
    given["fit"] = "faster"
    with pytest.raises(DapError, match=r"fit.preset is 'faster'; allowed: paper, fast"):
        Study(given)


def test_text_is_taken_for_a_number_where_a_number_is_asked_for():
    # Snakemake's --config gives text below the first level, and YAML takes 1e-3 for text
    given = config(fit={"iterations": "500", "learning_rate": "1e-3"}, title="1984")
    given["keep_snapshots"] = "false"
    given["experiments"]["denoise"] |= {
        "corruption": {"kind": "gaussian", "std": "0.5"},
        "clips": {"synthetic-piano": "3"},
        "fit": {"width": "0.25"},
    }
    study = Study(given)
    assert (study["fit"]["iterations"], study["fit"]["learning_rate"]) == (500, 0.001)
    assert study["title"] == "1984"
    assert study["keep_snapshots"] is False
    denoise = study.experiments["denoise"]
    assert denoise.corruption["std"] == 0.5
    assert denoise.cells == {"synthetic-speech": 2, "synthetic-piano": 3}
    assert denoise.fit["width"] == 0.25


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        # keys
        ("clipz", 3, ["the study: unknown key 'clipz'", "allowed: claims, clips, clips_per_job"]),
        ("corpora", None, ["the study: 'corpora' is a required property"]),
        ("study", "a/b", ["study: 'a/b' does not match"]),
        ("fit.rate", 1, ["fit: unknown key 'rate'", "iterations, learning_rate"]),
        ("experiments.denoise.metric", [], ["experiments.denoise: unknown key 'metric'"]),
        (
            "experiments.denoise.fit.iteration",
            5,
            [
                "experiments.denoise.fit: unknown key 'iteration'",
                "allowed: anneal, average_decay, ",
            ],
        ),
        (
            "experiments.denoise.fits",
            {"conv": {"rate": 1}},
            ["experiments.denoise.fits.conv: unknown key 'rate'; allowed: anneal, "],
        ),
        (
            "experiments.denoise.fits",
            {"conv": {"width": 9}},
            ["experiments.denoise.fits.conv.width: 9 is greater than the maximum of 4"],
        ),
        ("experiments.denoise.fits", {"conv": 3}, ["experiments.denoise.fits.conv: 3 is not of"]),
        (
            "experiments.denoise.fits",
            {"dilated": {"width": 1}},
            ["experiments.denoise.fits: unknown name 'dilated'; allowed: conv"],
        ),
        (
            "experiments.denoise.fits",
            {"observed": {"width": 1}},
            ["experiments.denoise.fits: unknown name 'observed'; allowed: conv"],
        ),
        (
            "experiments.denoise.methods",
            ["observed", "conv", "nmf"],
            ["experiments.denoise.methods: nmf is not for the task denoise"],
        ),
        (
            "experiments.separate.methods",
            ["observed", "conv", "wave-u-net"],
            ["experiments.separate.methods: wave-u-net is not for the task separate"],
        ),
        (
            "experiments.denoise.corruption.stdev",
            1,
            ["experiments.denoise.corruption: unknown name 'stdev'; allowed: kind, std"],
        ),
        ("corpora.synthetic-speech.path", "x", ["corpora.synthetic-speech: unknown key 'path'"]),
        # names
        (
            "experiments.denoise.corruption.kind",
            "noise",
            [
                "experiments.denoise.corruption.kind: unknown name 'noise'",
                "allowed: environmental, gaps, gaussian, mixture, quantization",
            ],
        ),
        (
            "experiments.denoise.methods",
            ["conv", "harmonik"],
            [f"experiments.denoise.methods: unknown name 'harmonik'; allowed: {METHODS}"],
        ),
        (
            "experiments.denoise.methods",
            ["observed", "janssen"],
            ["experiments.denoise.methods: janssen is not for the task denoise"],
        ),
        (
            "experiments.denoise",
            {
                "corruption": {"kind": "environmental", "noise": "synthetic-drums"},
                "corpora": ["synthetic-speech"],
                "methods": ["observed", "wiener-known"],
                "metrics": ["snr"],
            },
            ["wiener-known is for the corruption gaussian, not environmental"],
        ),
        (
            "experiments.denoise.metrics",
            ["snrr"],
            ["experiments.denoise.metrics: unknown name 'snrr'", "psnr", "envelope_distance"],
        ),
        (
            "experiments.denoise.metrics",
            ["sdr"],
            ["experiments.denoise.metrics: sdr is for the task separate alone"],
        ),
        (
            "experiments.denoise.corpora",
            ["speech"],
            ["experiments.denoise.corpora: unknown name 'speech'", "synthetic-drums, "],
        ),
        (
            "experiments.denoise.selections",
            ["best"],
            ["experiments.denoise.selections: unknown name 'best'", "average, last, oracle"],
        ),
        ("experiments.denoise.clips.piano", 3, ["experiments.denoise.clips: unknown name 'piano'"]),
        (
            "experiments.denoise.corruption",
            {"kind": "environmental"},
            ["experiments.denoise.corruption.noise: unknown name None", "synthetic-drums"],
        ),
        (
            "experiments.separate.corpora",
            ["synthetic-piano"],
            ["experiments.separate.corpora: 'synthetic-piano' is not a pair of corpora"],
        ),
        (
            "corpora.synthetic-drums.samples",
            4096,
            ["experiments.separate.corpora", "`samples` differ: [2048, 4096]"],
        ),
        (
            "corpora.synthetic-speech.synthetic",
            "song",
            ["unknown name 'song'", "speech"],
        ),
        ("corpora.speech", {"title": "x", "synthetic": "speech"}, ["starts with synthetic-"]),
        (
            "corpora.both",
            {"title": "x", "archive": "sc09", "folder": "x"},
            ["corpora.both: needs one of `synthetic`, `folder` and `archive`"],
        ),
        (
            "corpora.mine",
            {"title": "x", "archive": "vctk"},
            ["corpora.mine.archive: unknown name 'vctk'; allowed: demand, drums, ljspeech, music"],
        ),
        (
            "corpora.mine",
            {"title": "x", "archive": "music"},
            ["corpora.mine: music is published as a list of video ids", "--config mirror=PATH"],
        ),
        ("device", "tpu", ["device is 'tpu'; allowed: auto, cpu, cuda"]),
        ("fit.network", "paper", ["fit.network is 'paper'; allowed: code, text"]),
        (
            "tables.t",
            {"experiment": "denoise", "metrics": ["psnr"]},
            ["tables.t.metrics: unknown name 'psnr'; allowed: snr"],
        ),
        (
            "tables.t",
            {"experiment": "denoise", "metrics": ["snr"], "baseline": "dilated"},
            ["tables.t.baseline: unknown name 'dilated'; allowed: conv, observed"],
        ),
        (
            "figures.f",
            {"kind": "curves", "experiment": "inpaint"},
            ["figures.f.experiment: unknown name 'inpaint'; allowed: denoise, separate"],
        ),
        (
            "figures.f",
            {"kind": "curve", "experiment": "denoise"},
            ["figures.f.kind is 'curve'; allowed: example, curves, steps, statistics"],
        ),
        # numbers
        ("clips", 0, ["clips: 0 is less than the minimum of 1"]),
        ("clips", 2.5, ["clips: 2.5 is not of type 'integer'"]),
        ("clips", "many", ["clips: 'many' is not of type 'integer'"]),
        ("seed", -1, ["seed: -1 is less than the minimum of 0"]),
        ("sample_rate", 4000, ["sample_rate: 4000 is less than the minimum of 8000"]),
        ("fit.snapshots", 41, ["fit.snapshots: 41 is greater than the maximum of 40"]),
        ("fit.learning_rate", 0, ["fit.learning_rate: 0 is less than or equal to the minimum"]),
        ("fit.learning_rate", math.nan, ["fit.learning_rate is nan: must be a finite number"]),
        ("experiments.denoise.fit.width", 5, ["experiments.denoise.fit.width: 5 is greater than"]),
        ("spectrogram.n_fft", 1023, ["spectrogram.n_fft: 1023 is not a multiple of 2"]),
        ("experiments.denoise.clips.synthetic-piano", 0, ["0 is less than the minimum of 1"]),
        (
            "experiments.denoise.corruption.std",
            -0.1,
            ["experiments.denoise.corruption.std is -0.1: must be a number above 0"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "gaps", "seconds": [0.25, 0.1]},
            ["corruption.seconds is [0.25, 0.1]: must be two numbers, lowest and highest"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "gaps", "domain": "bins"},
            ["corruption.domain is 'bins': must be frames or samples"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "quantization", "bins": 1},
            ["corruption.bins is 1: must be a whole number, at least 2"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "quantization", "bins": 15},
            ["corruption.bins is 15: must be even for a mid-rise quantiser"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "quantization", "quantiser": "floor"},
            ["corruption.quantiser is 'floor': must be mid-rise or mid-tread"],
        ),
        ("fit.consistency", 2, ["fit.consistency: 2 is greater than the maximum of 1"]),
        (
            "experiments.denoise.corruption",
            {"kind": "environmental", "noise": "synthetic-drums", "snr_db": [5, math.inf]},
            ["experiments.denoise.corruption.snr_db is inf: must be a finite number"],
        ),
    ],
)
def test_what_is_refused_names_the_key_the_value_and_what_is_allowed(where, value, words):
    with pytest.raises(DapError) as refused:
        Study(changed(where, value))
    for word in words:
        assert word in str(refused.value)


def with_folder(folder, **keys):
    given = config(**keys)
    given["corpora"]["mine"] = {"title": "mine", "folder": str(folder), "samples": 2048}
    given["experiments"]["denoise"]["corpora"] = ["mine"]
    return given


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
    given = config(**keys)
    given["corpora"]["mine"] = {"title": "mine", "archive": "sc09", "samples": 2048}
    given["experiments"]["denoise"]["corpora"] = ["mine"]
    return given


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
    given = with_archive()
    given["corpora"]["unused"] = {"title": "x", "archive": "drums"}
    given["corpora"]["noise"] = {"title": "x", "archive": "demand"}
    given["experiments"]["denoise"]["corruption"] = {"kind": "environmental", "noise": "noise"}
    assert Study(given).known == ["demand", "sc09"]
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
    given = with_archive()
    given["corpora"]["mine"] |= {"licence": "mine", "citation": "me"}
    assert Study(given).corpus("mine")["licence"] == "mine"


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
    given = config(clips=3, clips_per_job=2)
    given["experiments"]["denoise"]["clips"] = {"synthetic-speech": 5}
    study = Study(given)
    assert study.clip_counts == {
        "synthetic-speech": 5,
        "synthetic-piano": 3,
        "synthetic-drums": 3,
    }
    found = [(experiment.name, cell, chunk) for experiment, cell, chunk in study.cells()]
    assert found == [
        *(("denoise", "synthetic-speech", chunk) for chunk in ("000", "001", "002")),
        *(("denoise", "synthetic-piano", chunk) for chunk in ("000", "001")),
        *(("separate", "synthetic-piano+synthetic-drums", chunk) for chunk in ("000", "001")),
    ]


def test_observations_take_no_more_clips_than_their_cell_asks_for():
    given = config(clips=3, clips_per_job=2)
    given["experiments"]["separate"]["clips"] = {"synthetic-piano+synthetic-drums": 1}
    study = Study(given)
    assert study.observations("denoise", "synthetic-piano", "000") == {
        "piano-00000": ["synthetic-piano/piano-00000"],
        "piano-00001": ["synthetic-piano/piano-00001"],
    }
    assert list(study.observations("denoise", "synthetic-piano", "001")) == ["piano-00002"]
    assert study.observations("separate", "synthetic-piano+synthetic-drums", "000") == {
        "piano-00000+drums-00000": ["synthetic-piano/piano-00000", "synthetic-drums/drums-00000"]
    }


def test_a_corpus_of_noise_alone_needs_no_clips():
    given = config()
    given["experiments"]["denoise"] |= {
        "corruption": {"kind": "environmental", "noise": "synthetic-drums"},
        "corpora": ["synthetic-speech"],
    }
    del given["experiments"]["separate"]
    study = Study(given)
    assert study.clip_counts == {"synthetic-speech": 2}
    assert study.experiments["denoise"].corruption["snr_db"] == [5.0, 9.0]


def test_load(tmp_path):
    with pytest.raises(DapError, match=r"gone\.yaml: cannot be read as YAML"):
        load(tmp_path / "gone.yaml")
    path = tmp_path / "study.yaml"
    path.write_text("study: [")
    with pytest.raises(DapError, match=r"study\.yaml: cannot be read as YAML"):
        load(path)
    path.write_text("- study")
    with pytest.raises(DapError, match=r"study\.yaml: holds no keys"):
        load(path)
    path.write_text("study: tiny")
    assert load(path) == {"study": "tiny"}


def with_table(**entry):
    base = config()
    base["tables"] = {"table1": {"experiment": "denoise", "metrics": ["snr"], **entry}}
    return base


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (config(spectrogram={"n_fft": 512, "hop_length": 600}), ["hop_length is 600", "256"]),
        (
            changed("experiments.separate.corpora", ["synthetic-piano+synthetic-piano"]),
            ["'synthetic-piano+synthetic-piano' is not a pair of corpora"],
        ),
        (
            config(sample_rate=22050)
            | changed("experiments.denoise.metrics", ["pesq_wb"])
            | {"sample_rate": 22050},
            ["pesq_wb needs a sample_rate of 16000, not 22050"],
        ),
        (
            with_table(published={"paper": "interspeech2021", "table": 9, "metrics": {}}),
            ["published.table: unknown name '9'", "allowed: 1, 2, 3, 4"],
        ),
        (
            with_table(
                published={"paper": "interspeech2021", "table": 1, "metrics": {"snr": "snr"}}
            ),
            ["published.metrics.snr: unknown name 'snr'; allowed: pesq, psnr"],
        ),
        (
            config(claims=[{"paper": "iclr2020", "claim": "it is good"}]),
            ["claims[0].claim: unknown name 'it is good'"],
        ),
        (
            config(tables={"cost": {"experiment": "denoise", "metrics": ["snr"]}}),
            ["tables.cost: cost, study, provenance are the run's own files"],
        ),
        (
            with_table()
            | {"experiments": changed("experiments.denoise.methods", ["conv"])["experiments"]},
            ["improvements are over observed"],
        ),
    ],
)
def test_what_a_job_would_find_too_late_is_refused_at_once(given, words):
    with pytest.raises(DapError) as refused:
        Study(given)
    assert all(word in str(refused.value) for word in words), refused.value
