"""The benchmark of ideas: what is changed in a fit, and what is said of it."""

import sys
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmarks import ideas
from benchmarks.ideas import IDEAS, Idea, measure
from dap.decibels import snr_db
from dap.fitting import loop
from dap.observation import Observation


@pytest.fixture
def short(monkeypatch):
    """A short fit to a noisy tone; the two signals."""
    rng = np.random.default_rng(0)
    clean = (0.5 * np.sin(np.arange(2048) / 4)).astype(np.float32)
    noisy = (clean + rng.normal(0, 0.1, 2048)).astype(np.float32)
    monkeypatch.setattr(ideas, "observe", lambda *_: (clean[np.newaxis], Observation(noisy)))
    options = ideas.Way("dap-best").options("denoise")
    options = replace(options, iterations=12, width=0.05, snapshots=2, hop_length=0)
    monkeypatch.setattr(ideas.Way, "options", lambda *_: options)
    monkeypatch.setattr(ideas, "SPECTROGRAM", {"n_fft": 126, "hop_length": 32, "window": "hann"})
    return clean, noisy


def snr_of(short, idea):
    made = []
    restore = ideas.method.restore

    def kept(*arguments, **options):
        made.append(restore(*arguments, **options))
        return made[-1]

    with mock.patch.object(ideas.method, "restore", kept):
        value, seconds = measure("folder", "gaussian-0.1/ljspeech", 0, idea)
    clean, _ = short
    assert seconds > 0
    assert value == pytest.approx(snr_db(clean, made[-1].selections["stop"][0] - clean), abs=1e-4)
    return value


def test_each_idea_changes_the_fit_and_nothing_after_it(short):
    replaced = [torch.optim.Adam, loop.rate, loop.start, ideas.Denoise.draw]
    replaced += [ideas.spectral.given_estimates, ideas.dilated_unet._conv3x3]
    base = snr_of(short, Idea())
    changed = {
        name: snr_of(short, IDEAS[name])
        for name in (
            "twice the rate",
            "NAdam",
            "input perturbed by 0.1",
            "A's conv",
            "rectangular windows",
            "dilated in time alone",
            "depthwise convolutions",
            "separable convolutions",
            "fed an estimate of its own",
            "started from fits to 8 other clips",
        )
    }
    assert base not in changed.values()
    assert len(set(changed.values())) == len(changed)
    now = [torch.optim.Adam, loop.rate, loop.start, ideas.Denoise.draw]
    assert [*now, ideas.spectral.given_estimates, ideas.dilated_unet._conv3x3] == replaced
    assert not hasattr(ideas.Denoise, "redrawn")
    assert ideas.dilated_unet.DilatedUNet.compiled
    assert snr_of(short, Idea()) == base


def test_an_optimiser_of_a_package_that_is_not_there(short, monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(ideas.DapError, match="needs `pip install pytorch-optimizer`"):
        snr_of(short, IDEAS["SOAP"])


def test_no_such_cell(tmp_path):
    done = CliRunner().invoke(ideas.main, [str(tmp_path), "--cell", "gauss-0.1"])
    assert done.exit_code == 2
    assert "no cell begins with 'gauss-0.1': gaussian-0.1/ljspeech" in done.output


def test_the_table(monkeypatch, tmp_path):
    def measured(folder, cell, clip, idea):
        if idea.options.get("hop_length") == 512:
            raise ideas.DapError("the fit diverged")
        return 10 + clip + (idea.options.get("hop_length") == 128), 2.0

    monkeypatch.setattr(ideas, "measure", measured)
    done = CliRunner().invoke(ideas.main, [str(tmp_path), "--idea", "hop"])
    assert done.exit_code == 0, done.output
    rows = done.output.splitlines()
    assert rows[2] == "| `dap-best` | 8 | 10.50 | | 2 |"
    assert rows[4] == "| hop 128 | 8 | 11.50 | +1.00 [+1.00, +1.00] | 2 |"
    assert rows[5] == "| hop 512 | | the fit diverged | | |"
    assert len(rows) == 6
