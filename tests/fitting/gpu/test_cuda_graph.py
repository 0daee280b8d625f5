"""What is recorded on a GPU: once, and only what can be."""

import gc
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from small_fits import BUILD, OPTIONS, TASK_OPTIONS, goal
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from dap.fitting import engine
from dap.fitting.ema import MovingAverage
from dap.fitting.gpu.cuda_graph import WARMUP, GraphedIteration
from dap.fitting.loop import fit, outputs
from dap.fitting.objectives.tasks import objective
from dap.nn import harmonic_conv as harmonic
from dap.observation import Observation
from dap.plugins import plugin, plugins
from dap.stft import STFT


class FakeGraph:
    """What is recorded is called when replayed."""

    made = 0

    def __init__(self):
        FakeGraph.made += 1

    def replay(self):
        self.replayed = True


@pytest.fixture
def cuda(monkeypatch):
    class Recording:
        def __init__(self, graph, **how):
            assert how == {"stream": "here", "pool": (0, 7)}

        def __enter__(self):
            pass

        def __exit__(self, *error):
            pass

    FakeGraph.made = 0
    monkeypatch.setattr(GraphedIteration, "broken", [])
    monkeypatch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
    monkeypatch.setattr(torch.cuda, "graph", Recording)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: "here")
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 7))
    given_back = []
    for name in ("_cuda_endAllocateToPool", "_cuda_releasePool"):
        monkeypatch.setattr(
            torch._C, name, lambda *which, name=name: given_back.append((name, *which))
        )
    return given_back


def test_an_iteration_is_recorded_once_and_again_where_the_loss_changes(cuda):
    called = []
    recorded = GraphedIteration(
        lambda progress: called.append(progress) or progress, lambda p: p > 0.9
    )
    losses = [recorded(k / 20) for k in range(1, 21)]
    # the eager ones and the recording; where the loss changes, one and another
    assert called == [1 / 20, 2 / 20, 3 / 20, 4 / 20, 19 / 20, 20 / 20]
    assert len(called) == WARMUP + 3
    assert losses[3:] == [4 / 20] * 15 + [19 / 20, 20 / 20]
    assert FakeGraph.made == 2
    assert recorded.graph.replayed


def test_what_cannot_be_recorded_runs_as_it_is(cuda):
    count = []

    def iterate(progress):
        count.append(progress)
        if len(count) == WARMUP + 1:
            raise RuntimeError("operation not permitted when stream is capturing")
        return progress

    recorded = GraphedIteration(iterate, lambda p: None)
    with pytest.warns(UserWarning, match="not recorded, so slower: operation not permitted"):
        losses = [recorded(k) for k in range(10)]
    assert losses == list(range(10))
    assert recorded.graph is None
    assert gc.isenabled()
    assert cuda == [("_cuda_endAllocateToPool", 0, (0, 7)), ("_cuda_releasePool", 0, (0, 7))]
    # nor is anything else in this process: PyTorch is not what it was before
    other = GraphedIteration(lambda progress: progress, lambda p: None)
    assert [other(k) for k in range(10)] == list(range(10))
    assert (other.graph, FakeGraph.made) == (None, 1)


@pytest.mark.parametrize("at_the_end_too", [False, True])
def test_where_the_memory_is_full_the_fit_ends_and_others_are_recorded(
    cuda, monkeypatch, at_the_end_too
):
    class Ending:
        def __init__(self, graph, **how):
            pass

        def __enter__(self):
            pass

        def __exit__(self, *error):
            if at_the_end_too:
                raise RuntimeError("capture was invalidated")

    def ended(*which):
        raise RuntimeError("not currently recording")

    count = []

    def iterate(progress):
        count.append(progress)
        if len(count) == WARMUP + 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return progress

    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "graph", Ending)
        if not at_the_end_too:
            patch.setattr(torch._C, "_cuda_endAllocateToPool", ended)
        recorded = GraphedIteration(iterate, lambda p: None)
        with pytest.raises(torch.OutOfMemoryError):
            list(map(recorded, range(10)))
    assert len(cuda) == 2 * at_the_end_too  # else the graph's end gives the memory back
    assert (GraphedIteration.broken, gc.isenabled()) == ([], True)
    other = GraphedIteration(lambda progress: progress, lambda p: None)
    assert [other(k) for k in range(10)][:WARMUP] == list(range(WARMUP))
    assert other.graph.replayed


# a device that is not the CPU, and whose tensors have sizes and types but no numbers: what would
# mix the two, or look at a number, raises
ELSEWHERE = "lazy"
SIGNAL = np.sin(np.arange(2048) / 10).astype(np.float32) / 2
LOST = (np.arange(2048) > 1000) & (np.arange(2048) < 1400)
FRAMES = STFT(254, 32, "hann").analyse(torch.from_numpy(SIGNAL)).numpy()
SEEN = (np.arange(FRAMES.shape[-1]) < 30) | (np.arange(FRAMES.shape[-1]) > 45)
CELLS = {"lower": SIGNAL - 0.1, "upper": SIGNAL + 0.1}
PLAIN, CONSISTENT = {"consistency": 0.0}, {"consistency": 0.5}
GOALS = {
    "noise": ("denoise", {}, {}),
    "samples lost": ("inpaint", {"mask": LOST, "observed_frames": SEEN}, {}),
    "frames lost": (
        "inpaint",
        {
            "mask": LOST,
            "observed_frames": SEEN,
            "spectrogram": FRAMES,
            "gain": (~LOST).astype(np.float32),
        },
        {},
    ),
    "mixed": ("separate", {}, TASK_OPTIONS["separate"]),
    "quantized": ("dequantize", CELLS, PLAIN),
    "quantized, its cells": ("dequantize", CELLS, CONSISTENT),
}
NETWORKS = [(prior, "noise") for prior in plugins("priors")]
LOSSES = [("conv", kind) for kind in GOALS]
WAVES = [("wave-u-net", kind) for kind in GOALS if kind not in ("noise", "mixed")]


def elsewhere(thing, mode):
    """Move all tensors of an object, and of the objects that it has."""
    for name, value in vars(thing).items():
        if isinstance(value, torch.Tensor):
            setattr(thing, name, mode.from_tensor(value).to(ELSEWHERE))
        elif isinstance(value, STFT) or name == "fluctuation":
            elsewhere(value, mode)


def dense(bins, harmonics, anchors, dtype, device):
    """The sizes of what `harmonic.sampling` gives."""
    rows, columns = bins * anchors, bins * harmonics
    return (
        torch.empty(rows, columns, dtype=dtype, device=device),
        torch.empty(columns, rows, dtype=dtype, device=device),
    )


def build(module, channels):
    network = module.build(width=0.1, network="code", out_channels=channels)
    for layer in network.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            setattr(layer, name, torch.nn.Parameter(parameter.detach().to(ELSEWHERE)))
    return network


@pytest.mark.parametrize(("prior", "kind"), [*NETWORKS, *LOSSES[1:], *WAVES])
def test_an_iteration_stays_on_its_device_and_waits_for_no_number(prior, kind, monkeypatch):
    # without numbers there are no sparse matrices, and there is no mixed precision there
    monkeypatch.setattr(harmonic, "sampling", dense)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    task, known, options = GOALS[kind]
    module = plugin("priors", prior).load()
    observation = Observation(SIGNAL, dict(known))
    if plugin("priors", prior).metadata.get("domain") == "waveform":
        target = module.objective(prior, task, observation, "cpu", options)
    else:
        target = objective(task, observation, STFT(254, 32, "hann"), "cpu", options)
    mode = FakeTensorMode()
    elsewhere(target, mode)
    average = MovingAverage(0.9)

    def iterate(iteration, progress):
        outs = outputs(runs, target.target, [0.1] * len(runs))
        estimates = target.estimates(outs)
        loss = target.loss(outs, estimates, progress)
        loss.backward()
        average.update(estimates.detach())
        if hasattr(target, "follow"):
            target.follow(iteration, estimates.detach())
        return loss, average.value()

    with mode:
        networks = [build(module, channels) for channels in target.networks]
        inputs = [target.draw(index).to(ELSEWHERE) for index in range(len(networks))]
        runs = [
            engine.run(network, z, "float32")[0]
            for network, z in zip(networks, inputs, strict=True)
        ]
        if not target.recordable:
            with pytest.raises(DataDependentOutputException):
                iterate(60, 0.5)
            return
        pairs = [iterate(iteration, iteration / 62) for iteration in (60, 61, 62)]
        pairs += [(p, p.grad) for net in networks for p in net.parameters()]
    assert {tensor.device.type for pair in pairs for tensor in pair} == {ELSEWHERE}
    assert len(pairs) > 10


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu_what_waits_is_not_recorded(tones, monkeypatch):
    monkeypatch.setattr(GraphedIteration, "broken", [])
    waiting = goal("denoise", tones[0], "cuda")
    loss = waiting.loss
    waiting.loss = lambda *arguments: (
        loss(*arguments) * (1.0 if loss(*arguments).item() >= 0 else 2.0)
    )
    with pytest.warns(UserWarning, match="not recorded, so slower"):
        first = fit(BUILD, waiting, OPTIONS, seed=3, device="cuda")
    # this fit and the next go on as they are
    again = fit(BUILD, goal("denoise", tones[0], "cuda"), OPTIONS, seed=3, device="cuda")
    assert (first.engine, again.engine) == ("pytorch", "pytorch")
    np.testing.assert_allclose(first.losses, again.losses, rtol=1e-3)
