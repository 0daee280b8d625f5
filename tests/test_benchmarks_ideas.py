"""The benchmark of ideas: what is changed in a fit, and what is said of it."""

from dataclasses import replace

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
    """A short fit to a noisy tone; what it was given."""
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
    value, seconds = measure("folder", "ljspeech", 0, idea)
    clean, noisy = short
    assert seconds > 0
    assert abs(value) < snr_db(clean, noisy - clean)  # of twelve iterations
    return value


def test_each_idea_changes_the_fit_and_nothing_after_it(short):
    adam, rate, draw = torch.optim.Adam, loop.rate, ideas.Denoise.draw
    base = snr_of(short, Idea())
    changed = {
        name: snr_of(short, IDEAS[name])
        for name in ("twice the rate", "NAdam", "input perturbed by 0.1", "A's conv")
    }
    assert base not in changed.values()
    assert len(set(changed.values())) == len(changed)
    assert (torch.optim.Adam, loop.rate, ideas.Denoise.draw) == (adam, rate, draw)
    assert not hasattr(ideas.Denoise, "redrawn")
    assert snr_of(short, Idea()) == base


def test_the_table(monkeypatch, tmp_path):
    def measured(folder, corpus, clip, idea):
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
