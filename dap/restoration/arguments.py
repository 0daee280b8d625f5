"""The arguments of restorations: checked, and what they leave open chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

from dap.errors import DapError
from dap.options import FitOptions
from dap.restoration.choice import AUTO, Method, check_choice, choose, method_for, options_of

SHORTEST_SAMPLES = 1024
SHORTEST_SEGMENT_SECONDS = 0.25
SELECTIONS = ("last", "average", "stop")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Settled:
    """What the arguments of `restore` come to.

    Attributes:
        task: "denoise", "inpaint" or "dequantize".
        method: that restores.
        fit: how a prior is fitted; of a baseline, the defaults.
        selection: "last", "average" or "stop".
        gaps: (start, end) in seconds.
    """

    task: str
    method: Method
    fit: FitOptions
    selection: str
    gaps: tuple[tuple[float, float], ...]


def settle(
    sample_rate: int,
    *,
    gaps: Sequence[tuple[float, float]] | None,
    bins: int | None,
    method: str,
    effort: str,
    preset: str | None,
    iterations: int | None,
    width: float | None,
    seed: int,
    device: str,
    threads: int | None,
    fit: FitOptions | None,
    selection: str | None,
    segment_seconds: float,
    amount: float,
) -> Settled:
    """Check the arguments of `restore`, and choose what they leave open, with its errors."""
    check_whole("sample_rate", sample_rate, 1)
    check_whole("seed", seed, 0)
    check_choice("device", device, DEVICES)
    if selection is not None:
        check_choice("selection", selection, SELECTIONS)
    if threads is not None:
        check_whole("threads", threads, 1)
    check_segment(segment_seconds)
    task = _task(gaps, bins)
    found = choose(task, effort)
    if not 0 <= amount <= 1 or (gaps is not None and amount != 1):
        raise DapError(f"amount is {amount!r}: must be from 0 to 1, and 1 with gaps")
    chosen = method_for(found if method == AUTO else method, task)
    prior = chosen.kind == "prior"
    options = options_of(chosen.name, prior, task, preset, iterations, width, fit)
    selection = selection or ("average" if options.stop == "none" else "stop")
    if selection == "stop" and prior and options.stop == "none":
        raise DapError("selection is 'stop', and fit.stop is 'none': name a rule")
    stretches = () if gaps is None else tuple(_gap(gap) for gap in gaps)
    return Settled(task, chosen, options, selection, stretches)


def _task(gaps: Sequence[tuple[float, float]] | None, bins: int | None) -> str:
    if gaps is not None and bins is not None:
        raise DapError("gaps are filled or quantization is undone: give gaps or bins, not both")
    if bins is not None:
        check_whole("bins", bins, 2)
        return "dequantize"
    if gaps is None:
        return "denoise"
    if not len(gaps):
        raise DapError("gaps is empty: leave it out to denoise")
    return "inpaint"


def _gap(gap: Sequence[float]) -> tuple[float, float]:
    try:
        start, end = map(float, gap)
    except (TypeError, ValueError) as error:
        raise DapError(f"the gap {gap!r} is not (start, end) in seconds") from error
    if not start < end < float("inf"):
        raise DapError(f"the gap {start}-{end} s does not end after it starts")
    if start < 0:
        raise DapError(f"the gap {start}-{end} s starts before the recording")
    return start, end


def check_segment(seconds: float) -> None:
    """Refuse a segment that is too short, or no number."""
    if not seconds >= SHORTEST_SEGMENT_SECONDS:
        raise DapError(f"segment_seconds is {seconds}: must be at least {SHORTEST_SEGMENT_SECONDS}")


def check_whole(name: str, value: object, least: int) -> None:
    """Refuse what is no whole number, or too small."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise DapError(f"{name} is {value!r}: must be a whole number of at least {least}")
