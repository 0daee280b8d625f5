"""Fitting untrained networks to one observation: the loop, and nothing but the loop."""

import time
from collections.abc import Callable, Generator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from dap.errors import DapError
from dap.fitting import engine
from dap.fitting.checkpoint import Checkpoint, Stateful
from dap.fitting.ema import MovingAverage
from dap.fitting.gpu.cuda_graph import GraphedIteration
from dap.fitting.initialisation import draw, start
from dap.fitting.interleave import run_interleaved
from dap.fitting.objectives import Objective
from dap.fitting.stops import Stop
from dap.options import FitOptions
from dap.seeds import derive

REPORT_SECONDS = 1.0
# the shares of the iterations at which an objective judges whether its fit failed: at a quarter,
# slow fits that live later have learned nothing yet
JUDGED_AT = (0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Trajectory:
    """What a fit leaves.

    Attributes:
        iterations: (snapshots,) the iteration of each snapshot, from 1.
        snapshots: (snapshots, outputs, samples) float32.
        last: (outputs, samples) the last iterate.
        average: (outputs, samples) the moving average.
        stop: (outputs, samples) the moving average at the iteration `stopped`; None without a rule.
        stopped: the iteration that the rule found best, or the last, where it found none.
        losses: (iterations,) float32.
        seconds: wall time of the loop, with that of the initialisations that failed; for fits
            beside each other on a GPU, this one's share of it.
        engine: what ran the networks: "compiled", "pytorch", or "cuda-graph" (PyTorch's layers,
            recorded and replayed).
        failed: for each initialisation that the objective found to have failed before this one,
            the iterations that it took.
        terms: the terms of the loss of the last iterate, by name; none where there is one alone.
        warnings: what is wrong with the last iterate, as its objective judges it.
    """

    iterations: np.ndarray
    snapshots: np.ndarray
    last: np.ndarray
    average: np.ndarray
    stop: np.ndarray | None
    stopped: int
    losses: np.ndarray
    seconds: float
    engine: str
    failed: tuple[int, ...] = ()
    terms: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class FailedFitError(Exception):
    """An objective found that a fit has failed.

    Attributes:
        iterations, seconds: that the fit had taken.
    """

    def __init__(self, iterations: int, seconds: float):
        super().__init__()
        self.iterations, self.seconds = iterations, seconds


def grid(iterations: int, snapshots: int, snapshot_at: Sequence[int] = ()) -> np.ndarray:
    """Log-spaced iterations from 1 to the last, and those of `snapshot_at`, in order.

    There are fewer than asked for where some coincide.
    """
    points = np.geomspace(1, iterations, snapshots) if snapshots > 1 else np.array([iterations])
    return np.union1d(np.rint(points), snapshot_at).astype(int)


def rate(options: FitOptions, iteration: int) -> float:
    """The learning rate of an iteration, counted from 1, at the width that is asked for.

    It falls at iteration `lr_step_size` itself, as in A's code, whose scheduler steps before the
    optimiser does (fidelity: learning-rate).
    """
    steps = iteration // options.lr_step_size if options.lr_step_size else 0
    factor = options.lr_gamma**steps
    if options.warmup:
        factor *= min(1.0, iteration / options.warmup)
    if options.cooldown:
        remaining = options.iterations + 1 - iteration
        factor *= min(1.0, remaining / (options.iterations * options.cooldown))
    return options.scaled_learning_rate * factor


def outputs(runs: Sequence[engine.Run], target: Tensor, scales: Sequence[float]) -> list[Tensor]:
    """Each network's output (channels, F, T), scaled, cut to the target's bins and frames.

    That of a network of waveforms is (1, samples), as long as the target.
    """
    bins, frames = target.shape[-2:]
    return [run()[0, ..., :bins, :frames] * scale for run, scale in zip(runs, scales, strict=True)]


def fit(
    build: Callable[..., nn.Module],
    objective: Objective,
    options: FitOptions,
    *,
    seed: int,
    device: str,
    report: Callable[[int, float], None] | None = None,
    checkpoint: Checkpoint | None = None,
    stop: Stop | None = None,
) -> Trajectory:
    """Run one fit: `steps` from beginning to end, with the same arguments and errors."""
    begin = partial(
        steps,
        build,
        objective,
        options,
        seed=seed,
        device=device,
        report=report,
        checkpoint=checkpoint,
        stop=stop,
    )
    ((_, result),) = run_interleaved([begin], device=device)
    if isinstance(result, DapError):
        raise result
    return result


def steps(
    build: Callable[..., nn.Module],
    objective: Objective,
    options: FitOptions,
    *,
    seed: int,
    device: str,
    report: Callable[[int, float], None] | None = None,
    checkpoint: Checkpoint | None = None,
    stop: Stop | None = None,
) -> Generator[None, float, Trajectory]:
    """Fit untrained networks to the observation of an objective (Equation 1 of A).

    The estimate of iteration i is the output before the i-th step. The clean clip is out of reach.

    Args:
        build: makes one network of `out_channels`, in the width of the options.
        options: the precision is "float32" or "bfloat16".
        seed: of the initialisation and of z.
        report: called with the iteration and the loss at each snapshot, and about every second.
        checkpoint: where the fit's state is saved from time to time, and restored from.
        stop: follows the fit, and ends it where `options.end_at_stop` says so.

    Yields:
        when it is ready, and after each iteration; it is then sent the seconds that the iteration
        took (`dap.fitting.interleave.run_interleaved`).

    Raises:
        DapError: the loss is not finite; the message gives the first such iteration and the seed.
        InterruptedFitError: SIGTERM came, and the checkpoint was written.
    """
    failures: tuple[int, ...] = ()
    seconds = 0.0
    if checkpoint and options.restarts and (saved := checkpoint.values()):
        failures, seconds = tuple(saved["failures"]), saved["seconds_before"]
    while True:
        try:
            return (
                yield from _steps(
                    build,
                    objective,
                    options,
                    seed=derive(seed, "restart", len(failures)) if failures else seed,
                    device=device,
                    report=report,
                    checkpoint=checkpoint,
                    stop=deepcopy(stop),  # as it was before the fit
                    failures=failures,
                    seconds_before=seconds,
                )
            )
        except FailedFitError as failure:
            failures, seconds = (*failures, failure.iterations), seconds + failure.seconds


def _steps(
    build: Callable[..., nn.Module],
    objective: Objective,
    options: FitOptions,
    *,
    seed: int,
    device: str,
    report: Callable[[int, float], None] | None,
    checkpoint: Checkpoint | None,
    stop: Stop | None,
    failures: tuple[int, ...],
    seconds_before: float,
) -> Generator[None, float, Trajectory]:
    """`steps` from one initialisation.

    Args:
        failures: the iterations of those that failed before it.
        seconds_before: that these took.

    Raises:
        FailedFitError: the objective found that the fit has failed, and there may be another.
    """
    networks, inputs = start(build, objective, seed, device, options.initialisation)
    parameters = [p for net in networks for p in net.parameters()]
    runs, engines = zip(
        *(engine.run(net, z, options.precision) for net, z in zip(networks, inputs, strict=True)),
        strict=True,
    )
    scale = 1.0
    if options.output_scale:
        scale = options.output_scale * objective.target.square().mean().sqrt().item()
    scales = [scale if spectral else 1.0 for spectral in objective.spectral]
    on_gpu = device.startswith("cuda")
    optimiser = torch.optim.Adam(
        parameters, lr=options.scaled_learning_rate, fused=True, capturable=on_gpu
    )
    average = MovingAverage(options.ema_decay)
    points = grid(options.iterations, options.snapshots, options.snapshot_at)
    losses = torch.empty(options.iterations, device=device)
    snapshots: list[Tensor] = []
    parts: dict[str, Stateful] = {f"network{k}": net for k, net in enumerate(networks)}
    parts |= {"optimiser": optimiser, "average": average}
    if stop:
        parts["stop"] = stop
    extras: Any = objective  # not every objective has a state, or looks at each iterate
    if hasattr(extras, "state_dict"):
        parts["objective"] = extras
    follow = getattr(extras, "follow", None)
    redrawn = getattr(extras, "redrawn", None)
    failed = getattr(extras, "failed", None) if len(failures) < options.restarts else None
    judged_at = {max(1, round(share * options.iterations)) for share in JUDGED_AT}
    done, spent = 0, 0.0
    saved = checkpoint.values() if checkpoint else None
    if checkpoint and saved and tuple(saved["failures"]) == failures:
        checkpoint.resume(parts, device)
        done, spent = saved["iteration"], saved["seconds"]
        losses[:done] = saved["losses"]
        snapshots = [snapshot.to(device) for snapshot in saved["snapshots"]]
        checkpoint.log(f"taken up after iteration {done} of {options.iterations}")
    (group,) = optimiser.param_groups
    if on_gpu:  # a recorded iteration reads the rate from memory
        group["lr"] = torch.tensor(options.scaled_learning_rate, device=device)

    def iterate(progress: float) -> tuple[Tensor, Tensor]:
        outs = outputs(runs, objective.target, scales)
        estimates = objective.estimates(outs)  # (sources, 2, F, T) or (1, 1, samples)
        loss = objective.loss(outs, estimates, progress)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.detach(), estimates.detach()

    def averaged() -> Tensor:
        return objective.read_out(average.value())

    # an objective of a plugin may leave `recordable` out
    replays = on_gpu and getattr(objective, "recordable", False)
    graphed = GraphedIteration(iterate, objective.phase) if replays else None
    reported = time.perf_counter()
    yield
    for i in range(done + 1, options.iterations + 1):
        progress = i / options.iterations
        for index in redrawn(progress) if redrawn else ():
            runs[index].feed(draw(objective, index, derive(seed, "z", index, i)).to(device))
        if on_gpu:
            group["lr"].fill_(rate(options, i))
        else:
            group["lr"] = rate(options, i)
        loss, estimates = (graphed or iterate)(progress)
        losses[i - 1] = loss
        average.update(estimates)
        if follow:
            follow(i, estimates)
        if stop:
            stop.update(i, estimates, averaged)
        ended = bool(stop and stop.over and options.end_at_stop)
        if ended:
            points = np.append(points[points < i], i)
        if i == points[len(snapshots)]:
            # losses stay on the device between snapshots: reading each one would stall a GPU
            _check(losses[:i], seed)
            snapshots.append(objective.read_out(estimates))
        if report and (i in points or time.perf_counter() - reported > REPORT_SECONDS):
            reported = time.perf_counter()
            report(i, loss.item())
        if checkpoint and i < options.iterations and not ended and checkpoint.due():
            # a clone, since PyTorch saves the whole tensor that a view is of
            variables = {"losses": losses[:i].clone(), "snapshots": snapshots}
            variables |= {"failures": list(failures), "seconds_before": seconds_before}
            checkpoint.save(parts, device, iteration=i, seconds=spent, **variables)
        spent += yield
        if failed and (i in judged_at or ended) and failed():
            raise FailedFitError(i, spent)
        if ended:
            break
    last = objective.read_out(estimates).cpu().numpy()
    mean = averaged().cpu().numpy()
    kept = stop.signals.cpu().numpy() if stop and stop.signals is not None else mean
    spent += yield  # the line above waits for the GPU
    return Trajectory(
        iterations=points,
        snapshots=torch.stack(snapshots).cpu().numpy(),
        last=last,
        average=mean,
        stop=kept if stop else None,
        stopped=stop.iteration if stop and stop.iteration else i,
        losses=losses[:i].cpu().numpy(),
        seconds=seconds_before + spent,
        failed=failures,
        terms=extras.last_terms() if hasattr(extras, "last_terms") else {},
        warnings=tuple(extras.warnings()) if hasattr(extras, "warnings") else (),
        engine="cuda-graph" if graphed and graphed.graph else engines[0],
    )


def _check(losses: Tensor, seed: int) -> None:
    finite = losses.isfinite()
    if not finite.all():
        first = int((~finite).int().argmax()) + 1
        raise DapError(
            f"the fit diverged: its loss is {losses[first - 1].item()} at iteration {first} "
            f"(seed {seed}); lower `learning_rate`"
        )


def size(build: Callable[..., nn.Module], objective: Objective) -> tuple[int, float]:
    """Parameters of a fit's networks, and GFLOP of one iteration (forward and backward).

    Counted by PyTorch (convolutions and dense matrix products, a multiply-add as two) on the meta
    device, which computes nothing.
    """
    with torch.device("meta"):
        networks = [build(out_channels=channels) for channels in objective.networks]
        with FlopCounterMode(display=False) as counter:
            for index, net in enumerate(networks):
                net(objective.draw(index)).sum().backward()
    count = sum(p.numel() for net in networks for p in net.parameters())
    return count, counter.get_total_flops() / 1e9
