import pytest
import torch
from torch import nn

from dap.nn.dilated_unet import (
    DILATIONS,
    ConvBlock,
    DilatedUNet,
    InstanceNorm,
    Layout,
    design,
    layout,
    receptive_field,
)
from dap.plugins import plugins

# by design: one dilation or A's schedule, and dense or not
DESIGNS = {
    "conv": (1, False),
    "dilated": (4, False),
    "dilated-exp": (None, False),
    "dilated-exp-dense": (None, True),
}
PARAMETERS = {
    "code": {
        "conv": 651_107,
        "dilated": 651_107,
        "dilated-exp": 651_107,
        "dilated-exp-dense": 1_092_912,
    },
    "text": {
        "conv": 1_007_792,
        "dilated": 1_007_792,
        "dilated-exp": 1_007_792,
        "dilated-exp-dense": 1_790_252,
    },
}


def build(name: str, **options) -> DilatedUNet:
    return plugins("priors")[name].load().build(**options)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("network", PARAMETERS)
@pytest.mark.parametrize("name", DESIGNS)
def test_parameters(name, network):
    assert count(build(name, width=1.0, network=network)) == PARAMETERS[network][name]


def test_parameters_by_hand():
    def conv(inputs, outputs, kernel=9):
        return outputs * (inputs * kernel + 1)

    def dense(inputs, filters):
        wide = inputs + 2 * filters
        return conv(inputs, filters) + conv(inputs + filters, filters) + conv(wide, filters, 1)

    down = dense(2, 35) + dense(35, 70) + dense(70, 140)
    up = conv(140, 70) + dense(70 + 175, 70) + conv(70, 35) + dense(35 + 72, 35)
    assert down + up + conv(35, 2, 1) == 1_092_912


def test_transitions_and_skips_are_those_of_the_code():
    net = build("dilated-exp-dense", width=1.0, network="code")
    blocks = (net.down1, net.down2, net.bottom, net.up2, net.up1)
    pairs = [(block.transition.in_channels, block.transition.out_channels) for block in blocks]
    assert pairs == [(72, 35), (175, 70), (350, 140), (385, 70), (177, 35)]
    assert (net.reduce2.in_channels, net.reduce2.out_channels) == (140, 70)
    assert (net.reduce1.in_channels, net.reduce1.out_channels) == (70, 35)


@pytest.mark.parametrize("name", DESIGNS)
def test_dilations_and_norms(name):
    dilation, _ = DESIGNS[name]
    for network, schedule in DILATIONS.items():
        net = build(name, width=0.1, network=network)
        dilations = [
            module.dilation[0]
            for block in (net.down1, net.down2, net.bottom, net.up2, net.up1)
            for module in (block.conv1[0], block.conv2[0])
        ]
        expected = [dilation or d for pair in schedule for d in pair]
        assert dilations == expected
        norms = {
            path: module.affine
            for path, module in net.named_modules()
            if isinstance(module, nn.InstanceNorm2d)
        }
        encoder = [(name, conv) for name in ("down1", "down2", "bottom") for conv in (1, 2)]
        assert norms == {f"{name}.conv{conv}.1": False for name, conv in encoder}


def test_layout_of_the_text():
    blocks = layout("text", 1.0, None).blocks()
    filters = [block.filters for block in blocks]
    assert filters == [(35, 70), (70, 140), (70, 70), (140, 70), (70, 35)]
    assert [block.dilation for block in blocks] == [(2, 4), (8, 16), (32, 32), (16, 8), (4, 2)]


def test_width_scales_the_filters():
    assert [block.filters for block in layout("code", 0.5, 1).blocks()] == [
        (18, 18), (35, 35), (70, 70), (35, 35), (18, 18)
    ]  # fmt: skip
    assert {block.filters for block in layout("code", 0.001, 1).blocks()} == {(1, 1)}
    counts = [count(build("conv", width=width, network="code")) for width in (0.25, 0.5, 1)]
    assert counts[0] == 42_372
    # the number of weights grows with the square of the width
    assert counts[2] / counts[1] == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("network", DILATIONS)
@pytest.mark.parametrize("name", DESIGNS)
def test_shapes(name, network):
    net = build(name, width=0.1, network=network, out_channels=1)
    assert net(torch.randn(1, 2, 64, 36)).shape == (1, 1, 64, 36)


def test_a_dense_block_is_its_input_and_both_outputs():
    block = ConvBlock(3, layout("code", 0.1, 1).bottom, dense=True, normalise=True)
    x = torch.randn(1, 3, 16, 12)
    before, after = block(x)
    first = block.conv1(x)
    second = block.conv2(torch.cat((x, first), dim=1))
    torch.testing.assert_close(before, torch.cat((x, first, second), dim=1))
    torch.testing.assert_close(after, block.transition(before))
    assert (after < 0).any()  # the transition is linear


FORMATS = (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize("batch", [1, 2])
def test_instance_normalisation_is_pytorchs(batch):
    torch.manual_seed(0)
    x, weights = torch.randn(2, batch, 5, 8, 12)
    tensors = []
    for norm in (InstanceNorm(5), nn.InstanceNorm2d(5)):
        taken = x.clone().requires_grad_()
        y = norm(taken)
        tensors += [y, *torch.autograd.grad((y * weights).sum(), taken)]
    assert torch.equal(tensors[0], tensors[2])
    assert torch.equal(tensors[1], tensors[3])


@pytest.mark.parametrize("back", FORMATS)
@pytest.mark.parametrize("memory_format", FORMATS)
def test_instance_normalisation_in_all_layouts(memory_format, back):
    torch.manual_seed(0)
    x, weights = torch.randn(2, 1, 5, 8, 12, dtype=torch.float64)
    expected = x.clone().requires_grad_()
    centred = expected - expected.mean((2, 3), keepdim=True)
    plain = centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
    taken = x.clone(memory_format=memory_format).requires_grad_()
    y = InstanceNorm(5)(taken)
    assert y.is_contiguous(memory_format=memory_format)
    torch.testing.assert_close(y, plain)
    torch.testing.assert_close(
        torch.autograd.grad(y, taken, weights.clone(memory_format=back))[0],
        torch.autograd.grad(plain, expected, weights)[0],
    )


# as on a GPU; those of harmonic convolutions lay features out themselves
@pytest.mark.parametrize("name", [*DESIGNS, "conv7", "dilated7", "harmonic"])
def test_gradients_are_the_same_in_channels_last(name):
    torch.manual_seed(0)
    net = plugins("priors")[name].load().build(width=0.2, network="code").double()
    z, target = torch.randn(2, 1, 2, 32, 24, dtype=torch.float64)
    passes = []
    for memory_format in FORMATS:
        net.to(memory_format=memory_format).zero_grad()
        y = net(z.clone(memory_format=memory_format))
        (y - target).square().mean().backward()
        passes.append([y.detach(), *(p.grad for p in net.parameters())])
    for plain, ours in zip(*passes, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-12)


def linear(net: DilatedUNet) -> DilatedUNet:
    """The same wiring with nothing that hides a dependency: every output grows with every input."""
    for module in net.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.InstanceNorm2d | nn.ReLU):
                setattr(module, name, nn.Identity())
            elif isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(child.kernel_size))
    for parameter in net.parameters():
        nn.init.constant_(parameter, 1.0 / parameter[0].numel())
    return net.double()


@pytest.mark.parametrize("network", DILATIONS)
@pytest.mark.parametrize("name", DESIGNS)
def test_receptive_field_by_gradient(name, network):
    dilation, dense = DESIGNS[name]
    shape: Layout = layout(network, 0.02, dilation)
    assert max(max(block.filters) for block in shape.blocks()) == 3
    net = linear(design(dilation=dilation, dense=dense, width=0.02, network=network))
    z = torch.randn(1, 2, 1024, 4, dtype=torch.double, requires_grad=True)
    output = net(z)
    for index in (510, 511, 512, 513, 541):  # all phases of two poolings
        (gradient,) = torch.autograd.grad(output[0, :, index].sum(), z, retain_graph=True)
        rows = gradient.abs().sum(dim=(0, 1, 3)).nonzero()[:, 0]
        assert (rows[0].item(), rows[-1].item()) == receptive_field(shape, index)
    # and what it is worth, as rows of the spectrogram
    first, last = receptive_field(shape, 512)
    widths = {"conv": 56, "dilated": 176}
    assert last - first + 1 == widths.get(name, {"code": 670, "text": 744}[network])
