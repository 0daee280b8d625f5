"""Training: what is learned, what is kept, and that a kill changes no bit."""

import numpy as np
import pytest
import torch
from small_trainings import SAMPLES, SPECTROGRAM, configuration, recordings, trained

from dap.errors import DapError
from dap.fitting import engine
from dap.masks import ratio_mask
from dap.runtime.checkpoints import Checkpoint
from dap.stft import STFT
from dap.training.loop import Passes, initial
from dap.training.mixtures import Mixtures


def test_the_loss_falls_and_the_best_point_is_kept():
    result, _ = trained(steps=40, validation_every=10)
    assert [point.step for point in result.curve] == [10, 20, 30, 40]
    losses = [point.validation for point in result.curve]
    assert losses[-1] < 0.9 * losses[0]
    assert result.best.validation == min(losses)
    # of 2 and 4 filters: counted by hand for paper B's U-Net of 7x7 convolutions
    assert result.parameters == sum(tensor.numel() for tensor in result.state.values())
    assert (result.precision, result.redrawn) == ("float32", 0)


def test_the_last_step_validates():
    result, _ = trained(steps=5, validation_every=3)
    assert [point.step for point in result.curve] == [3, 5]


def test_seeds_settle_every_bit():
    one, again = trained()[0], trained()[0]
    assert all(torch.equal(one.state[name], again.state[name]) for name in one.state)
    assert [p.validation for p in one.curve] == [p.validation for p in again.curve]
    other = trained(seed=4)[0]
    assert not torch.equal(one.state["final.weight"], other.state["final.weight"])


class StoppedError(Exception):
    """In place of a kill."""


@pytest.mark.parametrize("method", ["conv7", "harmonic"])
def test_a_training_that_was_killed_goes_on_to_the_same_bits(method, tmp_path):
    whole, _ = trained(method)
    said = []

    def checkpoint():
        return Checkpoint(tmp_path / "state", "mark", 1e-9, said.append)

    def stop(step, loss):
        if step == 4:  # after the checkpoint of the third
            raise StoppedError

    with pytest.raises(StoppedError):
        trained(method, checkpoint=checkpoint(), report=stop)
    resumed, _ = trained(method, checkpoint=checkpoint())
    assert said == ["taken up after step 3 of 6"]
    assert all(torch.equal(whole.state[name], resumed.state[name]) for name in whole.state)
    assert [p.validation for p in whole.curve] == [p.validation for p in resumed.curve]
    # the sum of a window's losses does not know where it was cut
    assert [p.training for p in whole.curve] == [p.training for p in resumed.curve]


def test_a_batch_is_the_mean_of_its_passes():
    """The gradients of several passes are those of one batch in PyTorch."""
    net = initial(lambda **sizes: configuration().build(), seed=5)
    mixtures = Mixtures("tones", recordings(), SAMPLES, 1)
    transform = STFT(**SPECTROGRAM)
    pairs = [mixtures.draw(position) for position in range(3)]
    spectra = transform.analyse(torch.from_numpy(np.stack([np.stack(pair) for pair in pairs])))
    target, mixture = spectra.unbind(1)  # (3, 2, F, T) each
    wanted = ratio_mask(target, mixture)
    passes = Passes(net, transform, at_once=1, samples=SAMPLES, precision="float32")
    for index in range(3):
        part = slice(index, index + 1)
        ((passes.masks(mixture[part]) - wanted[part]).abs().mean() / 3).backward()
    ours = [parameter.grad.clone() for parameter in net.parameters()]
    net.zero_grad()
    bins, frames = wanted.shape[1:]
    padded = torch.zeros(3, 2, 64, 68)
    padded[..., :bins, :frames] = mixture
    masks = torch.sigmoid(net(padded)[:, 0, :bins, :frames])
    (masks - wanted).abs().mean().backward()
    theirs = [parameter.grad for parameter in net.parameters()]
    largest = max(gradient.abs().max() for gradient in theirs)
    for one, other in zip(ours, theirs, strict=True):
        # two orders of the same float32 sums; a bias before a normalisation has no gradient
        assert (one - other).abs().max() < 1e-3 * largest


def test_a_training_that_diverges_says_so():
    with pytest.raises(DapError, match=r"its loss is nan at step \d+ \(seed 3\); lower"):
        trained(steps=30, learning_rate=1e38)


def test_where_there_are_no_compiled_layers(monkeypatch):
    compiled, _ = trained()
    monkeypatch.setattr(engine, "library", lambda precision: None)
    plain, _ = trained()
    assert (compiled.engine, plain.engine) == ("compiled", "pytorch")
    for one, other in zip(compiled.curve, plain.curve, strict=True):
        assert one.validation == pytest.approx(other.validation, rel=1e-3)


def test_steps_are_reported():
    seen = []
    trained(report=lambda step, loss: seen.append((step, loss)))
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert all(0 < loss < 1 for _, loss in seen)
