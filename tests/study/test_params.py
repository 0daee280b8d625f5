"""What jobs depend on, asserted without Snakemake."""

from dataclasses import fields

import pytest
from small_studies import config

from dap.options import FitOptions
from dap.plugins import plugins
from dap.study import params
from dap.study.study import Study
from dap.tasks import TASKS, Task

PAIR = "synthetic-piano+synthetic-drums"


@pytest.fixture
def study():
    """Two experiments of 5 clips in chunks of 2."""
    return Study(config(clips=5, clips_per_job=2))


@pytest.fixture
def folders(tmp_path):
    """A study on a folder of recordings, with noise of another."""
    for name in ("mine/a.wav", "mine/b.wav", "noise/x.wav", "noise/y.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    settings = config(clips=3, clips_per_job=2)
    for name in ("mine", "noise"):
        settings["corpora"][name] = {
            "title": name,
            "folder": str(tmp_path / name),
            "samples": 2048,
            "licence": "public domain",
        }
    settings["experiments"]["denoise"] |= {
        "corruption": {"kind": "environmental", "noise": "noise"},
        "corpora": ["mine"],
    }
    return Study(settings)


@pytest.fixture
def known():
    """A study on a known corpus, which nobody has unpacked."""
    settings = config(clips=5, clips_per_job=2)
    settings["corpora"]["digits"] = {"title": "digits", "archive": "sc09", "samples": 2048}
    settings["corpora"]["street"] = {"title": "street", "archive": "demand", "samples": 2048}
    settings["experiments"]["denoise"] |= {
        "corruption": {"kind": "environmental", "noise": "street"},
        "corpora": ["digits"],
    }
    return Study(settings)


# ------------------------------------------------------------------ corpora and clips


def test_a_known_corpus_is_downloaded(known):
    assert params.mirror_archives(known, "sc09") == []
    assert params.mirror_folder(known, "sc09") == []
    assert params.archive_receipt(known, "sc09") == ["resources/archives/sc09.json"]
    assert params.archive_sources(known, "sc09")[0]["archives"]


def test_a_known_corpus_of_a_mirror(tmp_path, known):
    (tmp_path / "sc09" / "test").mkdir(parents=True)
    mirrored = {**known.config, "mirror": str(tmp_path)}
    (tmp_path / "demand").mkdir()
    (tmp_path / "demand" / "DLIVING").mkdir()
    study = Study(mirrored)
    folders = params.mirror_folder(study, "sc09")
    assert [folder.startswith(str(tmp_path)) for folder in folders] == [True]
    assert params.archive_receipt(study, "sc09") == []
    assert params.mirror_archives(study, "sc09") == []


def test_clips_of_each_kind_of_corpus(study, folders, known):
    assert params.recordings(study, "synthetic-speech", "000") == []
    assert params.clip_draws(study, "synthetic-speech", "002") == [
        {"clip": "speech-00004", "file": "", "window_index": 0}
    ]
    assert params.clip_span(study, "synthetic-speech", "002") == (4, 5)
    assert params.clip_entry(study, "synthetic-speech") == {
        "synthetic": "speech", "files": "**/*",
        "samples": 2048, "level": "peak", "window": "loudest",
    }  # fmt: skip
    assert params.clip_modules(study, "synthetic-speech") == ["dap.data.synthetic.speech"]

    folder = folders.corpus("mine")["folder"]
    drawn = params.clip_draws(folders, "mine", "000")
    assert sorted(draw["file"] for draw in drawn) == ["a.wav", "b.wav"]
    assert params.recordings(folders, "mine", "000") == [
        f"{folder}/{draw['file']}" for draw in drawn
    ]
    # where one cannot be used, those before count, too: others take their places
    assert set(params.recordings(folders, "mine", "001")) == {
        f"{folder}/a.wav", f"{folder}/b.wav",
    }  # fmt: skip
    # neither title nor licence
    assert params.clip_entry(folders, "mine") == {
        "folder": folder, "files": "**/*", "samples": 2048, "level": "peak", "window": "loudest",
    }  # fmt: skip
    assert params.clip_modules(folders, "mine") == []

    assert params.recordings(known, "digits", "001") == ["resources/corpora/sc09.csv"]
    assert params.clip_draws(known, "digits", "001") is None
    assert params.clip_span(known, "digits", "001") == (2, 4)
    assert params.clip_entry(known, "digits") == {
        "folder": "resources/corpora/sc09", "index": "resources/corpora/sc09.csv",
        "files": "**/*", "samples": 2048, "level": "peak", "window": "loudest",
    }  # fmt: skip


# ------------------------------------------------------------------ observations


def test_observations_of_one_corpus_and_of_a_pair(study):
    assert params.clip_manifests(study, "denoise", "synthetic-speech", "001") == [
        "results/tiny/clips/synthetic-speech/001/manifest.csv"
    ]
    assert params.clip_manifests(study, "separate", PAIR, "000") == [
        "results/tiny/clips/synthetic-piano/000/manifest.csv",
        "results/tiny/clips/synthetic-drums/000/manifest.csv",
    ]
    chunks = ("000", "001", "002")
    counts = [params.observation_count(study, "separate", PAIR, chunk) for chunk in chunks]
    assert counts == [2, 2, 1]
    assert params.corruption(study, "separate") == {"kind": "mixture"}
    assert params.task(study, "separate") == "separate"
    assert params.noise(study, "denoise") is None
    assert params.noise_files(study, "denoise", "synthetic-speech", "000") == []
    assert params.observation_modules(study, "denoise") == ["dap.data.corruptions.gaussian"]


def test_another_experiment_may_need_more_clips():
    settings = config(clips=5, clips_per_job=3)
    settings["experiments"]["denoise"]["clips"] = {"synthetic-piano": 4}
    study = Study(settings)
    assert params.observation_count(study, "denoise", "synthetic-piano", "001") == 1
    assert params.clip_span(study, "synthetic-piano", "001") == (3, 5)


def test_noise_of_each_kind_of_corpus(folders, known):
    folder = folders.corpus("noise")["folder"]
    assert params.noise(folders, "denoise") == ["noise", {"folder": folder, "files": "**/*"}]
    files = params.noise_files(folders, "denoise", "mine", "000")
    assert set(files) <= {f"{folder}/x.wav", f"{folder}/y.wav"}
    assert files == sorted(files)
    name, entry = params.noise(known, "denoise")
    assert (name, entry["index"]) == ("street", "resources/corpora/demand.csv")
    assert set(entry) == {"folder", "index", "files"}
    assert params.noise_files(known, "denoise", "digits", "000") == ["resources/corpora/demand.csv"]


def test_all_noise_where_the_clips_are_not_known_yet(tmp_path, known):
    for name in ("x.wav", "y.wav"):
        (tmp_path / name).touch()
    config = known.config
    config["corpora"]["street"] = {
        "title": "street",
        "folder": str(tmp_path),
        "samples": 2048,
    }
    study = Study(config)
    assert params.noise_files(study, "denoise", "digits", "000") == [
        f"{tmp_path}/x.wav",
        f"{tmp_path}/y.wav",
    ]


def test_synthetic_noise_is_a_module_and_no_file():
    settings = config()
    settings["experiments"]["denoise"]["corruption"] = {
        "kind": "environmental",
        "noise": "synthetic-drums",
    }
    study = Study(settings)
    assert params.noise(study, "denoise") == [
        "synthetic-drums",
        {"synthetic": "drums", "files": "**/*"},
    ]
    assert params.noise_files(study, "denoise", "synthetic-speech", "000") == []
    assert params.observation_modules(study, "denoise") == [
        "dap.data.corruptions.environmental",
        "dap.data.synthetic.drums",
    ]


# ------------------------------------------------------------------ fits and baselines


@pytest.mark.parametrize(("experiment", "task"), [("denoise", "denoise"), ("separate", "separate")])
def test_a_fit_depends_on_the_options_of_its_own_task(study, experiment, task):
    setup = params.fit_setup(study, experiment, "conv")
    assert setup["spectrogram"] == {"n_fft": 1022, "hop_length": 64, "window": "hann"}
    options = {option for each in TASKS.values() for option in each.options}
    assert options & set(setup["fit"]) == set(TASKS[task].options)
    assert setup["fit"].items() <= study.experiments[experiment].fit.items()
    assert set(study.experiments[experiment].fit) - set(setup["fit"]) == (
        options - set(TASKS[task].options)
    )


def test_all_options_of_a_fit_are_parameters(study):
    # neither a preset nor a default is part of the code that counts, then
    setup = params.fit_setup(study, "separate", "conv")
    foreign = {"consistency", "weighting"}
    assert set(setup["fit"]) - {"preset"} == {each.name for each in fields(FitOptions)} - foreign


def test_a_prior_that_is_fitted_otherwise():
    settings = config()
    settings["experiments"]["denoise"]["fits"] = {"conv": {"iterations": 7}}
    study = Study(settings)
    assert params.fit_setup(study, "denoise", "conv")["fit"]["iterations"] == 7
    assert params.fit_setup(study, "denoise", "dilated")["fit"]["iterations"] == 2000


def test_the_modules_of_methods(study):
    assert params.fit_modules(study, "denoise", "conv") == ["dap.priors.conv"]
    assert params.baseline_modules(study, "observed") == ["dap.baselines.observed"]
    assert params.baseline_modules(study, "wiener-known") == ["dap.baselines.wiener_known"]
    assert params.fit_modules(study, "denoise", "observed") == []
    assert params.baseline_modules(study, "conv") == []


def test_a_fit_depends_on_the_module_of_what_its_network_is_fed():
    settings = config()
    settings["experiments"]["denoise"]["fit"] = {"input": "wiener-white"}
    study = Study(settings)
    modules = ["dap.baselines.wiener_white", "dap.priors.conv"]
    assert sorted(params.fit_modules(study, "denoise", "conv")) == modules
    assert params.fit_modules(study, "separate", "conv") == ["dap.priors.conv"]


def test_what_a_method_says_of_its_fit_comes_before_what_the_study_says():
    settings = config()
    settings["fit"] = {"preset": "paper", "iterations": 7, "snapshot_at": [7], "snapshots": 3}
    settings["experiments"]["denoise"] |= {
        "methods": ["conv", "dap-best"],
        "selections": ["last"],
        "fits": {"dap-best": {"width": 0.5}},
    }
    study = Study(settings)
    fit = params.fit_setup(study, "denoise", "dap-best")["fit"]
    own = plugins("priors")["dap-best"].metadata["fit"]["denoise"]
    assert fit.items() >= (own | {"width": 0.5, "snapshots": 3}).items()
    assert params.fit_setup(study, "denoise", "conv")["fit"]["iterations"] == 7
    modules = ["dap.baselines.wiener_tracked", "dap.priors.dap_best"]
    assert sorted(params.fit_modules(study, "denoise", "dap-best")) == modules


def test_all_that_a_task_fixes_is_a_parameter_but_for_what_is_only_shown(study):
    names = {each.name for each in fields(Task)}
    scored = params.score_task(study, "separate")
    assert set(scored) == names - {"verb", "shown", "known"}
    assert (scored["quality"], scored["sources"]) == ("sdr_v4", 2)
    fitted = params.fit_task(study, "separate")
    assert set(fitted) == names - {"verb", "shown", "known", "quality", "scopes"}
    assert fitted["outputs"] == ("source1", "source2")
    assert params.fit_setup(study, "separate", "conv")["task"] == fitted


def test_every_method_is_a_prior_or_a_baseline():
    assert not set(plugins("priors")) & set(plugins("baselines"))


def test_all_products_are_asked_for(study):
    fits = params.all_fits(study)
    # 3 corpora or pairs, 3 chunks, 2 methods
    assert len(fits) == len(set(fits)) == 2 * 3 * 2 + 3 * 2
    assert fits[:3] == [
        "results/tiny/fits/denoise/synthetic-speech/observed/000/manifest.csv",
        "results/tiny/fits/denoise/synthetic-speech/conv/000/manifest.csv",
        "results/tiny/fits/denoise/synthetic-speech/observed/001/manifest.csv",
    ]
    scores = params.all_scores(study)
    assert len(scores) == len(fits)
    assert scores[:2] == [
        "results/tiny/scores/denoise/synthetic-speech/observed/000.csv",
        "results/tiny/scores/denoise/synthetic-speech/observed/001.csv",
    ]
    assert params.fit_manifests(study, "separate", ["conv"]) == [
        f"results/tiny/fits/separate/{PAIR}/conv/{chunk}/manifest.csv"
        for chunk in ("000", "001", "002")
    ]
    assert params.score_files(study, "separate", ["conv"]) == [
        f"results/tiny/scores/separate/{PAIR}/conv/{chunk}.csv" for chunk in ("000", "001", "002")
    ]


# ------------------------------------------------------------------ scores


def test_a_prior_alone_has_snapshots(study):
    chunk = ("denoise", "synthetic-speech")
    assert params.snapshots(study, *chunk, "observed", "000") == []
    assert params.snapshots(study, *chunk, "conv", "000") == [
        "results/tiny/fits/denoise/synthetic-speech/conv/000/snapshots.npz"
    ]


@pytest.fixture
def speech():
    """Metrics of speech on a corpus of speech and on one of piano, and curves of SI-SDR."""
    settings = config(
        figures={
            "curves": {"kind": "curves", "experiment": "denoise", "metric": "si_sdr"},
        }
    )
    settings["corpora"]["synthetic-speech"]["speech"] = True
    settings["experiments"]["denoise"]["metrics"] = ["pesq_wb", "snr", "si_sdr"]
    return Study(settings)


def test_metrics_of_speech_are_for_speech(speech):
    assert params.score_metrics(speech, "denoise", "synthetic-speech") == [
        "pesq_wb", "snr", "si_sdr",
    ]  # fmt: skip
    assert params.score_metrics(speech, "denoise", "synthetic-piano") == ["snr", "si_sdr"]


def test_what_scores_depend_on(speech):
    assert params.score_selections(speech, "denoise") == ["last", "average", "stop", "oracle"]
    assert params.score_trajectory(speech, "denoise", "conv") == {"clean": ["si_sdr"]}
    assert params.score_trajectory(speech, "denoise", "observed") == {}
    modules = params.score_modules(speech, "denoise", "synthetic-speech", "conv")
    assert modules == ["dap.metrics.level", "dap.metrics.scale_invariant", "dap.metrics.speech"]
    modules = params.score_modules(speech, "separate", PAIR, "observed")
    assert modules == ["dap.metrics.level", "dap.metrics.separation"]
