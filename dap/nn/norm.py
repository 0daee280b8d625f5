"""Instance normalisation that keeps the layout of features in memory."""

from torch import Tensor, nn
from torch.nn import functional


class InstanceNorm(nn.InstanceNorm2d):
    """Instance normalisation without parameters, which keeps the layout of features in memory.

    Of a single clip it is batch normalisation, to the bit. PyTorch's own lays features of channels
    last out anew, and on CPUs (2.11) its gradient is wrong where what comes back is channels last.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, F, T) -> (B, C, F, T)."""
        if len(x) > 1:
            return super().forward(x)
        return functional.batch_norm(x, None, None, training=True, eps=self.eps)
