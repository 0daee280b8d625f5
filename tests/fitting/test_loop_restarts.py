"""A fit that its objective finds to have failed is begun again from another initialisation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_fits import OPTIONS, StoppedError, assert_same, checkpoint, goal, run

from dap.fitting import engine
from dap.fitting.loop import fit
from dap.nn.dilated_unet import design
from dap.seeds import derive

SEED = 3  # of `run`


class FailsAtFirst:
    """An objective that finds `times` fits to have failed, each at its first judgement."""

    def __init__(self, tone, times, at=0):
        self.inner, self.times, self.at = goal("denoise", tone), times, at
        self.judgements = 0

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def failed(self):
        self.judgements += 1
        if self.judgements <= self.at:
            return False
        self.times -= 1
        return self.times >= 0


@pytest.fixture
def fitted(tone):
    def make(objective, seed=SEED, **rest):
        options = replace(OPTIONS, restarts=2)
        build = rest.pop("build", None) or small_network
        return fit(build, objective, options, seed=seed, device="cpu", **rest)

    return make


def small_network(out_channels):
    return design(dilation=None, dense=True, width=0.05, out_channels=out_channels)


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_failed_fit_begins_again_from_another_seed(fitted, tone, times):
    objective = FailsAtFirst(tone, times)
    trajectory = fitted(objective)
    assert len(trajectory.failed) == times
    seed = derive(SEED, "restart", times) if times else SEED
    assert_same(trajectory, fitted(goal("denoise", tone), seed=seed))


def test_there_is_an_end_to_it(fitted, tone):
    objective = FailsAtFirst(tone, 100)
    trajectory = fitted(objective)
    assert trajectory.failed == (7, 7)
    assert objective.judgements == 2  # the last one is not judged, but reported
    assert len(trajectory.losses) == OPTIONS.iterations


def test_a_fit_is_judged_at_half_three_quarters_and_its_end(fitted, tone):
    objective = FailsAtFirst(tone, 1, at=2)  # at the third
    assert fitted(objective).failed == (14,)
    assert objective.judgements == 3 + 3
    never = FailsAtFirst(tone, 0)
    fitted(never)
    assert never.judgements == 3


def test_the_seconds_of_failed_fits_count(fitted, tone, monkeypatch):
    # each iteration takes a second
    monkeypatch.setattr("dap.fitting.interleave.time.perf_counter", iter(range(10**6)).__next__)
    once = fitted(goal("denoise", tone)).seconds
    objective = FailsAtFirst(tone, 1)  # at half of the iterations
    assert fitted(objective).seconds == pytest.approx(1.5 * once, rel=0.1)


@pytest.mark.parametrize("iteration", [2, 9])
def test_a_fit_that_is_stopped_after_a_restart_goes_on_with_it(fitted, tone, tmp_path, iteration):
    undisturbed = fitted(FailsAtFirst(tone, 1, at=1))
    keeper = checkpoint(tmp_path / "state")
    write = keeper.save

    def save(parts, device, **values):
        write(parts, device, **values)
        if (values["failures"], values["iteration"]) == ([10], iteration):
            raise StoppedError

    keeper.save = save
    with pytest.raises(StoppedError):
        fitted(FailsAtFirst(tone, 1, at=1), checkpoint=keeper)
    again = checkpoint(tmp_path / "state")
    trajectory = fitted(FailsAtFirst(tone, 0), checkpoint=again)
    assert_same(trajectory, undisturbed)
    assert trajectory.failed == (10,)
    assert again.said == [f"taken up after iteration {iteration} of 14"]


def test_a_stop_before_the_failure_leads_to_the_same_restart(fitted, tone, tmp_path):
    undisturbed = fitted(FailsAtFirst(tone, 1, at=1))
    keeper = checkpoint(tmp_path / "state")
    write = keeper.save

    def save(parts, device, **values):
        write(parts, device, **values)
        if values["iteration"] == 8:  # judged at 7 and 10
            raise StoppedError

    keeper.save = save
    with pytest.raises(StoppedError):
        fitted(FailsAtFirst(tone, 1, at=1), checkpoint=keeper)
    trajectory = fitted(FailsAtFirst(tone, 1), checkpoint=checkpoint(tmp_path / "state"))
    assert_same(trajectory, undisturbed)


def test_the_terms_of_a_separation(tone):
    trajectory = run("separate", tone)
    assert list(trajectory.terms) == ["reconstruction", "smoothness", "exclusion", "binarity"]
    assert sum(trajectory.terms.values()) == pytest.approx(trajectory.losses[-1], rel=1e-5)
    assert trajectory.warnings == ()
    assert run("denoise", tone).terms == {}


def test_noise_that_is_drawn_again_depends_on_the_iteration_alone(fitted, tone, tmp_path):
    class Redrawn:
        def __init__(self):
            self.inner = goal("denoise", tone)

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def redrawn(self, progress):
            return (0,) if progress > 0.4 else ()

    plain, whole = fitted(goal("denoise", tone)), fitted(Redrawn())
    same = plain.losses == whole.losses
    assert same[:5].all()  # 0.4 of 14
    assert not same[5:].any()
    keeper = checkpoint(tmp_path / "state")
    write = keeper.save

    def save(parts, device, **values):
        write(parts, device, **values)
        if values["iteration"] == 8:
            raise StoppedError

    keeper.save = save
    with pytest.raises(StoppedError):
        fitted(Redrawn(), checkpoint=keeper)
    assert_same(fitted(Redrawn(), checkpoint=checkpoint(tmp_path / "state")), whole)


@pytest.mark.parametrize("compiled", [False, True])
def test_feeding_a_network_another_input(compiled, monkeypatch):
    if not compiled:
        monkeypatch.setattr(engine, "library", lambda precision: None)
    net = small_network(1)
    first, second = torch.randn(2, 1, 2, 16, 16)
    run_network, name = engine.run(net, first.clone(), "float32")
    if compiled and name != "compiled":
        pytest.skip("no C compiler")
    np.testing.assert_allclose(run_network().detach(), net(first).detach(), atol=1e-5)
    run_network.feed(second)
    np.testing.assert_allclose(run_network().detach(), net(second).detach(), atol=1e-5)
    assert (net(first) - net(second)).abs().max() > 1e-3
