"""The benchmark of ideas: what is changed in a fit, and what is said of it."""

import sys
from dataclasses import replace
from functools import partial
from unittest import mock

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmarks.ideas import __main__ as ideas
from benchmarks.ideas import changes, convolutions, fits
from benchmarks.ideas.__main__ import IDEAS, LBFGS, Idea, measure
from benchmarks.ideas.transforms import MDCT, Compressed, LearnedSynthesis, TwoWindows
from dap.decibels import snr_db
from dap.fitting import loop
from dap.fitting.restored import NO_COST, Restored
from dap.observation import Observation


@pytest.fixture
def short(monkeypatch):
    """A short fit to a noisy tone; the two signals."""
    rng = np.random.default_rng(0)
    clean = (0.5 * np.sin(np.arange(2048) / 4)).astype(np.float32)
    noisy = (clean + rng.normal(0, 0.1, 2048)).astype(np.float32)
    for module in (ideas, changes):
        monkeypatch.setattr(module, "observe", lambda *_: (clean[np.newaxis], Observation(noisy)))
    options = fits.Way("dap-best").options("denoise")
    options = replace(options, iterations=12, width=0.1, snapshots=2, hop_length=0)
    monkeypatch.setattr(fits.Way, "options", lambda *_: options)
    monkeypatch.setattr(fits, "SPECTROGRAM", {"n_fft": 126, "hop_length": 32, "window": "hann"})
    return clean, noisy


def snr_of(short, idea):
    made = []
    restore = fits.method.restore

    def kept(*arguments, **options):
        made.append(restore(*arguments, **options))
        return made[-1]

    with mock.patch.object(fits.method, "restore", kept):
        value, seconds = measure("folder", "gaussian-0.1/ljspeech", 0, idea)
    clean, _ = short
    assert seconds > 0
    assert value == pytest.approx(snr_db(clean, made[-1].selections["stop"][0] - clean), abs=1e-4)
    return value


def test_each_idea_changes_the_fit_and_nothing_after_it(short):
    replaced = [torch.optim.Adam, loop.rate, loop.start, changes.Denoise.draw]
    replaced += [changes.spectral.given_estimates, convolutions.dilated_unet._conv3x3]
    base = snr_of(short, Idea())
    changed = {
        name: snr_of(short, IDEAS[name])
        for name in (
            "twice the rate",
            "NAdam",
            "input perturbed by 0.1",
            "A's conv",
            "rectangular windows",
            "plain loss, ended by variance, square roots of magnitudes",
            "plain loss, ended by variance, MDCT",
            "plain loss, ended by variance, windows of two lengths at once",
            "plain loss, ended by variance, filters of synthesis learned",
            "also magnitudes in 3 resolutions",
            "averaged weights in place of outputs",
            "dilated in time alone",
            "depthwise convolutions",
            "separable convolutions",
            "harmonic convolutions in the first block",
            "blocks of three resolutions",
            "Muon",
            "fed an estimate of its own",
            "started from fits to 8 other clips",
        )
    }
    for name, place in (
        ("half of the frames first", partial(changes.coarse_first, hop_length=64, iterations=6)),
        ("L-BFGS after 6 iterations", partial(changes.optimiser, make=partial(LBFGS, after=6))),
    ):
        changed[name] = snr_of(short, Idea(place=place))
    assert base not in changed.values()
    assert len(set(changed.values())) == len(changed)
    now = [torch.optim.Adam, loop.rate, loop.start, changes.Denoise.draw]
    assert [*now, changes.spectral.given_estimates, convolutions.dilated_unet._conv3x3] == replaced
    assert not hasattr(changes.Denoise, "redrawn")
    assert convolutions.dilated_unet.DilatedUNet.compiled
    assert snr_of(short, Idea()) == base


def test_what_is_fitted_beside_a_gap_alone(tmp_path):
    rng = np.random.default_rng(2)
    signal, mask = rng.normal(0, 0.1, 8000).astype(np.float32), np.zeros(8000, bool)
    mask[4000:4200] = True
    given = []

    def restore(name, task, observation, **_):
        given.append(observation)
        found = np.stack([observation.signal, observation.signal + 1])
        return Restored({"stop": found}, np.array([1]), found[np.newaxis], np.ones(1), NO_COST)

    observation = Observation(np.where(mask, np.float32(0), signal), {"mask": mask})
    spectrogram = {"n_fft": 126, "hop_length": 32}
    with (
        mock.patch.object(changes.method, "restore", restore),
        changes.around_gaps(tmp_path, seconds=0.1),
    ):
        restored = fits.method.restore("x", "inpaint", observation, spectrogram=spectrogram)
    (near,) = given
    np.testing.assert_array_equal(near.signal, observation.signal[2400:5800])
    assert near.known["mask"].sum() == 200
    assert near.known["observed_frames"].shape == (3400 // 32 + 1,)
    for found in (restored.selections["stop"], restored.snapshots[0]):
        np.testing.assert_array_equal(found[0], observation.signal)
        np.testing.assert_array_equal(found[1][2400:5800], observation.signal[2400:5800] + 1)
        np.testing.assert_array_equal(found[1][:2400], observation.signal[:2400])


def test_an_optimiser_of_a_package_that_is_not_there(short, monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(ideas.DapError, match="needs `pip install pytorch-optimizer`"):
        snr_of(short, IDEAS["SOAP"])


def test_no_such_cell(tmp_path):
    done = CliRunner().invoke(ideas.main, [str(tmp_path), "--cell", "gauss-0.1"])
    assert done.exit_code == 2
    assert "no cell begins with 'gauss-0.1': gaussian-0.1/ljspeech" in done.output


def test_the_transforms_are_inverted():
    signal = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 5000)).astype(np.float32))
    for kind in (MDCT, Compressed, TwoWindows, LearnedSynthesis):
        transform = kind(126, 31, "hann")
        channels = transform.analyse(signal)
        assert channels.shape[:3] == (2, 4 if kind is TwoWindows else 2, 64)
        assert torch.allclose(transform.synthesise(channels, 5000), signal, atol=1e-5)
    mdct = MDCT(126, 32, "hann").analyse(signal)
    assert mdct.square().sum().item() == pytest.approx(signal.square().sum().item(), rel=1e-5)


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
