"""The `dap` command."""

import os
from collections.abc import Callable
from pathlib import Path

import click
from click.core import ParameterSource

from dap import api
from dap.errors import DapError, PluginError
from dap.options import PRESETS, FitOptions, limits


class Gap(click.ParamType):
    """Two times in seconds, "1.2-1.35"."""

    name = "START-END"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Text to numbers."""
        try:
            start, end = map(float, value.split("-"))
        except ValueError:
            self.fail(f"{value!r} is not START-END in seconds, such as 1.2-1.35", param, ctx)
        if end <= start:
            self.fail(f"{value!r} ends before it starts", param, ctx)
        return start, end


METHODS = {method.name: method for method in api.methods()}
# of a fit, which classical methods do without
FITTING = {
    "preset", "iterations", "learning_rate", "width", "selection", "segment", "seed", "precision",
    "device", "consistency",
}  # fmt: skip


def option_range(name: str) -> click.FloatRange:
    """The values that an option of a fit may have, which is no whole number."""
    bounds = limits(name)
    return click.FloatRange(
        min=bounds.get("minimum", bounds.get("exclusiveMinimum")),
        max=bounds.get("maximum", bounds.get("exclusiveMaximum")),
        min_open="exclusiveMinimum" in bounds,
        max_open="exclusiveMaximum" in bounds,
    )


def preset_defaults(name: str) -> str:
    """What an option of a fit is in each preset, for the help."""
    values = {preset: getattr(FitOptions.from_preset(preset), name) for preset in PRESETS}
    if len(set(values.values())) == 1:
        return f"[default: {values.popitem()[1]:g}]"
    return f"[default: {', '.join(f'{value:g} ({preset})' for preset, value in values.items())}]"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="deep-audio-priors")
def main() -> None:
    """Restore audio with untrained networks."""


@main.command()
@click.argument("damaged", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("restored", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default="dilated-exp-dense",
    show_default=True,
    help="A prior, or a classical method, which takes none of the options of a fit.",
)
@click.option(
    "--gap",
    "gaps",
    multiple=True,
    type=Gap(),
    help="Fill this stretch, in seconds, and leave the rest alone; may be given again.",
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
    default="fast",
    show_default=True,
    help="How the network is fitted, but for the options given.",
)
@click.option(
    "--iterations",
    type=click.IntRange(int(limits("iterations")["minimum"])),
    help=preset_defaults("iterations"),
)
@click.option(
    "--learning-rate",
    type=option_range("learning_rate"),
    help="Adam's, whatever the width. " + preset_defaults("learning_rate"),
)
@click.option(
    "--width", default=FitOptions.width, show_default=True, type=option_range("width"),
    help="Factor on every number of the network's filters.",
)  # fmt: skip
@click.option(
    "--selection",
    type=click.Choice(api.SELECTIONS),
    default="average",
    show_default=True,
    help="Last iterate, or the moving average of the outputs.",
)
@click.option(
    "--segment",
    default=2.0,
    show_default=True,
    type=click.FloatRange(api.SHORTEST_SEGMENT_SECONDS),
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
@click.option("--threads", type=click.IntRange(1), help="[default: all cores that it may use]")
@click.option("--device", type=click.Choice(api.DEVICES), default="auto", show_default=True)
@click.pass_context
def restore(
    ctx: click.Context,
    damaged: Path,
    restored: Path,
    *,
    method: str,
    gaps: tuple[tuple[float, float], ...],
    bins: int | None,
    consistency: float | None,
    preset: str,
    iterations: int | None,
    learning_rate: float | None,
    width: float,
    selection: str,
    segment: float,
    sample_rate: int,
    seed: int,
    precision: str,
    threads: int | None,
    device: str,
) -> None:
    """Restore the recording DAMAGED and write RESTORED, a 32-bit float WAV.

    The result has one channel, the mean of all, at --sample-rate.

    Without --gap or --dequantize the recording is denoised. An untrained network is fitted to each
    segment, and it fits the sound before the noise: too many iterations bring the noise back. The
    classical methods take seconds: janssen fills gaps, cell-projection undoes quantization, the
    others denoise.

    With --dequantize each sample of the result is one that would be quantized to what was recorded.
    The recording must be as it left the quantizer, at --sample-rate and in one channel.
    """
    if bins is None and consistency is not None:
        raise click.UsageError("--consistency is of --dequantize, which is not given")
    if bins and gaps:
        raise click.UsageError("--gap and --dequantize exclude each other")
    prior = METHODS[method].kind == "prior"
    asked = [
        name for name in FITTING if ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE
    ]
    if asked and not prior:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(asked))
        raise click.UsageError(f"{method} is fitted to nothing, and takes no {options}")
    if restored.suffix.lower() != ".wav":
        raise click.UsageError(f"{restored} will be a WAV file: name it so, with .wav at the end")
    if restored.resolve() == damaged.resolve():
        raise click.UsageError(f"{restored} is the recording itself: name another file")
    # before torch: threads that wait sleep, and leave shared cores to others
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from dap.audio import read, write

    if not restored.parent.is_dir():  # before the fits, not after
        raise click.ClickException(f"the folder {restored.parent} of {restored} does not exist")
    some = {"iterations": iterations, "learning_rate": learning_rate, "consistency": consistency}
    try:
        fit = FitOptions.from_preset(
            preset,
            width=width,
            precision=precision,
            snapshots=2,  # the first, too: time left is counted from its report
            **{name: value for name, value in some.items() if value is not None},
        )
        result = api.restore(
            read(damaged, sample_rate),
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
        write(restored, result.audio, sample_rate)
        click.echo(
            f"{restored}: {len(result.audio) / sample_rate:.3f} s, {sample_rate} Hz, one channel, "
            f"restored by {method}{_lost(damaged, sample_rate)}",
            err=True,
        )
    except DapError as error:
        if isinstance(error, PluginError):
            click.echo(error.trace, err=True)
        raise click.ClickException(str(error)) from error


def cores() -> int:
    """Those that this process was given, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def bars(iterations: int) -> Callable[[int, int, int, float], None]:
    """Shows how far the fits are, those of several segments beside each other."""
    from dap.runtime.progress import Progress

    meters: dict[int, Progress] = {}

    def report(segment: int, segments: int, iteration: int, loss: float) -> None:
        if segment not in meters:
            meters[segment] = Progress(f"segment {segment} of {segments}", iterations)
        meters[segment](iteration, loss)
        if iteration == iterations:
            del meters[segment]  # it may be fitted again

    return report


def _lost(recording: Path, sample_rate: int) -> str:
    """What a recording has that its restoration has not, in words."""
    import soundfile

    info = soundfile.info(recording)
    changes = []
    if info.channels > 1:
        changes.append(f"the mean of {info.channels} channels")
    if info.samplerate != sample_rate:
        changes.append(f"resampled from {info.samplerate} Hz")
    return f" ({', '.join(changes)})" if changes else ""
