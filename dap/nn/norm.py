"""Instance normalisation that preserves the memory layout of features."""

from torch import Tensor, nn
from torch.nn import functional


class InstanceNorm(nn.InstanceNorm2d):
    """Instance normalisation without parameters, which preserves the memory layout of features.

    Of a single clip it is batch normalisation, to the bit. PyTorch's instance normalisation copies
    features that are channels last to another layout, and on CPUs (2.11) its gradient is wrong
    where the gradient of the output is channels last.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, F, T) -> (B, C, F, T)."""
        if len(x) > 1:
            return super().forward(x)
        return functional.batch_norm(x, None, None, training=True, eps=self.eps)
