"""Harmonic convolution against a loop over its equation."""

import pytest
import torch

from dap.nn.harmonic_conv import HarmonicConv2d, positions


def by_hand(layer, x):
    """Equations 3 to 5 of B, one number at a time, in double precision."""
    x, kernel = x.double(), layer.kernel().double()
    _, channels, bins, frames = x.shape
    harmonics, length = layer.kernel_size
    anchored = torch.zeros(layer.anchors, layer.out_channels, bins, frames, dtype=torch.float64)
    for n in range(layer.anchors):
        for w in range(bins):
            for k in range(harmonics):
                position = (k + 1) * w / (n + 1)
                low = int(position)
                line = torch.zeros(channels, frames, dtype=torch.float64)
                if low < bins:
                    line = line + x[0, :, low] * (1 - (position - low))
                if low + 1 < bins:
                    line = line + x[0, :, low + 1] * (position - low)
                line = torch.nn.functional.pad(line, (length // 2, length // 2))
                for t in range(frames):
                    window = line[:, t : t + length]
                    anchored[n, :, w, t] += (kernel[:, :, k] * window).sum(dim=(1, 2))
    y = torch.einsum("onp,npft->oft", _mixing(layer), anchored)
    return y + layer.bias.double()[:, None, None]


def _mixing(layer):
    """(out_channels, anchors, out_channels)"""
    count, anchors = layer.out_channels, layer.anchors
    matrix = torch.zeros(count, anchors, count, dtype=torch.float64)
    for o in range(count):
        for n in range(anchors):
            for p in range(count):
                if layer.mixing == "matrix":
                    matrix[o, n, p] = layer.mix[o, n * count + p].item()
                elif layer.mixing == "scalars":
                    matrix[o, n, p] = layer.mix[n].item() * (o == p)
                elif layer.mixing == "none":
                    matrix[o, n, p] = o == p
                elif p * anchors // count == n:
                    matrix[o, n, p] = layer.mix[o, p].item()
    return matrix


def made(implementation, **options):
    torch.manual_seed(3)
    arguments = {"in_channels": 3, "out_channels": 5, **options}
    layer = HarmonicConv2d(**arguments, implementation=implementation)
    for parameter in layer.parameters():  # of order 1, so that a tolerance means something
        torch.nn.init.normal_(parameter, std=0.5)
    return layer


VARIANTS = {
    "all anchors": {},
    "full": {"factorised": False},
    "single anchor": {"anchors": 1, "mixing": "none"},
    "scalars": {"mixing": False},
    "groups": {"mixing": "groups", "anchors": 3},  # which do not divide the channels
    "more anchors than channels": {"mixing": "groups", "out_channels": 2},
    "short": {"kernel_size": (4, 3), "anchors": 2},
}


@pytest.mark.parametrize("implementation", ["sampled", "deform"])
@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("size", [(13, 9), (16, 4), (1, 5), (2, 1)])
def test_it_is_the_equation(implementation, options, size):
    layer = made(implementation, **options)
    x = torch.randn(1, 3, *size)
    y = layer(x)
    expected = by_hand(layer, x)
    assert y.shape == (1, layer.out_channels, *size)
    assert (y[0] - expected).abs().max() < 1e-5 * max(1.0, expected.abs().max().item())
    double = layer.double()(x.double())
    assert (double[0] - by_hand(layer, x)).abs().max() < 1e-10


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_both_implementations_have_the_same_gradients(options):
    x = torch.randn(2, 3, 11, 6, dtype=torch.float64)
    weight = torch.randn(2, made("sampled", **options).out_channels, 11, 6, dtype=torch.float64)
    gradients = []
    for implementation in ("sampled", "deform"):
        layer = made(implementation, **options).double()
        leaf = x.clone().requires_grad_()
        (layer(leaf) * weight).sum().backward()
        gradients.append([leaf.grad, *(p.grad for p in layer.parameters())])
    for ours, theirs in zip(*gradients, strict=True):
        assert (ours - theirs).abs().max() < 1e-10


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_its_gradients_are_those_of_its_values(options):
    layer = made("sampled", **options).double()
    x = torch.randn(1, 3, 5, 3, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def value(x, *parameters):
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    assert torch.autograd.gradcheck(value, (x, *layer.parameters()), fast_mode=True)


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_bfloat16_is_as_near_as_its_digits_allow(options):
    layer = made("sampled", **options)
    x = torch.randn(1, 3, 24, 16)
    exact = by_hand(layer.to(torch.bfloat16).float(), x.to(torch.bfloat16))
    y = layer.to(torch.bfloat16)(x.to(torch.bfloat16))
    assert y.dtype == torch.bfloat16
    # 8 bits: four roundings of factors and sums, each at most 2^-9 of what is rounded
    assert (y[0] - exact).pow(2).mean().sqrt() < 0.02 * exact.pow(2).mean().sqrt()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("implementation", ["sampled", "deform"])
@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_on_a_gpu(implementation, options):
    layer, x = made(implementation, **options).double(), torch.randn(1, 3, 13, 9).double()
    expected = by_hand(layer, x)
    (layer(x) * expected).sum().backward()
    gradient = layer.frequency.grad.clone()
    layer.zero_grad()
    layer, there = layer.cuda(), x.cuda()
    y = layer(there)
    (y * expected.cuda()).sum().backward()
    assert (y[0].cpu() - expected).abs().max() < 1e-10
    assert (layer.frequency.grad.cpu() - gradient).abs().max() < 1e-8
    with torch.backends.cudnn.flags(allow_tf32=False):  # by default convolutions round to 10 bits
        single = layer.float()(there.float())
    assert (single[0].cpu() - expected).abs().max() < 1e-4 * expected.abs().max()


def test_under_autocast_as_on_a_gpu():
    layer, x = made("sampled"), torch.randn(1, 3, 24, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    y.float().square().sum().backward()
    exact = by_hand(layer, x)
    assert (y[0] - exact).pow(2).mean().sqrt() < 0.02 * exact.pow(2).mean().sqrt()
    assert layer.frequency.grad.dtype == torch.float32
    gradient = layer.frequency.grad.clone()
    layer.zero_grad()
    layer(x).square().sum().backward()
    assert (gradient - layer.frequency.grad).norm() < 0.05 * layer.frequency.grad.norm()


def test_what_the_anchors_read():
    entries = positions(bins=4, harmonics=2, anchors=2)
    # the first harmonic of the first anchor is the bin itself; DC is DC's harmonic, always
    assert [(w, q, v) for n, w, k, q, v in entries if (n, k) == (0, 0)] == [
        (w, w, 1.0) for w in range(4)
    ]
    # the second harmonic of bin 2 would be bin 4, which there is not
    assert [(w, q) for n, w, k, q, _ in entries if (n, k) == (0, 1)] == [(0, 0), (1, 2)]
    # half of bin 3 lies between bins 1 and 2
    assert [(q, v) for n, w, k, q, v in entries if (n, w, k) == (1, 3, 0)] == [(1, 0.5), (2, 0.5)]


def test_a_note_is_gathered_at_its_fundamental():
    layer = HarmonicConv2d(1, 1, anchors=1, mixing="none", bias=False)
    torch.nn.init.constant_(layer.frequency, 1.0)
    torch.nn.init.constant_(layer.time, 0.0)
    layer.time.data[:, 3] = 1.0
    x = torch.zeros(1, 1, 128, 1)
    x[0, 0, [10, 20, 30, 40, 50, 60, 70]] = 1.0
    assert layer(x)[0, 0, :, 0].argmax() == 10
    assert layer(x)[0, 0, 10, 0].item() == pytest.approx(7.0, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": (7, 4)}, "4 frames: must be odd"),
        ({"mixing": "sum"}, "must be one of matrix, scalars, groups, none"),
        ({"anchors": 0}, "must be at least 1"),
        ({"implementation": "fast"}, "must be sampled or deform"),
    ],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        HarmonicConv2d(2, 2, **options)
