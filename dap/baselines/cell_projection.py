"""Dequantization as the sparsest signal in the cells (Brauer et al. 2016; Zaviska et al. 2020).

Of all signals that would be quantized to the observation, that of the least sum of magnitudes in a
tight Gabor frame, min |A x|_1 subject to lower <= x <= upper: a convex problem, solved by the
primal-dual method of Chambolle and Pock (2011). Nothing is trained, and nothing is random.

Where all cells touch one value, that value throughout would be the sparsest: silence. Then the mean
distance to it is also that of the cells' middles (Plan and Vershynin 2013).
"""

from collections.abc import Callable, Sequence

import numpy as np

from dap.data.corruptions.quantization import inside
from dap.observation import Observation, OneBit, one_bit

BASELINES = {"cell-projection": {"title": "sparsest signal in the cells", "tasks": ["dequantize"]}}

WINDOW_SECONDS = 0.064
OVERLAP = 4  # windows over each sample
STEP = 0.16  # of the primal variable, in cells; that of the dual one is its inverse
ITERATIONS = 1000  # at most
LOOK = 25  # iterations from one look at the gap to the next
GAP = 1e-3  # of the objective, at which the iterations end


def restore(observation: Observation, outputs: Sequence[str]) -> np.ndarray:
    """The same signal for each output, inside of the cells: (outputs, samples) float32."""
    lower, upper = observation.known["lower"], observation.known["upper"]
    window = OVERLAP * max(1, round(WINDOW_SECONDS * observation.sample_rate / OVERLAP))
    if bits := one_bit(lower, upper):
        sparse, _ = sparsest_of_one_bit(
            lower.astype(np.float64), upper.astype(np.float64), bits, window
        )
        lower, upper = inside(lower, upper)  # many samples come to lie where the cells touch
    else:
        sparse, _ = sparsest(lower.astype(np.float64), upper.astype(np.float64), window)
    projected = np.clip(sparse.astype(np.float32), lower, upper)  # rounding may have left the cell
    return np.repeat(projected[np.newaxis], len(outputs), axis=0)


def sparsest(lower: np.ndarray, upper: np.ndarray, window: int) -> tuple[np.ndarray, float]:
    """The signal between two bounds of the least l1 norm in a Gabor frame.

    Each iteration moves q, the frame's dual coefficients, by A x / step, back to |q| <= 1, and x by
    -step A* q, back into the cells. Any such q bounds the least value from below, by
    sum min(g lower, g upper) with g = A* q; the iterations end where the value is within a
    thousandth of that, or after 1,000.

    Args:
        lower, upper: (samples,) float64.
        window: samples, a multiple of 4.

    Returns:
        (samples,) float64, and the gap that is left, relative to the objective.
    """
    return _primal_dual(
        (lower + upper) / 2,
        nearest=lambda signal: np.clip(signal, lower, upper),
        least=lambda slope: np.minimum(slope * lower, slope * upper).sum(),
        step=STEP * (upper - lower).mean(),
        window=window,
    )


def sparsest_of_one_bit(
    lower: np.ndarray, upper: np.ndarray, bits: OneBit, window: int
) -> tuple[np.ndarray, float]:
    """The signal of the least l1 norm among those in the cells of one distance, in the mean.

    About the value that the cells touch: x = value + side d, 0 <= d <= room, mean d = distance.

    Args, returns: as `sparsest`; what the cells tell beside.
    """
    from scipy.optimize import brentq

    room = np.where(bits.side > 0, upper - bits.value, bits.value - lower)
    total = bits.distance * lower.size

    def nearest(signal: np.ndarray) -> np.ndarray:
        """All distances are less by one number, as far as there is room."""
        distance = bits.side * signal
        less = brentq(
            lambda less: np.clip(distance - less, 0, room).sum() - total,
            (distance - room).min(),
            distance.max(),
        )
        return bits.side * np.clip(distance - less, 0, room)

    def least(slope: np.ndarray) -> float:
        """Of sum slope x: the room is filled where it costs the least."""
        cost = bits.side * slope
        order = np.argsort(cost)
        filled = np.minimum(np.cumsum(room[order]), total)
        return (np.diff(filled, prepend=0) * cost[order]).sum()

    signal, gap = _primal_dual(
        bits.side * bits.distance,
        nearest=nearest,
        least=least,
        step=STEP * (upper - lower).mean(),
        window=window,
    )
    return bits.value + signal, gap


def _primal_dual(
    signal: np.ndarray,
    *,
    nearest: Callable[[np.ndarray], np.ndarray],
    least: Callable[[np.ndarray], float],
    step: float,
    window: int,
) -> tuple[np.ndarray, float]:
    """The iterations of `sparsest`.

    Args:
        signal: (samples,), where they begin.
        nearest: of the signals that are allowed, that nearest to the one given.
        least: the least sum of a slope, (samples,), times an allowed signal.
        step: of the primal variable.
    """
    if step == 0:  # the cells are points
        return signal, 0.0
    frame = Frame(signal.size, window)
    ahead, gap = signal, np.inf
    dual: np.ndarray | float = 0.0
    for i in range(1, ITERATIONS + 1):
        dual = dual + frame.analyse(ahead) / step
        dual /= np.maximum(1, np.abs(dual))
        slope = frame.synthesise(dual)
        moved = nearest(signal - step * slope)
        ahead, signal = 2 * moved - signal, moved
        if i % LOOK == 0:
            value = frame.norm(frame.analyse(signal))
            # of silence, value and bound are 0
            gap = (value - least(slope)) / value if value > 0 else 0.0
            if gap < GAP:
                break
    return signal, float(gap)


class Frame:
    """A tight Gabor frame: the STFT with a Hann window scaled so that A* A is the identity.

    Frames overlap by three quarters, and reach beyond both ends of the signal, which is zero there.
    """

    def __init__(self, samples: int, window: int):
        self.samples, self.length, self.hop = samples, window, window // OVERLAP
        self.margin = window - self.hop
        self.frames = -(-(samples + self.margin) // self.hop)
        shape = np.hanning(window + 1)[:-1]  # periodic: its squares add up to a constant
        self.window = shape / np.sqrt(np.square(shape).sum() / self.hop)
        self.weights = np.full(window // 2 + 1, 2.0)  # bins that stand for two
        self.weights[[0, -1]] = 1

    def analyse(self, signal: np.ndarray) -> np.ndarray:
        """(samples,) -> (frames, bins) complex."""
        from scipy.fft import rfft

        padded = np.zeros((self.frames - 1) * self.hop + self.length)
        padded[self.margin : self.margin + self.samples] = signal
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.length)[:: self.hop]
        return rfft(frames * self.window, norm="ortho")

    def synthesise(self, coefficients: np.ndarray) -> np.ndarray:
        """The adjoint, (frames, bins) -> (samples,)."""
        from scipy.fft import irfft

        frames = irfft(coefficients, self.length, norm="ortho") * self.window
        blocks = np.zeros((self.frames + OVERLAP - 1, self.hop))
        for j in range(OVERLAP):
            blocks[j : j + self.frames] += frames[:, j * self.hop : (j + 1) * self.hop]
        return blocks.ravel()[self.margin : self.margin + self.samples]

    def norm(self, coefficients: np.ndarray) -> float:
        """Sum of the magnitudes of all bins, those of negative frequency included."""
        return float((np.abs(coefficients) * self.weights).sum())
