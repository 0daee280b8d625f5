"""A small study of baselines, made without Snakemake, and its report."""

import json
import logging
from contextlib import chdir
from pathlib import Path

import numpy as np
from small_studies import config

from dap.data.observations import pair, write_chunk
from dap.reporting.content import report_and_summary
from dap.reporting.cost import costs
from dap.reporting.figures import overview
from dap.reporting.tables import cost_table
from dap.reporting.typeset import cost_markdown, make_table
from dap.runtime.baseline import restore_chunk
from dap.runtime.score import score_chunk
from dap.scoring.evaluate import write
from dap.store import signal_file, write_rows, write_signal, write_text
from dap.study import params, presentation
from dap.study.study import Study

LOG = logging.getLogger("dap")
RATE, SAMPLES, CLIPS = 16000, 4096, 6
PAIR = "synthetic-piano+synthetic-drums"
CLAIM = (
    "an exponential schedule gains more over constant dilation than constant dilation gains over "
    "none"
)


def settings() -> dict:
    """Six clips of speech in noise, by three methods; two mixtures, by one."""
    study = config(clips=CLIPS, clips_per_job=3, title="Small", notes=["Of *noise*."])
    for corpus in study["corpora"].values():
        corpus["samples"] = SAMPLES
    study["corpora"]["synthetic-speech"]["stands_for"] = "ljspeech"
    study["experiments"]["denoise"] |= {
        "title": "Denoising",
        "methods": ["observed", "wiener", "wavelet", "spectral-gate"],
        "corpora": ["synthetic-speech"],
        "selections": ["last"],
    }
    study["experiments"]["separate"] |= {
        "title": "Separation",
        "methods": ["observed", "nmf"],
        "clips": {PAIR: 2},
        "selections": ["last"],
    }
    study["tables"] = {
        "table1": {
            "experiment": "denoise",
            "metrics": ["snr"],
            "baseline": "wavelet",
            "published": {"paper": "interspeech2021", "table": 1, "metrics": {"snr": "psnr"}},
        },
        "table4": {"experiment": "separate", "metrics": ["sdr", "snr"], "baseline": "observed"},
    }
    comparison = {"experiment": "denoise", "metric": "snr", "method": "wiener", "over": "wavelet"}
    study["claims"] = [
        {"paper": "interspeech2021", "claim": CLAIM, "comparisons": [comparison]},
    ]
    return study


def clip(k: int, other: bool = False) -> np.ndarray:
    """A gliding voice, or another sound, hiss in bursts: float32 (samples,)."""
    if other:
        hiss = np.random.default_rng(k).normal(0, 0.2, SAMPLES)
        return (hiss * np.exp(-np.arange(SAMPLES) % 1400 / 200)).astype(np.float32)
    t = np.arange(SAMPLES) / RATE
    phase = 2 * np.pi * (110 + 15 * k) * t + 3 * np.sin(7 * t + k)
    harmonics = sum(np.sin(n * phase) / n for n in range(1, 12))
    return (0.25 * np.hanning(SAMPLES) * harmonics).astype(np.float32)


def make(folder: Path, keys: dict | None = None) -> None:
    """Everything that the report of the study is made from, `report.html` and `summary.md`.

    Args:
        folder: the working folder, in which the study's products are.
        keys: of the study, in place of those of `settings`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with chdir(folder):
        study = Study(settings() | (keys or {}))
        _data(study)
        for name in study["tables"]:
            make_table(
                presentation.tables.table_scores(study, name),
                next(iter(presentation.tables.table_published(study, name)), None),
                Path(study.paths.table(name, "md").removesuffix(".md")),
                entry=presentation.tables.table_entry(study, name),
                setup=presentation.tables.table_setup(study, name),
                metrics=presentation.tables.table_metrics(study, name),
            )
        cost = cost_table(costs(map(Path, params.all_fits(study))))
        write_text(Path(study.paths.table("cost", "csv")), cost.to_csv(index=False))
        write_text(Path(study.paths.table("cost", "md")), cost_markdown(cost))
        write_text(Path(study.paths.table("provenance", "json")), json.dumps({"date": "today"}))
        picture = Path(study.paths.figure("overview", "png").removesuffix(".png"))
        scores = {"scores": list(map(Path, params.all_scores(study)))}
        overview.draw(scores, presentation.figures.overview_setup(study), picture, LOG)
        page, summary = present(study)
        write_text(Path("report.html"), page)
        write_text(Path("summary.md"), summary)


def present(study: Study) -> tuple[str, str]:
    """The report and the summary of a study in whose working folder this process is."""
    inputs = presentation.report.report_inputs(study)
    return report_and_summary(
        {name: list(map(Path, files)) for name, files in inputs.items()},
        presentation.report.report_setup(study),
        {},
    )


def _data(study: Study) -> None:
    """Clips, observations, estimates and scores."""
    for corpus, count in study.clip_counts.items():
        for chunk in study.chunks(count):
            manifest = Path(study.paths.clips(corpus, chunk))
            rows = []
            other = "drums" in corpus
            for k in range(*study.span(chunk, count)):
                name = f"{corpus.removeprefix('synthetic-')}-{k}"
                digest = write_signal(manifest.parent / signal_file(name), clip(k, other), RATE)
                file = {"file": signal_file(name), "sha256": digest}
                rows.append({"clip": name, "padded": float(k == 0), **file})
            write_rows(manifest, rows)
    for experiment in study.experiments.values():
        for corpus, chunk in study.chunks_of(experiment):
            _experiment(study, experiment, corpus, chunk)


def _experiment(study: Study, experiment, corpus: str, chunk: str) -> None:
    clips = {part: Path(study.paths.clips(part, chunk)) for part in experiment.parts(corpus)}
    observations = Path(study.paths.observations(experiment.name, corpus, chunk))
    write_chunk(
        observations,
        pair(clips, params.observation_count(study, experiment.name, corpus, chunk)),
        experiment.corruption,
        seed=1,
        names=(experiment.name, corpus),
        sample_rate=RATE,
        spectrogram=study["spectrogram"],
        noise=None,
        log=LOG,
    )
    for method in experiment.methods:
        fits = Path(study.paths.fits(experiment.name, corpus, method, chunk))
        restore_chunk(
            observations,
            fits,
            LOG,
            method=method,
            task=experiment.task,
            sample_rate=RATE,
            threads=1,
            missing="fail",
        )
        scores = score_chunk(
            clips.values(),
            observations,
            fits,
            None,
            task=experiment.task,
            metrics=experiment.metrics,
            selections=["last"],
            trajectory={},
            sample_rate=RATE,
            processes=1,
        )
        write(scores, Path(study.paths.scores(experiment.name, corpus, method, chunk)))
