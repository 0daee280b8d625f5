"""The cells of a quantizer that a recording went through, found from its samples."""

import logging

import numpy as np

from dap.data.corruptions.quantization import QUANTIZERS, cells
from dap.errors import DapError

OFF_LEVEL = 2e-4  # how far a sample may lie from a quantizer's level: 16-bit files round by 3e-5

log = logging.getLogger("dap")


def quantized(recording: np.ndarray, bins: int) -> np.ndarray:
    """The cells of a recording that was quantized on [-1, 1], (2, samples): lower and upper bounds.

    Raises:
        DapError: as `QuantizerSearch.found`.
    """
    search = QuantizerSearch(bins)
    search.add(recording)
    return np.stack(cells(recording, bins, search.found())[1:])


class QuantizerSearch:
    """Finds from the samples, which have to be its levels, the quantizer that a recording has.

    Args:
        bins: of the quantizer, on [-1, 1].
    """

    def __init__(self, bins: int):
        self.bins, self.samples = bins, 0
        self.off = dict.fromkeys(_quantizers(bins), 0)
        self.fewer = {
            fewer: _quantizers(fewer) for fewer in range(2, bins // 2 + 1) if bins % fewer == 0
        }

    def add(self, signal: np.ndarray) -> None:
        """Look at some more samples, (samples,)."""
        self.samples += len(signal)
        for quantizer in self.off:
            self.off[quantizer] += _off_levels(signal, self.bins, quantizer)
        for fewer, quantizers in list(self.fewer.items()):
            left = [each for each in quantizers if not _off_levels(signal, fewer, each)]
            if left:
                self.fewer[fewer] = left
            else:
                del self.fewer[fewer]

    def found(self) -> str:
        """Mid-rise or mid-tread.

        If the samples are the levels of fewer bins, too, whose cells are larger, a warning says so.

        Raises:
            DapError: they are the levels of neither.
        """
        for quantizer, off in self.off.items():
            if not off:
                if self.fewer:
                    least = min(self.fewer)
                    log.warning(
                        "the samples are the levels of %d bins, too, and of %d only a few are "
                        "there: was the recording quantized to %d?",
                        least,
                        self.bins,
                        least,
                    )
                return quantizer
        shares = [
            f"{off / self.samples:.2%} are not those of {quantizer}"
            for quantizer, off in self.off.items()
        ]
        raise DapError(
            f"the samples are not the levels of a quantizer of {self.bins} bins on [-1, 1] "
            f"({', '.join(shares)}): was the recording resampled, mixed or scaled since, or has it "
            "other bins?"
        )


def _quantizers(bins: int) -> list[str]:
    return [quantizer for quantizer in QUANTIZERS if quantizer != "mid-rise" or bins % 2 == 0]


def _off_levels(signal: np.ndarray, bins: int, quantizer: str) -> int:
    """How many samples are no levels of a quantizer."""
    level = cells(signal, bins, quantizer)[0]
    within = min(OFF_LEVEL, 0.25 / bins)  # an eighth of a step
    return int((np.abs(signal - level) > within).sum())
