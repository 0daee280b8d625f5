"""The `dap` command."""

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from dap import __version__, api
from dap.choice import AUTO, EFFORTS, choose, fit_options, method_for
from dap.endpoints import Source, Target
from dap.ends import (
    check_ends,
    check_room,
    cores,
    lost,
    provide_for_libraries,
    write_result,
)
from dap.errors import DapError, one_line
from dap.messages import bars, errors_as_lines, renamed, warnings_as_lines
from dap.options import PRESETS, FitOptions, limits
from dap.parameters import Finite, Gap, MethodName, option_range, preset_defaults
from dap.preferences import preferences
from dap.study_commands import study

EXIT_STATUS = """\b
Exit status:
  0  the result is written
  1  it is not: the last line, "Error: ...", says why, and what to do
  2  the command is not one: an unknown option, a value out of its range
  3  it is written, with segments as they were: their fits learned nothing (a warning says which)"""
UNRESTORED = 3
# far beyond use; above, counting would fail
MOST_ITERATIONS, MOST_THREADS = 10**9, 1024


# of a fit, which classical methods do without
FITTING = {
    "preset", "iterations", "learning_rate", "width", "stop", "selection", "segment", "seed",
    "precision", "device", "consistency",
}  # fmt: skip


class Command(click.Group):
    """Warnings of the package as lines, and its errors as the last one."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with warnings_as_lines(), errors_as_lines():
            return super().invoke(ctx)


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Restore audio with untrained networks."""


main.add_command(study)


@main.command(epilog=EXIT_STATUS)
@click.argument("damaged", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.argument("restored", type=click.Path(dir_okay=False, allow_dash=True, readable=False))
@click.option(
    "--method",
    type=MethodName(),
    default=AUTO,
    show_default=True,
    help="A prior, or a classical method, which takes none of the options of a fit. auto is the "
    "one that was found best for the task.",
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
    "--gap",
    "gaps",
    multiple=True,
    type=Gap(),
    help="Fill this stretch, such as 1.2-1.35 in seconds or 1:07.1-1:07.2, and leave the rest "
    "alone; may be given again.",
)
@click.option(
    "--dequantize",
    "bins",
    type=click.IntRange(2, 2**16),
    metavar="BINS",
    help="Undo quantization to this number of levels on [-1, 1], such as 256 of 8 bits.",
)
@click.option(
    "--consistency",
    type=option_range("consistency"),
    help="With --dequantize, the share of the loss that keeps samples in their cells. "
    + preset_defaults("consistency"),
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="How the network is fitted, but for the options given. [default: as the method says "
    "(dap-best), or else fast]",
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
    type=click.Choice(list(api.SELECTIONS)),
    help="Last iterate, or the moving average of the outputs at the end, or where --stop stops. "
    "[default: stop, with a rule; else average]",
)
@click.option(
    "--segment",
    default=2.0,
    show_default=True,
    type=Finite(api.SHORTEST_SEGMENT_SECONDS),
    help="s",
)
@click.option("--sample-rate", default=16000, show_default=True, type=click.IntRange(8000, 48000))
@click.option("--seed", default=2021, show_default=True, type=click.IntRange(0))
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default=FitOptions.precision,
    show_default=True,
    help="Of the network; auto is bfloat16 where the hardware has it.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, MOST_THREADS),
    help="[default: all cores that it may use]",
)
@click.option("--device", type=click.Choice(api.DEVICES), default="auto", show_default=True)
@click.option(
    "--force", is_flag=True, help="Replace RESTORED, and --keep-partial, where there is one."
)
@click.option(
    "--keep-partial",
    type=click.Path(dir_okay=False, readable=False),
    help="Where the result is kept if RESTORED cannot be written at the end. "
    "[default: a new file in the folder for temporary files]",
)
@click.pass_context
def restore(
    ctx: click.Context,
    damaged: str,
    restored: str,
    *,
    method: str,
    effort: str,
    gaps: tuple[tuple[float, float], ...],
    bins: int | None,
    consistency: float | None,
    preset: str | None,
    iterations: int | None,
    learning_rate: float | None,
    width: float | None,
    stop: str | None,
    selection: str | None,
    segment: float,
    sample_rate: int,
    seed: int,
    precision: str,
    threads: int | None,
    device: str,
    force: bool,
    keep_partial: str | None,
) -> None:
    """Restore the recording DAMAGED and write RESTORED, a 32-bit float WAV.

    The result has one channel, the mean of all, at --sample-rate. "-" is standard input, or output.
    To replace a file takes --force; should anything fail, it is as it was.

    Without --gap or --dequantize the recording is denoised. By default the method is the one that
    was found best for the task. The classical ones take seconds: janssen fills gaps,
    cell-projection undoes quantization, the others denoise. A prior is an untrained network, fitted
    to each segment. It fits the sound before the noise: too many iterations bring the noise back.
    dap-best is fed a classical method's estimate and ended before that. dfl is another kind: a
    network that others have trained, for speech at 16 kHz, whose weights are downloaded on first
    use.

    With --dequantize each sample of the result is one that would be quantized to what was recorded.
    The recording must be as it left the quantizer, at --sample-rate and in one channel.
    """
    if bins is None and consistency is not None:
        raise click.UsageError("--consistency is of --dequantize, which is not given")
    if bins and gaps:
        raise click.UsageError("--gap and --dequantize exclude each other")
    task = "inpaint" if gaps else "dequantize" if bins else "denoise"
    if method == AUTO:
        method = choose(task, effort)
    elif ctx.get_parameter_source("effort") == ParameterSource.COMMANDLINE:
        raise click.UsageError(f"--effort chooses a method: leave it out, or --method {method}")
    prior = _is_prior(method, task, sample_rate)
    asked = [
        name for name in FITTING if ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE
    ]
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
        snapshots=2,  # the first, too: time left is counted from its report
    )
    source, target = Source.at(damaged, dash=0), Target.at(restored, dash=1)
    reserve = None if keep_partial is None else Target.at(keep_partial, dash=1)
    check_ends(source, target, reserve, force)
    provide_for_libraries()
    # before torch: threads that wait sleep, and leave shared cores to others
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from dap.audio import read

    with source.local() as path, renamed(path, source.name), redirect_stdout(sys.stderr):
        recording = read(path, sample_rate)
        changes = lost(path, sample_rate)
    check_room(len(recording), target, reserve)
    with redirect_stdout(sys.stderr):  # which may be where the result goes
        result = api.restore(
            recording,
            sample_rate,
            method=method,
            gaps=gaps or None,
            bins=bins,
            fit=fit if prior else None,
            selection=selection,
            segment_seconds=segment,
            seed=seed,
            device=device,
            threads=threads or cores(),
            progress=bars(fit.iterations),
        )
    write_result(result.audio, sample_rate, target, reserve, force)
    click.echo(
        one_line(
            f"{target.name}: {len(result.audio) / sample_rate:.3f} s, {sample_rate} Hz, one "
            f"channel, restored by {method}{changes}"
        ),
        err=True,
    )
    if result.unrestored:
        ctx.exit(UNRESTORED)


@main.command()
@click.argument("parts", nargs=-1, required=True, type=click.Path(exists=True))
@click.option(
    "--into",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help="The folder of the study's results, results/STUDY.",
)
@click.option(
    "--export",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Pack what was made in PARTS into one archive instead: .tar.zst, .tar.xz or .tar.gz.",
)
def collect(parts: tuple[str, ...], into: str | None, export: str | None) -> None:
    """Join PARTS of one study that were made on several machines, or in several sittings.

    A part is a folder of results that `snakemake --config part=...` left, or an archive of
    --export. Parts that differ in setup, in the code that makes numbers, in clips or observations,
    or in the numbers of a clip, are refused, and damaged ones: then nothing is joined. What is
    there twice, to the bit, counts once.
    """
    if (into is None) == (export is None):
        raise click.UsageError("name either a folder (--into) or an archive (--export)")
    from dap.runtime import archive
    from dap.runtime import collect as joining

    if export is not None:
        archive.require_archive(Path(export))
        joined, verb = joining.export(parts, Path(export)), "packed"
    else:
        joined, verb = joining.collect(parts, Path(str(into))), "joined"
    cpus = ", ".join(f"{count} on {cpu}" for cpu, count in sorted(joined.cpus.items()))
    click.echo(
        one_line(
            f"{export or into}: {len(joined.chunks)} chunks of {joined.study} {verb}, "
            f"{joined.repeats} repeats dropped; {cpus}"
        ),
        err=True,
    )


@main.command()
@click.argument("mixture", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.argument("target", type=click.Path(dir_okay=False, allow_dash=True, readable=False))
@click.option(
    "--model",
    required=True,
    type=click.Path(exists=True, dir_okay=False),
    help="A model that a study trained: results/STUDY/models/.../model.safetensors.",
)
@click.option(
    "--rest",
    type=click.Path(dir_okay=False, readable=False),
    help="Where what is left of the mixture goes. [default: nowhere]",
)
@click.option("--threads", type=click.IntRange(1, MOST_THREADS), help="[default: all cores]")
@click.option("--device", type=click.Choice(api.DEVICES), default="auto", show_default=True)
@click.option("--force", is_flag=True, help="Replace TARGET, and --rest, where there is one.")
def separate(
    mixture: str,
    target: str,
    *,
    model: str,
    rest: str | None,
    threads: int | None,
    device: str,
    force: bool,
) -> None:
    """Take the instrument that a model was trained for out of MIXTURE, and write TARGET.

    Both results are 32-bit float WAVs of one channel, at the rate that the model was trained at.
    Together they are the mixture. "-" is standard input, or output.
    """
    source, goal = Source.at(mixture, dash=0), Target.at(target, dash=1)
    second = None if rest is None else Target.at(rest, dash=1)
    check_ends(source, goal, second, force, other="--rest is TARGET")
    provide_for_libraries()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    from dap.audio import read
    from dap.fitting.method import resolve_device
    from dap.training.model import Separator, load

    torch.set_num_threads(threads or cores())
    trained = load(Path(model))
    sample_rate = trained.configuration.sample_rate
    with source.local() as path, renamed(path, source.name), redirect_stdout(sys.stderr):
        recording = read(path, sample_rate)
        changes = lost(path, sample_rate)
    check_room(len(recording), goal, second)
    results = Separator(trained, resolve_device(device))(recording)
    for signal, end in zip(results, (goal, second), strict=True):
        if end is not None:
            write_result(signal, sample_rate, end, None, force)
    click.echo(
        one_line(
            f"{goal.name}: {len(recording) / sample_rate:.3f} s, {sample_rate} Hz, one channel, "
            f"{trained.configuration.target} by {trained.configuration.method}{changes}"
        ),
        err=True,
    )


main.add_command(preferences)


def _is_prior(method: str, task: str, sample_rate: int) -> bool:
    """Whether a method is fitted, which is to be for the task and the rate."""
    try:
        return method_for(method, task, sample_rate).kind == "prior"
    except DapError as error:
        raise click.UsageError(str(error)) from error
