"""What a study may not say: refused before any job, with the key, the value and what is allowed."""

import math

import pytest
from small_studies import changed

from dap.errors import DapError
from dap.plugins import plugins
from dap.study.schema import RENAMED
from dap.study.study import Study

METHODS = ", ".join(sorted([*plugins("priors"), *plugins("baselines")]))


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
                "allowed: binarity, consistency, ",
            ],
        ),
        (
            "experiments.denoise.fits",
            {"conv": {"rate": 1}},
            ["experiments.denoise.fits.conv: unknown key 'rate'; allowed: binarity, "],
        ),
        *(
            (f"experiments.denoise.fit.{old}", 1, [f".fit: the key '{old}' is called '{new}' now"])
            for old, new in RENAMED.items()
            if old != "quantiser"
        ),
        ("fit.anneal", 0.4, ["fit: the key 'anneal' is called 'cooldown' now"]),
        (
            "experiments.denoise.corruption",
            {"kind": "quantization", "quantiser": "mid-rise"},
            ["experiments.denoise.corruption: the key 'quantiser' is called 'quantizer' now"],
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
            ["experiments.denoise.corruption: unknown key 'stdev'; allowed: kind, std"],
        ),
        ("corpora.synthetic-speech.path", "x", ["corpora.synthetic-speech: unknown key 'path'"]),
        # names
        (
            "experiments.denoise.corruption.kind",
            "noise",
            [
                "experiments.denoise.corruption.kind: unknown name 'noise'",
                "allowed: environmental, gaps, gaussian, mixture, mixture-known, quantization",
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
            ["experiments.denoise.selections: unknown name 'best'", "average, last, oracle, stop"],
        ),
        (
            "experiments.denoise.selections",
            ["stop", "oracle"],
            ["experiments.denoise.selections: observed has last alone, which is not among them"],
        ),
        (
            "fit.stop",
            "none",
            ["experiments.denoise.selections: stop is asked for, and fit.stop is none for conv"],
        ),
        (
            "experiments.denoise.fit",
            {"input": "janssen"},
            [
                "experiments.denoise.fit.input: unknown name 'janssen'; allowed: dfl, noise, ",
            ],
        ),
        (
            "experiments.denoise.fit",
            {"hop_length": 512},
            ["experiments.denoise.fits.conv.hop_length is 512: must be at most n_fft / 2 = 511"],
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
        ("clips", True, ["clips: True is not of type 'integer'"]),
        ("clips", "1:30", ["clips: '1:30' is not of type 'integer'"]),
        ("clips", 1e30, ["clips: 1e+30 is not of type 'integer'"]),
        ("clips", 10**9, ["clips: 1000000000 is greater than the maximum of 100000"]),
        ("clips", math.inf, ["clips is inf: must be a finite number"]),
        ("clips", "nan", ["clips is nan: must be a finite number"]),
        ("seed", 2**64, ["seed is a number of 65 bits: must be below 2^64"]),
        ("threads", 10**6, ["threads: 1000000 is greater than the maximum of 1024"]),
        (
            "experiments.denoise.corruption",
            {"kind": "gaussian", "std": "nan"},
            ["experiments.denoise.corruption.std is nan: must be a finite number"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "gaussian", "std": "loud"},
            ["experiments.denoise.corruption.std: 'loud' is not of type 'number'"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "quantization", "bins": 1e30},
            ["corruption.bins: 1e+30 is not of type 'integer'"],
        ),
        (
            "experiments.denoise.fits",
            {"conv": {"width": "-inf"}},
            ["experiments.denoise.fits.conv.width is -inf: must be a finite number"],
        ),
        # text
        ("study", True, ["study: True is not of type 'string': put it in quotes"]),
        ("study", 2021, ["study: 2021 is not of type 'string': put it in quotes"]),
        ("study", "tiny\n", ["study: 'tiny\\n' does not match"]),
        ("title", "a\0b", ["title: 'a\\x00b' has the control character '\\x00': remove it"]),
        ("title", "\ud800", ["title: '\\ud800' is no text: it must be UTF-8"]),
        ("title", {"a": "x" * 1000}, ["title: {'a': 'xxx", " ... ", "is not of type 'string'"]),
        ("fit", {1: 2}, ["fit: the key 1 is no text: put it in quotes"]),
        ("fit", {"a\nb": 2}, ["fit: the key 'a\\nb' has unprintable characters"]),
        ("plugins", ["a\nb.py"], ["plugins.0: 'a\\nb.py' does not match"]),
        ("plugins", ["~nobody-here/a.py"], ["plugins: ~nobody-here/a.py cannot be looked for: "]),
        ("plugins", ["x" * 300], ["xxx cannot be looked for: File name too long"]),
        (
            "corpora.mine",
            {"title": "x", "folder": "~nobody-here/a"},
            ["corpora.mine: '~nobody-here/a': ", "write ./~ for a folder of that name"],
        ),
        (
            "corpora.mine",
            {"title": "x", "folder": "x" * 300},
            ["corpora.mine: folder 'xxx", "cannot be looked through: File name too long"],
        ),
        (
            "corpora.mine",
            {"title": "x", "folder": ".", "files": "a**"},
            ["corpora.mine: folder '.', files 'a**': cannot be looked through: Invalid pattern"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "environmental", "noise": ["synthetic-drums"]},
            ["experiments.denoise.corruption.noise: unknown name ['synthetic-drums']"],
        ),
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
            ["corruption.std: -0.1 is less than or equal to the minimum of 0 (Standard dev"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "gaps", "seconds": [0.25, 0.1]},
            ["corruption.seconds: [0.25, 0.1] are not in ascending order (Lengths of the shortest"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "gaps", "domain": "bins"},
            ["corruption.domain is 'bins'; allowed: frames, samples"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "gaps", "where": "silence"},
            ["corruption.where is 'silence'; allowed: anywhere, sound"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "quantization", "bins": 1},
            ["corruption.bins: 1 is less than the minimum of 2 (Number of levels"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "quantization", "bins": 15},
            ["corruption.bins: 15 is not a multiple of 2 (Number of levels; even for a mid-rise"],
        ),
        (
            "experiments.denoise.corruption",
            {"kind": "quantization", "quantizer": "floor"},
            ["corruption.quantizer is 'floor'; allowed: mid-rise, mid-tread"],
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
