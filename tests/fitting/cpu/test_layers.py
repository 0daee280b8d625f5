"""The compiled layers against PyTorch, and what happens where they cannot be had."""

import copy
import platform
from functools import partial

import pytest
import torch
from torch import nn

from dap.errors import DapError
from dap.fitting import engine
from dap.fitting.cpu import library as compiled
from dap.nn.dilated_unet import DilatedUNet, design, layout
from dap.nn.harmonic_unet import harmonic, regular

PRECISIONS = [
    pytest.param(
        precision,
        marks=pytest.mark.skipif(
            compiled.library(precision) is None, reason=f"this CPU has no products in {precision}"
        ),
    )
    for precision in ("float32", "bfloat16")
]
DESIGNS = {
    "conv": partial(design, dilation=1, dense=False, width=0.1),
    "dilated": partial(design, dilation=4, dense=False, width=0.2),
    "dense": partial(design, dilation=None, dense=True, width=0.1),
    "text": partial(design, dilation=None, dense=True, width=0.1, network="text"),
    "one output": partial(design, dilation=None, dense=True, width=0.1, out_channels=1),
    "conv7": partial(regular, dilation=1, width=0.1),
    "dilated7": partial(regular, dilation=3, width=0.15),
    "harmonic": partial(harmonic, anchors=7, mixing="matrix", width=0.1),
    "harmonic, full": partial(harmonic, anchors=3, mixing="matrix", width=0.1, factorised=False),
    "harmonic, single": partial(harmonic, anchors=1, mixing="none", width=0.15),
    "harmonic, unmixed": partial(harmonic, anchors=7, mixing="scalars", width=0.1),
    "harmonic, groups": partial(harmonic, anchors=3, mixing="groups", width=0.2, bias=False),
}


@pytest.fixture
def torch_threads():
    """Sets PyTorch's threads for a test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def passes(net, run, z, upstream):
    """Output and gradients, by name."""
    net.zero_grad(set_to_none=True)
    out = run()
    (out * upstream).sum().backward()
    return out.detach(), {name: p.grad.clone() for name, p in net.named_parameters()}


def distance(found, expected):
    return ((found.double() - expected.double()).norm() / expected.double().norm()).item()


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("size", [(8, 8), (36, 20), (64, 68)])
@pytest.mark.parametrize("threads", [1, 2])
def test_float32_is_the_same_function_and_gradient(name, size, threads, torch_threads):
    torch_threads(threads)
    torch.manual_seed(3)
    net = DESIGNS[name]()
    z = torch.randn(1, 2, *size)
    upstream = torch.randn(1, net.final.out_channels, *size)
    double = copy.deepcopy(net).double()
    expected, gradients = passes(double, partial(double, z.double()), z, upstream)
    out, found = passes(net, net.compiled(z, "float32"), z, upstream)
    assert out.shape == (1, net.final.out_channels, *size)
    assert distance(out, expected) < 2e-6  # rounding of float32
    largest = max(gradient.norm() for gradient in gradients.values())
    for key, gradient in gradients.items():
        # a bias before a normalisation has no gradient but rounding errors
        if gradient.norm() > 1e-9 * largest:
            # few pixels have a small deviation, and rounding errors are divided by it
            assert distance(found[key], gradient) < (1e-2 if size == (8, 8) else 1e-4), key
        else:
            assert found[key].norm() < 1e-6 * largest, key


@pytest.mark.parametrize("precision", PRECISIONS)
def test_as_exact_as_the_precision(precision):
    # in bfloat16, whose last bit is 2^-8, no further from the truth than PyTorch's own
    torch.manual_seed(4)
    net = DESIGNS["dense"]()
    z, upstream = torch.randn(1, 2, 64, 64), torch.randn(1, 2, 64, 64)
    expected, gradients = passes(net, partial(net, z), z, upstream)
    out, found = passes(net, net.compiled(z, precision), z, upstream)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        reference = net(z)
    net.zero_grad()
    (reference.float() * upstream).sum().backward()
    assert distance(out, expected) < (1e-6 if precision == "float32" else 1e-2)
    assert distance(out, expected) < 1.5 * distance(reference.detach(), expected)
    for key in ("final.weight", "up1.conv2.0.weight", "down1.conv1.0.weight"):
        theirs = net.get_parameter(key).grad
        assert distance(found[key], gradients[key]) < 1.5 * distance(theirs, gradients[key])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_equal_bits_and_new_parameters(precision):
    torch.manual_seed(5)
    net, z = DESIGNS["dense"](), torch.randn(1, 2, 32, 36)
    upstream = torch.randn(1, 2, 32, 36)
    run = net.compiled(z, precision)
    first, again = passes(net, run, z, upstream), passes(net, run, z, upstream)
    assert torch.equal(first[0], again[0])
    assert all(torch.equal(first[1][key], again[1][key]) for key in first[1])
    other = passes(net, net.compiled(z, precision), z, upstream)
    assert all(torch.equal(first[1][key], other[1][key]) for key in first[1])
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(1.1)
    assert distance(run().detach(), net(z).detach()) < 2e-2


def test_equal_maxima_give_the_gradient_to_the_first():
    # constant features: every 2 x 2 pixels are equal, as rounding often makes them in bfloat16
    torch.manual_seed(6)
    net = DilatedUNet(layout("code", 0.1, 1), dense=False)
    z, upstream = torch.zeros(1, 2, 16, 16), torch.randn(1, 2, 16, 16)
    _, expected = passes(net, partial(net, z), z, upstream)
    _, found = passes(net, net.compiled(z, "float32"), z, upstream)
    for key in ("down1.transition.bias", "down2.transition.weight"):
        torch.testing.assert_close(found[key], expected[key], rtol=1e-3, atol=1e-5)


def test_two_networks_do_not_share_anything():
    torch.manual_seed(7)
    nets = [DESIGNS["conv"](), DESIGNS["conv"]()]
    zs = [torch.randn(1, 2, 16, 16) for _ in nets]
    runs = [net.compiled(z, "float32") for net, z in zip(nets, zs, strict=True)]
    outs = [run() for run in runs]  # as in separation: all forward, then all backward
    sum(out.square().sum() for out in outs).backward()
    for net, z in zip(nets, zs, strict=True):
        ours = {key: p.grad.clone() for key, p in net.named_parameters()}
        net.zero_grad()
        net(z).square().sum().backward()
        key = "up1.conv1.0.weight"
        assert distance(ours[key], net.get_parameter(key).grad) < 1e-4


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
    for cached in (compiled.library, compiled._load):
        cached.cache_clear()
    yield
    for cached in (compiled.library, compiled._load):
        cached.cache_clear()


def test_without_a_compiler_pytorch_runs(no_compiler, caplog):
    net, z = DESIGNS["conv"](), torch.randn(1, 2, 8, 8)
    assert compiled.library("float32") is None
    assert "no C compiler" in caplog.text
    run, name = engine.run(net, z, "float32")
    assert name == "pytorch"
    assert torch.equal(run(), net(z))
    assert engine.choose("auto", "cpu") == "float32"
    with pytest.raises(DapError, match=r"precision is bfloat16.*set precision to auto or float32"):
        engine.choose("bfloat16", "cpu")
    with pytest.raises(ValueError, match="no compiled layers in float32"):
        net.compiled(z, "float32")


def test_a_compiler_that_fails_is_said(monkeypatch, tmp_path, caplog):
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho cannot do that >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compiled._load.__wrapped__() is None
    assert "cannot do that" in caplog.text
    assert not list(tmp_path.glob("dap/*.so"))


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """No library is loaded, and none kept; the next one is compiled with the flags then set."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for cached in (compiled.library, compiled._load):
        cached.cache_clear()
    yield tmp_path
    for cached in (compiled.library, compiled._load):
        cached.cache_clear()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="for CPUs of one kind")
def test_a_cpu_without_long_vectors(fresh, monkeypatch):
    flags = [flag.replace("native", "haswell") for flag in compiled.FLAGS]
    monkeypatch.setattr(compiled, "FLAGS", flags)
    assert compiled.library("bfloat16") is None
    assert compiled.library("float32").lanes == 8
    torch.manual_seed(8)
    net, z = DESIGNS["text"](), torch.randn(1, 2, 20, 36)
    upstream = torch.randn(1, 2, 20, 36)
    expected, gradients = passes(net, partial(net, z), z, upstream)
    out, found = passes(net, net.compiled(z, "float32"), z, upstream)
    assert distance(out, expected) < 1e-5
    for key in ("final.weight", "up1.conv2.0.weight", "bottom.conv1.0.weight"):
        assert distance(found[key], gradients[key]) < 1e-3


def test_a_home_that_cannot_be_written(fresh, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert compiled.library("float32") is not None
    assert not list(fresh.iterdir())


def test_compiled_once_and_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compiled._load.__wrapped__() is not None
    (made,) = (tmp_path / "dap").iterdir()
    before = made.stat().st_mtime_ns
    compiled._load.__wrapped__()
    assert made.stat().st_mtime_ns == before


def test_other_networks_run_in_pytorch():
    net = nn.Conv2d(2, 2, 3, padding=1)
    run, name = engine.run(net, torch.randn(1, 2, 8, 8), "float32")
    assert name == "pytorch"
    assert run().shape == (1, 2, 8, 8)
    assert engine.choose("float32", "cpu") == "float32"
