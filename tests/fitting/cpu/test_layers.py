"""The compiled layers against PyTorch, and what happens where they cannot be had."""

import copy
import ctypes
import os
import platform
import shutil
import subprocess
from functools import partial

import pytest
import torch
from torch import nn

from dap.cache import cache_folder
from dap.errors import DapError
from dap.fitting import engine
from dap.fitting.cpu import library as compiled
from dap.fitting.cpu.layers import Conv, Feature, Value
from dap.fitting.cpu.network import Network
from dap.fitting.cpu.sampling import Sample
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
    "harmonic, sum": partial(harmonic, anchors=7, mixing="sum", width=0.1),
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


def distance(tensor, expected):
    return ((tensor.double() - expected.double()).norm() / expected.double().norm()).item()


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("size", [(8, 8), (36, 20), (52, 68)])
def test_float32_is_the_same_function_and_gradient(name, size, torch_threads):
    torch.manual_seed(3)
    net = DESIGNS[name]()
    z = torch.randn(1, 2, *size)
    upstream = torch.randn(1, net.final.out_channels, *size)
    double = copy.deepcopy(net).double()
    expected, gradients = passes(double, partial(double, z.double()), z, upstream)
    largest = max(gradient.norm() for gradient in gradients.values())
    for threads in (1, 2):
        torch_threads(threads)
        out, compiled_gradients = passes(net, net.compiled(z, "float32"), z, upstream)
        assert out.shape == (1, net.final.out_channels, *size)
        assert distance(out, expected) < 2e-6  # rounding of float32
        for key, gradient in gradients.items():
            # a bias before a normalisation has no gradient but rounding errors
            if gradient.norm() > 1e-9 * largest:
                # few pixels have a small deviation, and rounding errors are divided by it
                assert distance(compiled_gradients[key], gradient) < (
                    1e-2 if size == (8, 8) else 1e-4
                ), key
            else:
                assert compiled_gradients[key].norm() < 1e-6 * largest, key


@pytest.mark.parametrize("precision", PRECISIONS)
def test_as_exact_as_the_precision(precision):
    # in bfloat16, whose last bit is 2^-8, no further from the truth than PyTorch's own
    torch.manual_seed(4)
    net = DESIGNS["dense"]()
    z, upstream = torch.randn(1, 2, 64, 64), torch.randn(1, 2, 64, 64)
    expected, gradients = passes(net, partial(net, z), z, upstream)
    out, compiled_gradients = passes(net, net.compiled(z, precision), z, upstream)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        reference = net(z)
    net.zero_grad()
    (reference.float() * upstream).sum().backward()
    assert distance(out, expected) < (1e-6 if precision == "float32" else 1e-2)
    assert distance(out, expected) < 1.5 * distance(reference.detach(), expected)
    for key in ("final.weight", "up1.conv2.0.weight", "down1.conv1.0.weight"):
        theirs = net.get_parameter(key).grad
        assert distance(compiled_gradients[key], gradients[key]) < 1.5 * distance(
            theirs, gradients[key]
        )


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
    _, gradients = passes(net, net.compiled(z, "float32"), z, upstream)
    for key in ("down1.transition.bias", "down2.transition.weight"):
        torch.testing.assert_close(gradients[key], expected[key], rtol=1e-3, atol=1e-5)


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
def one_pass():
    """A network, its compiled layers, and their first output."""
    torch.manual_seed(9)
    net = DESIGNS["conv"]()
    run = net.compiled(torch.randn(1, 2, 16, 16), "float32")
    return net, run, run()


def test_a_second_forward_before_the_first_backward_is_refused(one_pass):
    net, run, first = one_pass
    second = run()
    with pytest.raises(RuntimeError, match="backward of forward pass 1 after forward pass 2"):
        first.sum().backward()
    second.sum().backward()
    assert net.final.weight.grad.norm() > 0


def test_a_forward_without_gradients_overwrites_the_buffers_too(one_pass):
    _, run, first = one_pass
    with torch.no_grad():
        again = run()
    assert torch.equal(again, first)
    assert not again.requires_grad
    with pytest.raises(RuntimeError, match="backward of forward pass 1 after forward pass 2"):
        first.sum().backward()


def test_gradients_of_one_output_twice(one_pass):
    net, run, out = one_pass
    parameters = list(net.parameters())
    # the second does not change what the first gave
    one = torch.autograd.grad(out.sum(), parameters, retain_graph=True)
    before = [gradient.clone() for gradient in one]
    two = torch.autograd.grad(3 * out.sum(), parameters, retain_graph=True)
    for gradient, held, larger in zip(one, before, two, strict=True):
        assert torch.equal(gradient, held)
        torch.testing.assert_close(larger, 3 * gradient)
    with torch.no_grad():
        net.final.weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(out.sum(), parameters)
    fresh = run()
    fresh.sum().backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        fresh.sum().backward()


def test_second_derivatives_are_refused(one_pass):
    net, _, out = one_pass
    (gradient,) = torch.autograd.grad(out.square().sum(), [net.final.weight], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_a_filter_that_is_too_long():
    weight, filters = torch.ones(2, 2, 1, 1), torch.ones(1, 9)

    def wire(z, add):
        u = add(Conv(Value(lambda: weight), None, [z], "", parts=2))
        z = add(Sample(u, [(0, 0, 0, 0, 1.0)], 1, Value(lambda: filters)))
        add(Conv(Value(lambda: weight[:1, :1]), None, [z], "", planar=True))

    with pytest.raises(ValueError, match="a filter of 9 taps: at most 7 fit"):
        Network(wire, torch.zeros(1, 2, 4, 4), "float32")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_memory_that_is_not_there_is_an_error(precision):
    # lines of 2^50 columns, of no rows
    lib, of = compiled.library(precision), Feature((2, 4, 4))
    of.allocate(lib)
    table = compiled.Table(torch.zeros(1, dtype=torch.int64).data_ptr(), None)
    many, maps = 2**50, [of.value, of.value]
    calls = {
        "upsample": partial(lib.upsample, *maps, 0, many, 2),
        "upsample_backward": partial(lib.upsample_backward, *maps, 0, many, 2),
        "sample": partial(lib.sample, *maps, table, None, 0, 2, 0, many, 2),
        "sample_backward": partial(
            lib.sample_backward, of.value, *maps, table, *[None] * 3, 0, 2, 0, many, 2
        ),
        "norm_relu_backward": partial(
            lib.norm_relu_backward, of.value, compiled.Map(None, 0, 0, 2**58), None, None, 0, 0, 2
        ),
        # scratch for less than one row
        "conv_weights": partial(
            lib.conv_weights, *maps, None, 2, 0, None, None, 1, 4, 4, 1, 1, 1, 2
        ),
    }
    for name, call in calls.items():
        with pytest.raises(MemoryError, match=f"{name}_{precision} of the compiled layers"):
            call()


@pytest.fixture
def unloaded():
    """No library is loaded."""
    for cached in (compiled.library, compiled._load):
        cached.cache_clear()
    yield
    for cached in (compiled.library, compiled._load):
        cached.cache_clear()


@pytest.fixture
def no_compiler(unloaded, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)


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
    assert f"CC, here {broken}, names another compiler" in caplog.text
    assert not list(tmp_path.glob("dap/*.so"))


@pytest.fixture
def fresh(unloaded, monkeypatch, tmp_path):
    """No library is in the cache, either; the next one is compiled with the flags then set."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def has_openmp(compiler):
    command = [compiler, "-fopenmp", "-x", "c", "-", "-o", os.devnull]
    source = "int main(void) { return 0; }"
    return subprocess.run(command, input=source, text=True, capture_output=True).returncode == 0


@pytest.fixture
def compiler(fresh, monkeypatch, request):
    """Has a compiler make the library for a kind of CPU, without OpenMP where it has none."""
    name, architecture = request.param
    four = ["-DFOUR_LANES"] if architecture == "x86-64" else []
    if architecture != "native" and platform.machine() != "x86_64":
        pytest.skip("a kind of CPU of another family")
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}")
    flags = [f"-march={architecture}", "-Wall", "-Wextra", "-Werror", *four]
    if not has_openmp(name):
        flags += ["-fno-openmp", "-Wno-unknown-pragmas", "-Wno-unused-parameter"]
    monkeypatch.setenv("CC", name)
    monkeypatch.setenv("DAP_CFLAGS", " ".join(flags))
    return request.param


# haswell: CPUs with AVX2 alone; x86-64: registers of 4 lanes, as those of 64-bit ARM
@pytest.mark.parametrize(
    "compiler",
    [(name, kind) for name in ("gcc", "clang") for kind in ("native", "haswell", "x86-64")],
    indirect=True,
)
def test_compilers_and_cpus(compiler):
    name, architecture = compiler
    libraries = {precision: compiled.library(precision) for precision in ("float32", "bfloat16")}
    if architecture != "native":
        assert libraries["bfloat16"] is None
        assert libraries["float32"].constants.lanes == {"haswell": 8, "x86-64": 4}[architecture]
    (made,) = cache_folder().glob("*.so")
    assert (b"clang version" in made.read_bytes()) == (name == "clang")
    torch.manual_seed(8)
    for key in ("text", "harmonic"):
        net, z = DESIGNS[key](), torch.randn(1, 2, 20, 36)
        upstream = torch.randn(1, 2, 20, 36)
        expected, gradients = passes(net, partial(net, z), z, upstream)
        largest = max(gradient.norm() for gradient in gradients.values())
        for precision, lib in libraries.items():
            if lib is None:
                continue
            out, ours = passes(net, net.compiled(z, precision), z, upstream)
            assert distance(out, expected) < (1e-5 if precision == "float32" else 2e-2)
            for parameter, gradient in gradients.items():
                if precision == "float32" and gradient.norm() > 1e-4 * largest:
                    assert distance(ours[parameter], gradient) < 1e-3, parameter


@pytest.mark.parametrize("name", ["Constants", "Map", "Entry", "Table"])
def test_structures_that_differ_are_noticed(name, unloaded, monkeypatch, caplog):
    before = getattr(compiled, name)
    longer = type(
        name, (ctypes.Structure,), {"_fields_": (*before._fields_, ("x", ctypes.c_int64))}
    )
    monkeypatch.setattr(compiled, name, longer)
    assert compiled.library("float32") is None
    sizes = f"{ctypes.sizeof(before)} bytes in kernels.c and {ctypes.sizeof(longer)} in library.py"
    assert f"{name} has {sizes}" in caplog.text
    assert "the networks run in PyTorch" in caplog.text
    _, engine_name = engine.run(DESIGNS["conv"](), torch.randn(1, 2, 8, 8), "float32")
    assert engine_name == "pytorch"


@pytest.mark.parametrize(
    ("flags", "message"),
    [("'-march=no such CPU'", "no such CPU"), ("'-march=native", "No closing quotation")],
)
def test_flags_from_the_environment(flags, message, unloaded, monkeypatch, caplog):
    monkeypatch.setenv("DAP_CFLAGS", flags)
    assert compiled.library("float32") is None
    assert message in caplog.text


def test_other_networks_run_in_pytorch():
    net = nn.Conv2d(2, 2, 3, padding=1)
    run, name = engine.run(net, torch.randn(1, 2, 8, 8), "float32")
    assert name == "pytorch"
    assert run().shape == (1, 2, 8, 8)
    assert engine.choose("float32", "cpu") == "float32"
