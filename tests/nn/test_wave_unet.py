import pytest
import torch
from torch.nn import functional

from dap.errors import DapError
from dap.fitting.engine import run
from dap.nn.wave_unet import WaveUNet, wave_u_net


@pytest.fixture(scope="module")
def narrow():
    torch.manual_seed(0)
    return wave_u_net(width=0.05)  # 3, 6, ..., 18 filters


def test_the_paper_s_size():
    with torch.device("meta"):
        net = wave_u_net(width=1.0)
    # by hand: 60 i filters of length 15 from the level above, a bottom of 360, length 5 from the
    # level below and the skip; each filter with a bias and the normalisation's two parameters
    filters = [60 * i for i in range(1, 7)]
    down = sum(15 * a * b + 3 * b for a, b in zip([1, *filters[:-1]], filters, strict=True))
    below = [*filters[1:], 360]
    up = sum(5 * (a + b) * b + 3 * b for a, b in zip(below, filters, strict=True))
    expected = down + 15 * 360 * 360 + 3 * 360 + up + 61 + 1
    assert sum(p.numel() for p in net.parameters()) == expected == 9_279_602


@pytest.mark.parametrize("samples", [65, 100, 127, 128, 129, 1001, 1024])
def test_any_length(narrow, samples):
    z = 2 * torch.rand(1, 1, samples) - 1
    out = narrow(z)
    assert out.shape == z.shape
    assert out.abs().max() < 1
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in narrow.parameters())


@pytest.mark.parametrize("samples", [1, 2, 64])
def test_too_short_a_signal_is_refused(narrow, samples):
    with pytest.raises(DapError, match=f"has {samples} samples; wave-u-net needs at least 65"):
        narrow(torch.rand(1, 1, samples))


def plain(net: WaveUNet, z: torch.Tensor) -> torch.Tensor:
    """The forward pass by hand, of a length that is a multiple of 64."""

    def layer(block, x):
        conv, norm, _ = block
        x = functional.conv1d(functional.pad(x, (conv.kernel_size[0] // 2,) * 2), conv.weight)
        x = x + conv.bias[:, None]
        mean, var = x.mean(dim=(0, 2)), x.var(dim=(0, 2), correction=0)
        x = (x - mean[:, None]) / (var[:, None] + 1e-5).sqrt()
        x = x * norm.weight[:, None] + norm.bias[:, None]
        return torch.maximum(x, 0.1 * x)

    def doubled(x):
        # output 2k and 2k + 1 lie a quarter sample before and behind input k
        before = torch.cat((x[..., :1], x[..., :-1]), dim=-1)
        after = torch.cat((x[..., 1:], x[..., -1:]), dim=-1)
        pair = torch.stack((0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after), dim=-1)
        return pair.flatten(-2)

    x, skips = z, []
    for block in net.down:
        skips.append(layer(block, x))
        x = skips[-1][..., ::2]
    x = layer(net.bottom, x)
    for block in net.up:
        x = layer(block, torch.cat((doubled(x), skips.pop()), dim=1))
    weight, bias = net.final.weight[0, :, 0], net.final.bias
    return torch.tanh((weight[:, None] * torch.cat((x, z), dim=1)).sum(dim=1, keepdim=True) + bias)


def test_forward_by_hand(narrow):
    z = 2 * torch.rand(1, 1, 256) - 1
    torch.testing.assert_close(narrow(z), plain(narrow, z), atol=1e-5, rtol=1e-4)


def test_bfloat16_on_a_cpu_does_not_round_the_waveform(narrow):
    z = 2 * torch.rand(1, 1, 512) - 1
    exact, mixed = (run(narrow, z, precision)[0]() for precision in ("float32", "bfloat16"))
    assert mixed.dtype == torch.float32
    error = (exact - mixed).abs()
    assert 0 < error.mean() < 0.02
    # rounding the output to bfloat16 would leave less than 9 bits of it
    assert not torch.equal(mixed, mixed.bfloat16().float())
