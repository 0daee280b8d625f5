"""`dap restore`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from dap.commands.messages import full_memory, names_refused
from dap.commands.parameters import Finite, Gap, MethodName, Output, option_range, preset_defaults
from dap.errors import DapError, one_line
from dap.files.endpoints import Source, Target
from dap.files.ends import cores, result_name
from dap.files.estimate import TooLongError
from dap.files.restore import RestoredFile, files_of, restore_ends, seconds_of
from dap.options import PRESETS, FitOptions, limits
from dap.restoration.arguments import DEVICES, SELECTIONS, SHORTEST_SEGMENT_SECONDS
from dap.restoration.choice import AUTO, EFFORTS, choose, fit_options, method_for

if TYPE_CHECKING:
    from dap.runtime.progress import Meter

EXIT_STATUS = """\b
Exit status:
  0  the result is written
  1  it is not, or not of every file: a line, "Error: ...", says why, and what to do
  2  the command is not one: an unknown option, a value out of its range
  3  it is written, with segments as they were: their fits learned nothing (a warning says which)
  4  it is not: it would take longer than --max-minutes (the last line says what is faster)"""
WRITTEN, FAILED, UNRESTORED, TOO_LONG = 0, 1, 3, 4
# far beyond use; above, counting would fail
MOST_ITERATIONS, MOST_THREADS = 10**9, 1024


# of a fit, which classical methods do without
FITTING = {
    "preset", "iterations", "learning_rate", "width", "stop", "selection", "segment", "seed",
    "precision", "device", "consistency",
}  # fmt: skip


class Grouped(click.Command):
    """A command whose options of fits have a heading of their own."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write all options."""
        common: list[tuple[str, str]] = []
        fitting: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)):
                (fitting if parameter.name in FITTING else common).append(record)
        for heading, records in {"Options": common, "Of a fitted network": fitting}.items():
            with formatter.section(heading):
                formatter.write_dl(records)


@click.command(cls=Grouped, epilog=EXIT_STATUS)
@click.argument("damaged", type=click.Path(exists=True, allow_dash=True))
@click.option(
    "-o",
    "--output",
    type=Output(),
    help="The result, or of a folder the folder for results. [default: NAME.restored.EXT, "
    "NAME.restored/]",
)
@click.option(
    "--gap",
    "gaps",
    multiple=True,
    type=Gap(),
    help="Fill this stretch, in seconds or as 1:07.1-1:07.2, and leave the rest alone; may be "
    "given again.",
)
@click.option("--detect-gaps", is_flag=True, help="Fill dropouts: zeros, or one sample repeated.")
@click.option(
    "--dequantize",
    "bins",
    type=click.IntRange(2, 2**16),
    metavar="BINS",
    help="Undo quantization to this number of levels on [-1, 1], such as 256 of 8 bits.",
)
@click.option(
    "--amount",
    type=Finite(0, 1),
    default=1.0,
    show_default=True,
    help="From 0, the recording as it is, to 1, all that is taken for noise removed.",
)
@click.option(
    "--effort",
    type=click.Choice(EFFORTS),
    default="normal",
    show_default=True,
    help="Of auto: quick takes classical methods alone, normal a network where that is clearly "
    "better, best also where speech alone is a little better.",
)
@click.option(
    "--method",
    type=MethodName(),
    metavar="NAME",
    default=AUTO,
    show_default=True,
    help="One of `dap methods`; auto is the one that was found best for the task.",
)
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with what a run left in NAME.partial that was stopped.",
)
@click.option(
    "--max-minutes",
    type=Finite(0, min_open=True),
    default=10.0,
    show_default=True,
    help="Refuse a recording that would take longer.",
)
@click.option(
    "--keep-partial",
    type=click.Path(dir_okay=False, readable=False),
    help="Where the result is kept if it cannot be written at the end. [default: a new file in the "
    "folder for temporary files]",
)
@click.option(
    "--threads",
    type=click.IntRange(1, MOST_THREADS),
    help="[default: all cores that it may use]",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="How it is fitted, but for the options given. [default: as the method says (dap-best), "
    "or else fast]",
)
@click.option(
    "--iterations",
    type=click.IntRange(int(limits("iterations")["minimum"]), MOST_ITERATIONS),
    help="At most. " + preset_defaults("iterations"),
)
@click.option(
    "--learning-rate",
    type=option_range("learning_rate"),
    help="Adam's, whatever the width. " + preset_defaults("learning_rate"),
)
@click.option(
    "--width",
    type=option_range("width"),
    help="Factor on every number of the network's filters. " + preset_defaults("width"),
)
@click.option(
    "--stop",
    type=click.Choice(["none", "variance", "discrepancy"]),
    help="The rule that ends a fit before it brings the noise back. " + preset_defaults("stop"),
)
@click.option(
    "--selection",
    type=click.Choice(list(SELECTIONS)),
    help="Last iterate, or the moving average of the outputs at the end, or where --stop stops. "
    "[default: stop, with a rule; else average]",
)
@click.option(
    "--segment",
    default=2.0,
    show_default=True,
    type=Finite(SHORTEST_SEGMENT_SECONDS),
    help="Seconds.",
)
@click.option(
    "--consistency",
    type=option_range("consistency"),
    help="With --dequantize, the share of the loss that keeps samples in their cells. "
    + preset_defaults("consistency"),
)
@click.option("--seed", default=2021, show_default=True, type=click.IntRange(0))
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default=FitOptions.precision,
    show_default=True,
    help="auto is bfloat16 where the hardware has it.",
)
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)
@click.pass_context
def restore(
    ctx: click.Context,
    damaged: str,
    *,
    output: str | None,
    gaps: tuple[tuple[float, float], ...],
    detect_gaps: bool,
    bins: int | None,
    amount: float,
    method: str,
    effort: str,
    force: bool,
    resume: bool,
    max_minutes: float,
    keep_partial: str | None,
    **fitting: Any,
) -> None:
    """Restore the recording DAMAGED, or every one in a folder.

    It is denoised, or its gaps are filled (--gap, --detect-gaps), or quantization is undone
    (--dequantize), each channel on its own. The result has the recording's format, bit depth, rate,
    channels and tags; an extension of -o asks for another format, and --dequantize for 24 bits. "-"
    is standard input, or output.

    Above 16 kHz a classical method restores all at the recording's rate. A network denoises the
    band up to 8 kHz, and wiener-tracked the band above.
    """
    filling = bool(gaps) or detect_gaps
    if bins is None and fitting["consistency"] is not None:
        raise click.UsageError("--consistency is of --dequantize, which is not given")
    if bins and filling:
        raise click.UsageError("--gap and --dequantize exclude each other")
    if filling and amount != 1:
        raise click.UsageError("--amount is not of gaps, which are filled: leave it out")
    task = "inpaint" if filling else "dequantize" if bins else "denoise"
    if method != AUTO and _is_given(ctx, "effort"):
        raise click.UsageError(f"--effort chooses a method: leave it out, or --method {method}")
    options = {
        **_fit(ctx, choose(task, effort) if method == AUTO else method, task, **fitting),
        "method": method,
        "effort": effort,
        "gaps": gaps,
        "detect_gaps": detect_gaps,
        "bins": bins,
        "amount": amount,
        "resume": resume,
        "max_minutes": max_minutes,
    }
    if Path(damaged).is_dir():
        if keep_partial is not None:
            raise click.UsageError("--keep-partial is of one file, and this is a folder")
        ctx.exit(_folder(Path(damaged), output, force, options))
    from dap.runtime.progress import Meter

    source = Source.at(damaged, dash=0)
    with names_refused():
        goal = output or str(result_name(source, "restored"))
        target = Target.at(goal, dash=1)
        reserve = None if keep_partial is None else Target.at(keep_partial, dash=1)
        meter = Meter()
        try:
            ctx.exit(_one(source, target, reserve, force, options, meter))
        finally:
            meter.close()


def _one(
    source: Source,
    target: Target,
    reserve: Target | None,
    force: bool,
    options: dict[str, Any],
    meter: "Meter",
) -> int:
    """Restore one file; the exit status."""

    def tell(line: str) -> None:
        click.echo(one_line(line), err=True)

    meter.begin(one_line(source.name))
    try:
        result: RestoredFile = restore_ends(
            source, target, reserve, force=force, progress=meter, tell=tell, **options
        )
    except TooLongError as error:
        message = error.told(lambda name, value: f"--{name.replace('_', '-')} {_shown(value)}")
        raise _TooLong(one_line(f"{source.name}: {message}")) from error
    tell(str(result))
    return UNRESTORED if result.unrestored else WRITTEN


class _TooLong(click.ClickException):
    exit_code = TOO_LONG


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _folder(folder: Path, output: str | None, force: bool, options: dict[str, Any]) -> int:
    """Restore every audio file of a folder; the exit status."""
    from dap.runtime.progress import Meter

    beside = os.path.normpath(folder)
    if Path(beside).name in ("", ".."):  # of "." and the like
        beside = os.path.realpath(folder)
    results = Path(output or f"{beside}.restored")
    if output == "-" or (results.exists() and not results.is_dir()):
        raise click.UsageError(f"{results} is no folder, as results of a folder need: name one")
    if results.exists() and results.samefile(folder):
        raise click.UsageError(f"{results} is the recordings' folder itself: name another one")
    counts = {"restored": 0, "there already": 0, "failed": 0}
    status = WRITTEN
    files = list(files_of(folder, results))
    meter = Meter(sum(seconds_of(path) for path, _ in files))
    for path, target in files:
        if os.path.lexists(target) and not force:
            counts["there already"] += 1
            continue
        try:
            with full_memory():
                target.parent.mkdir(parents=True, exist_ok=True)
                ends = Source.at(str(path), dash=0), Target.at(str(target), dash=1)
                status = max(status, _one(*ends, None, force, options, meter))
            counts["restored"] += 1
        except (DapError, OSError, _TooLong) as error:
            message = str(error)
            told = message if str(path) in message or str(target) in message else f"{path}: {error}"
            click.echo(f"Error: {one_line(told)}", err=True)
            counts["failed"] += 1
    meter.close()
    if not any(counts.values()):
        raise DapError(f"{folder}: no audio file in it: name another folder")
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    click.echo(one_line(f"{results}: {said}"), err=True)
    return FAILED if counts["failed"] else status


def _fit(
    ctx: click.Context,
    method: str,
    task: str,
    *,
    preset: str | None,
    iterations: int | None,
    learning_rate: float | None,
    width: float | None,
    stop: str | None,
    selection: str | None,
    segment: float,
    seed: int,
    precision: str,
    consistency: float | None,
    threads: int | None,
    device: str,
) -> dict[str, Any]:
    """The arguments of `dap.restore` that say how a network is fitted."""
    try:
        prior = method_for(method, task).kind == "prior"
    except DapError as error:
        raise click.UsageError(str(error)) from error
    asked = [name for name in FITTING if _is_given(ctx, name)]
    if asked and not prior:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(asked))
        raise click.UsageError(
            f"{method} is fitted to nothing, and takes no {options}: name a prior by --method"
        )
    fit = fit_options(
        method,
        task,
        preset,
        iterations=iterations,
        learning_rate=learning_rate,
        width=width,
        stop=stop,
        end_at_stop=None if stop is None else stop != "none",
        consistency=consistency,
        precision=precision,
        snapshots=1,
    )
    return {
        "fit": fit if prior else None,
        "selection": selection,
        "segment_seconds": segment,
        "seed": seed,
        "device": device,
        "threads": threads or cores(),
    }


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE
