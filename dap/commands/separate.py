"""`dap separate`."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from pathlib import Path

import click
import numpy as np

from dap.commands.messages import bars, names_refused
from dap.commands.parameters import Finite, Output, SeparatorName, option_range
from dap.commands.restore import MOST_ITERATIONS, MOST_THREADS
from dap.errors import DapError, one_line
from dap.files.endpoints import Source, Target, renamed
from dap.files.ends import (
    check_ends,
    check_room,
    cores,
    form_for,
    provide_for_libraries,
    result_name,
    write_result,
)
from dap.files.form import Form, read
from dap.options import limits
from dap.plugins import plugins
from dap.restoration.arguments import DEVICES, SHORTEST_SEGMENT_SECONDS
from dap.restoration.choice import AUTO, SEPARATOR


@click.command()
@click.argument("mixture", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "-o",
    "--output",
    type=Output(),
    help="The folder for the stems, or, with --model, the target. [default: NAME.stems/, "
    "NAME.target.EXT]",
)
@click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False),
    help="A model that a study trained: results/STUDY/models/.../model.safetensors.",
)
@click.option(
    "--rest",
    type=click.Path(dir_okay=False, readable=False),
    help="With --model, where what is left of the mixture goes. [default: nowhere]",
)
@click.option(
    "--method",
    type=SeparatorName(),
    metavar="NAME",
    help=f"A prior, hpss or nmf. [default: {AUTO}, which is {SEPARATOR}]",
)
@click.option(
    "--iterations",
    type=click.IntRange(int(limits("iterations")["minimum"]), MOST_ITERATIONS),
    help="At most. [default: the method's]",
)
@click.option(
    "--width", type=option_range("width"), help="Of the networks. [default: the method's]"
)
@click.option(
    "--segment",
    default=2.0,
    show_default=True,
    type=Finite(SHORTEST_SEGMENT_SECONDS),
    help="Seconds.",
)
@click.option("--seed", default=2021, show_default=True, type=click.IntRange(0))
@click.option("--threads", type=click.IntRange(1, MOST_THREADS), help="[default: all cores]")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)
@click.option("--force", is_flag=True, help="Replace what is there.")
def separate(
    mixture: str,
    *,
    output: str | None,
    model: str | None,
    rest: str | None,
    method: str | None,
    iterations: int | None,
    width: float | None,
    segment: float,
    seed: int,
    threads: int | None,
    device: str,
    force: bool,
) -> None:
    """Separate MIXTURE into two stems: what rings and what strikes.

    By median filtering (hpss), in less than a second for each; or in minutes by untrained networks
    that are fitted to it: dap-best is fed what hpss finds; paper A's designs are fed nothing, and
    their stems come in any order. Or, with --model, take the instrument out of it that a model was
    trained for. Results have the form of the mixture, and add up to it; of one channel at up to
    16 kHz, as far as the method's own do. "-" is standard input; with --model, or output.
    """
    source = Source.at(mixture, dash=0)
    if output is None and not source.is_file:
        raise click.UsageError(f"{source.name} has no name that a result's could be made of: -o")
    if model is None and rest is not None:
        raise click.UsageError("--rest is of --model, which is not given")
    fitted = {"--method": method, "--iterations": iterations, "--width": width}
    if given := [name for name, value in fitted.items() if value is not None and model]:
        raise click.UsageError(f"a trained model takes no {', '.join(given)}: leave it out")
    if model is None and method in (None, AUTO):
        method = SEPARATOR
    classical = method in plugins("baselines")
    fitted.pop("--method")
    if given := [name for name, value in fitted.items() if value is not None and classical]:
        raise click.UsageError(
            f"{method} is fitted to nothing, and takes no {', '.join(given)}: name a prior"
        )
    path = Path(mixture)
    with ExitStack() as stack, names_refused():
        targets: list[Target | None]
        if model is not None:
            goal = output or str(result_name(source, "target"))
            targets = [Target.at(each, dash=1) if each else None for each in (goal, rest)]
            check_ends(source, _first(targets), targets[1], force, other="--rest is the target")
        else:
            folder = Path(output or path.with_name(f"{path.stem}.stems"))
            if output == "-" or (folder.exists() and not folder.is_dir()):
                raise click.UsageError(f"{folder} is no folder, which two stems need: name one")
            suffix = result_name(source, "").suffix if source.is_file else ".wav"
            stem = "mixture" if not source.is_file else path.stem
            names = [str(folder / f"{stem}.{number}{suffix}") for number in (1, 2)]
            targets = [Target.at(name, dash=1) for name in names]
            for target in targets:
                if target and target.exists and not force:
                    raise DapError(
                        f"{target.name} is there already: name another folder, or give --force"
                    )
            stack.enter_context(_new(folder))
            check_ends(source, _first(targets), targets[1], force)
        provide_for_libraries()
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        with redirect_stdout(sys.stderr):
            with source.local() as local, renamed(local, source.name):
                samples, recorded = read(local)
            forms = [
                form_for(source, recorded, target, len(samples)) if target else recorded
                for target in targets
            ]
            for form, target in zip(forms, targets, strict=True):
                if target:
                    check_room(form, len(samples), target, None)
            if model is not None:
                results, how = _by_model(samples, recorded, Path(model), threads, device)
            else:
                assert method is not None
                results, how = _by_fits(
                    samples, recorded, method, iterations, width, segment, seed, threads,
                    device,
                )  # fmt: skip
    for signal, form, target in zip(results, forms, targets, strict=True):
        if target is not None:
            write_result([signal], form, target, None, force, seed=seed)
            seconds = len(samples) / form.sample_rate
            click.echo(one_line(f"{target.name}: {seconds:.3f} s, {form}, {how}"), err=True)


@contextmanager
def _new(folder: Path) -> Iterator[None]:
    """A folder, which is gone after a failure if it is new and nothing is in it."""
    there = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if not there:
            with suppress(OSError):
                folder.rmdir()
        raise


def _first(targets: Sequence[Target | None]) -> Target:
    target = targets[0]
    assert target is not None
    return target


def _by_model(
    samples: np.ndarray, recorded: Form, model: Path, threads: int | None, device: str
) -> tuple[np.ndarray, str]:
    """Target and rest, (2, samples, channels), and how, in words."""
    import torch

    from dap.audio import resample
    from dap.fitting.method import resolve_device
    from dap.restoration.separation import checked, divided
    from dap.training.model import Separator, load

    torch.set_num_threads(threads or cores())
    trained = load(model)
    rate = trained.configuration.sample_rate
    mono = resample(checked(samples).mean(axis=1, dtype=np.float32), recorded.sample_rate, rate)
    sources = Separator(trained, resolve_device(device))(mono)
    how = f"{trained.configuration.target} by {trained.configuration.method}"
    if recorded.sample_rate != rate or recorded.channels > 1:
        how += f" (separated as one channel at {rate} Hz)"
    return divided(samples, recorded.sample_rate, sources, rate), how


def _by_fits(
    samples: np.ndarray,
    recorded: Form,
    method: str,
    iterations: int | None,
    width: float | None,
    segment: float,
    seed: int,
    threads: int | None,
    device: str,
) -> tuple[np.ndarray, str]:
    """Two stems, (2, samples, channels), and how, in words."""
    import torch

    from dap.fitting.method import is_prior
    from dap.restoration.choice import fit_options
    from dap.restoration.separation import separate as fitted

    torch.set_num_threads(threads or cores())
    fit = None
    if is_prior(method):
        fit = fit_options(method, "separate", iterations=iterations, width=width, snapshots=2)
    found = fitted(
        samples,
        recorded.sample_rate,
        method=method,
        fit=fit,
        seed=seed,
        device=device,
        segment_seconds=segment,
        progress=bars(fit.iterations) if fit else None,
    )
    return found.stems, found.how
