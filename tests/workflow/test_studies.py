"""The committed studies: what they ask for, and that the demo's tables are full."""

import math

import pandas as pd
import pytest

pytestmark = pytest.mark.slow
COMPOSITE = ("csig", "cbak", "covl")
ABLATIONS = ("harmonic-single", "harmonic-unmixed", "harmonic-unmixed-wide", "harmonic-groups")


def silence(folder, names):
    """Empty files: a dry run lists recordings and opens none."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()


def test_interspeech2021_asks_for_all_of_paper_a(sources, tmp_path, count_jobs):
    sixty = [f"{i:02d}.wav" for i in range(60)]
    for corpus in ("LJSpeech-1.1/wavs", "sc09/test", "piano/test", "drums/test"):
        silence(tmp_path / corpus, sixty)
    silence(tmp_path / "demand", ["DLIVING/ch01.wav", "STRAFFIC/ch01.wav", "STRAFFIC/ch02.wav"])
    study = "workflow/studies/interspeech2021.yaml"
    planned = sources.snakemake(
        "-n", "--quiet", "rules", "--config", f"mirror={tmp_path}", study=study
    )
    assert planned.returncode == 0, planned.stdout
    # 3 + 3 + 2 + 1 corpora of the experiments, 50 clips in chunks of 5; Figure 2 has 10 clips of 3
    chunks, figure2 = 9 * 10, 3 * 2
    assert count_jobs(planned.stdout) == {
        "unpack": 5,  # of folders that are unpacked already: their lists
        "clips": 4 * 10,
        "observations": chunks + figure2,
        # four designs, 1,800 fits in 360 jobs; the dense one and paper B's prior for Figure 2
        "fit": chunks * 4 + figure2 * 2,
        # the observed signal, and the classical methods: three for each of the 6 corpora of
        # denoising, one for each of the 2 of inpainting, two for that of separation
        "baseline": chunks + 10 * (6 * 3 + 2 + 2) + figure2,
        "score": chunks * 5 + 10 * (6 * 3 + 2 + 2) + figure2 * 3,
        "table": 6,
        "cost": 1,
        "overview": 1,
        "curves": 4 + 2,
        "example": 4,
        "provenance": 1,
        "report": 1,
        "all": 1,
    }


def test_iclr2020_asks_for_the_unsupervised_part_of_paper_b(sources, tmp_path, count_jobs):
    sixty = [f"{i:02d}.wav" for i in range(60)]
    silence(tmp_path / "LJSpeech-1.1" / "wavs", sixty)
    silence(
        tmp_path / "music", [f"{kind}/{name}" for kind in ("cello", "congas") for name in sixty]
    )
    for name in ("index", "data-00000-of-00001"):
        (tmp_path / f"se_model.ckpt.{name}").touch()
    study = "workflow/studies/iclr2020.yaml"
    planned = sources.snakemake(
        "-n", "--quiet", "rules", "--config", f"mirror={tmp_path}", study=study
    )
    assert planned.returncode == 0, planned.stdout
    # chunks of 4: 200 clips of 3 s of speech and of music, 200 of 1 s of speech, 20 of Figure 4
    # priors and baselines of each
    fits = 2 * 50 * 6 + 50 * 3 + 50 * 3 + 5 * 8 + 4
    # of speech, the trained network, too
    baselines = 2 * 50 * 3 + 50 + 50 * 2 + 50 + 5 + 1
    assert count_jobs(planned.stdout) == {
        "unpack": 2,
        "weights": 1,
        "clips": 250 + 50 + 50 + 1,  # 1,000 utterances for Figure 2
        "observations": 250 + 2 * 50 + 50 + 50 + 5 + 1,
        "fit": fits,
        "baseline": baselines,
        "score": fits + baselines,
        "table": 4,
        "cost": 1,
        "overview": 1,
        "curves": 3,
        "steps": 1,
        "natural_statistics": 1,
        "example": 2,
        "provenance": 1,
        "report": 1,
        "all": 1,
    }
    refused = sources.snakemake("-n", study=study)
    assert "corpora.music: music is published as a list of video ids" in refused.stdout
    (tmp_path / "se_model.ckpt.index").unlink()
    refused = sources.snakemake("-n", "--config", f"mirror={tmp_path}", study=study)
    assert "has none of se_model.ckpt.index and se_model.ckpt.data-" in refused.stdout


def test_separation_of_the_unheard_fans_out_like_fits(sources, tmp_path, count_jobs):
    names = ("violin", "cello", "guitar", "xylophone", "congas")
    silence(tmp_path / "sound-font", [f"{kind}/{i:03d}.flac" for kind in names for i in range(80)])
    study = "workflow/studies/iclr2020-separation.yaml"
    planned = sources.snakemake("-n", "--quiet", "rules", study=study)
    assert planned.returncode == 0, planned.stdout
    # 30 clips are tested and 50 heard, in chunks of 10; three hold-outs of three chunks; three
    # operations, and beside them floor and ceiling
    expected = {
        "render": 1,
        "clips": 4 * 8 + 5,  # of the cello nothing is tested
        "observations": 3 * 3,
        "train": 3 * 3,
        "separate": 3 * 3 * 3,
        "baseline": 2 * 3 * 3,
        "score": 5 * 3 * 3,
        "card": 3 * 3,
        "learning": 1,
        "table": 1,
        "cost": 1,
        "overview": 1,
        "example": 1,
        "provenance": 1,
        "report": 1,
        "all": 1,
    }
    assert count_jobs(planned.stdout) == expected
    planned = sources.snakemake(
        *("-n", "--quiet", "rules", "--config", f"mirror={tmp_path}", "seeds=2"), study=study
    )
    count = count_jobs(planned.stdout)
    assert (count["unpack"], count["render"], count["train"]) == (1, 0, 2 * 9)


def test_without_a_mirror_it_downloads_what_it_needs(sources, count_jobs):
    planned = sources.snakemake("-n", study="workflow/studies/interspeech2021.yaml")
    assert planned.returncode == 0, planned.stdout
    count = count_jobs(planned.stdout)
    assert (count["download"], count["unpack"], count["clips"]) == (5, 5, 4 * 10)
    planned = sources.snakemake("-n", "download_all", study="workflow/studies/interspeech2021.yaml")
    assert count_jobs(planned.stdout) == {"download": 5, "unpack": 5, "download_all": 1}


def test_recordings_and_demo_can_be_planned(sources, tmp_path, count_jobs):
    for corpus in ("LJSpeech-1.1/wavs", "sc09/test", "piano/test", "drums/test", "noise/street"):
        silence(tmp_path / corpus, [f"{i}.flac" for i in range(10)])
    for study, config in (
        ("workflow/studies/recordings.yaml", ["--config", f"recordings={tmp_path}"]),
        ("config.yaml", []),
    ):
        planned = sources.snakemake("-n", "--quiet", "rules", *config, study=study)
        assert planned.returncode == 0, planned.stdout
        count = count_jobs(planned.stdout)
        assert count["curves"] == count["example"] == 4
        assert count["table"] in (5, 6)
        # four designs, observed, and one to four classical methods
        assert count["fit"] + count["baseline"] == count["score"]
        assert count["fit"] >= 4 * count["observations"]
        assert 6 < count["score"] / count["observations"] < 8


def test_studies_of_the_papers_size_ask_for_a_few_clips_of_each_cell(sources, tmp_path, count_jobs):
    for corpus in ("LJSpeech-1.1/wavs", "sc09/test", "piano/test", "drums/test", "noise/street"):
        silence(tmp_path / corpus, [f"{i}.flac" for i in range(10)])
    fits = {
        # four designs: Tables 1, 2 and 3; two of them in Table 4; two priors in Figure 2
        "paper-size": 4 * (6 + 3 + 3) + 4 * (3 + 3 + 3) + 4 * 4 + 2 * 3 + 2 * 3,
        "iclr2020-paper-size": 3 * 4,
    }
    for study, expected in fits.items():
        planned = sources.snakemake(
            *("-n", "--quiet", "rules", "--config", f"recordings={tmp_path}"),
            study=f"workflow/studies/{study}.yaml",
        )
        assert planned.returncode == 0, planned.stdout
        assert count_jobs(planned.stdout)["fit"] == expected


def test_the_study_of_the_best_can_be_planned(sources, tmp_path, count_jobs):
    for corpus in ("LJSpeech-1.1/wavs", "sc09/test", "piano/test"):
        silence(tmp_path / corpus, [f"{i}.flac" for i in range(10)])
    planned = sources.snakemake(
        *("-n", "--quiet", "rules", "--config", f"recordings={tmp_path}"),
        study="workflow/studies/beyond.yaml",
    )
    assert planned.returncode == 0, planned.stdout
    count = count_jobs(planned.stdout)
    # three priors on 3 + 3 + 1 + 2 corpora; of baselines three in denoising, else two
    assert (count["fit"], count["baseline"]) == (3 * 9, 3 * 3 + 2 * 6)
    assert count["fit"] + count["baseline"] == count["score"]


def test_small_studies_of_paper_b_can_be_planned(sources, tmp_path, count_jobs):
    silence(tmp_path / "LJSpeech-1.1" / "wavs", [f"{i}.wav" for i in range(16)])
    silence(tmp_path / "music", [f"cello/{i}.flac" for i in range(4)])
    for study in ("iclr2020-small", "iclr2020-recordings"):
        config = ["clips=1", f"recordings={tmp_path}"]
        planned = sources.snakemake(
            "-n", "--quiet", "rules", "--config", *config, study=f"workflow/studies/{study}.yaml"
        )
        assert planned.returncode == 0, planned.stdout
        count = count_jobs(planned.stdout)
        assert (count["table"], count["curves"], count["steps"]) == (4, 3, 1)
        assert count["natural_statistics"] == 1
        assert count["fit"] + count["baseline"] == count["score"]
        if study == "iclr2020-small":  # Table 1 of two corpora, Table 2 twice, Figures 4 and 1
            assert count["score"] == 2 * 9 + 5 + 4 + 9 + 5


def test_the_small_study_of_paper_b_fills_tables_and_figures(fresh):
    # one regular and one harmonic prior, a little of each: the others run through the same lines
    priors = ["conv7", "harmonic"]
    methods = {
        "tones": ["observed", "wave-u-net", *priors],
        "denoise": ["observed", *priors, "wave-u-net", "dnp-wiener", "dnp-lsa", "wavelet"],
        "trajectory": ["observed", "wave-u-net", *priors, *ABLATIONS],
        "dequantize": ["observed", *priors],
        "dequantize-cells": ["observed", *priors],
    }
    fits = {"denoise": "dnp-wiener: {iterations: 49}, dnp-lsa: {iterations: 49}"}
    change = [
        f"{name}: {{methods: [{', '.join(subset)}], fits: {{{fits.get(name, '')}}}, "
        f"fit: {{iterations: 4, snapshots: 3, snapshot_at: {[2, 4] if name == 'tones' else []}}}}}"
        for name, subset in methods.items()
    ]
    change.append("statistics: {clips: {synthetic-speech-long: 2}}")
    shown = {
        "figure1": "{steps: [2, 4]}",
        "figure4": "{methods: [observed, wave-u-net, conv7, harmonic]}",
    }
    figures = ", ".join(f"{name}: {entry}" for name, entry in shown.items())
    config = ["fit={width: 0.05}", f"experiments={{{', '.join(change)}}}", f"figures={{{figures}}}"]
    study = "workflow/studies/iclr2020-small.yaml"
    fresh.run("tables", "figures", "--config", *config, study=study)
    results = fresh.folder / "results" / "iclr2020-small"
    files = {path.name for path in (results / "figures").iterdir()}
    names = {"figure1", "figure2", "figure4", "figure4-ablation", "figure4-seconds"}
    names |= {"example-denoise", "example-dequantize", "overview"}
    assert files == {f"{name}.{form}" for name in names for form in ("pdf", "png")} | {
        "figure2.csv"
    }
    slopes = pd.read_csv(results / "figures" / "figure2.csv").set_index(["signal", "of"])["slope"]
    # noise flattens what falls
    assert slopes["spectrogram", "clean"] < slopes["spectrogram", "observed"] - 0.3 < -0.3

    table = pd.read_csv(results / "tables" / "table2.csv")
    assert set(table["scope"]) == {"raw", "projected"}
    snr = table[table["metric"] == "snr"].set_index(["scope", "method", "selection"])["mean"]
    for method in priors:
        # the clean signal is in the cells: nothing is lost by moving an estimate into them
        assert snr["projected", method, "last"] > snr["raw", method, "last"]
    shown = table[(table["metric"] == "ssnr") & (table["selection"] == "last")]
    published = shown[shown["scope"] == "raw"].set_index("method")["published_mean"].dropna()
    assert published[priors].to_dict() == {"conv7": 2.78, "harmonic": 2.05}
    table = pd.read_csv(results / "tables" / "table1.csv", keep_default_na=False)
    music = table[table["corpus"] == "synthetic-piano"]
    assert set(music["metric"]) == {"ssnr"}  # as in the paper
    assert set(table["method"]) >= set(methods["denoise"])
    dfl = table[table["method"] == "dfl"].set_index("metric")
    assert set(dfl["selection"]) == {"not run"}
    assert dfl["published_mean"].astype(float).to_dict() == {
        "csig": 1.0, "cbak": 1.51, "covl": 1.0, "pesq_wb": 1.03, "ssnr": -0.42,
    }  # fmt: skip


def test_the_demo_fills_its_tables(fresh):
    # two of the four designs: the two in between run through the same lines
    designs = ["observed", "conv", "dilated-exp-dense"]
    short = "{iterations: 2, snapshots: 2}"
    denoisers = ["wiener", "wavelet", "spectral-gate"]
    classical = {
        "denoise-gaussian": denoisers,
        "denoise-environmental": denoisers,
        "inpaint": ["janssen"],
        "separate": ["nmf"],
    }
    change = ", ".join(
        f"{name}: {{methods: [{', '.join(designs + baselines)}], fit: {short}}}"
        for name, baselines in classical.items()
    )
    fresh.run(
        "tables", "--config", "fit={width: 0.05}", f"experiments={{{change}}}", study="config.yaml"
    )
    # observed, 4 selections of 2 designs, and classical methods; by metric, scope and source
    signals = 1 + 2 * 4
    clips = {"denoise-gaussian": 8, "denoise-environmental": 1, "inpaint": 3, "separate": 1}
    rows = {
        "table1": ("denoise-gaussian", (signals + 3) * 4),
        "table1-speech": ("denoise-gaussian", (signals + 3) * 5),
        "table2": ("denoise-environmental", (signals + 3) * 2),
        "table3": ("inpaint", (signals + 1) * (3 + 3 + 3)),
        "table4": ("separate", (signals + 1) * 5 * 2),
    }
    for table, (experiment, count) in rows.items():
        frame = pd.read_csv(fresh.folder / "results" / "demo" / "tables" / f"{table}.csv")
        assert set(frame["method"]) == {*designs, *classical[experiment]}
        assert len(frame) == count
        scored = frame["unscorable"] == 0
        # two iterations may leave nothing that PESQ takes for speech; all else has a value
        of_pesq = frame["metric"].str.startswith("pesq") | frame["metric"].isin(COMPOSITE)
        spared = of_pesq & (frame["method"] != "observed")
        assert (scored | spared).all(), frame[~scored]
        assert frame["mean"].map(math.isfinite).equals(frame["n"] > 0)
        assert (frame["n"] + frame["unscorable"]).eq(clips[experiment]).all()
        against = scored & (frame["method"] != "observed")
        assert frame.loc[against, "improvement"].map(math.isfinite).sum() == against.sum()


def test_the_demo_restores(fresh):
    # paper A's design at the demo's own size: its outputs are clearly above their inputs
    corpora = {
        "denoise-gaussian": "synthetic-speech",
        "denoise-environmental": "synthetic-piano",
        "inpaint": "synthetic-speech",
    }
    methods = ["observed", "dilated-exp-dense"]
    files = {
        (name, method): f"results/demo/scores/{name}/{corpus}/{method}/000.csv"
        for name, corpus in corpora.items()
        for method in methods
    }
    first = "clips: {synthetic-speech: 1}"
    of_one_clip = f"experiments={{denoise-gaussian: {{{first}}}, inpaint: {{{first}}}}}"
    fresh.run(*files.values(), "--config", of_one_clip, study="config.yaml")

    def score(name, method, scope, metric):
        frame = pd.read_csv(fresh.folder / files[name, method], keep_default_na=False)
        row = (frame["selection"] == "last") & (frame["scope"] == scope)
        (value,) = frame.loc[row & (frame["metric"] == metric), "value"].astype(float)
        return value

    def gain(*what):
        return score(what[0], methods[1], *what[1:]) - score(what[0], methods[0], *what[1:])

    # measured: 5.2, 3.9 and 2.0 dB in float32; other CPUs and precisions differ by tenths
    assert gain("denoise-gaussian", "full", "snr") > 3
    assert gain("denoise-environmental", "full", "snr") > 2
    assert gain("inpaint", "filled", "spectral_snr") > 0.5
