from torch import nn

PRIORS = {"my-prior": {"title": "three convolutions"}}


def build(*, width: float, network: str, in_channels: int = 2, out_channels: int = 2) -> nn.Module:
    """(B, in_channels, F, T) -> (B, out_channels, F, T); F and T are multiples of 4."""
    hidden = max(1, round(35 * width))
    return nn.Sequential(
        nn.Conv2d(in_channels, hidden, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(hidden, hidden, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(hidden, out_channels, 3, padding=1),
    )
