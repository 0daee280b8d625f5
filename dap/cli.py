"""The `dap` command."""

import os
from pathlib import Path

import click

from dap.errors import DapError, PluginError
from dap.plugins import plugins
from dap.study.schema import fit_options


class Gap(click.ParamType):
    """Two times in seconds, "1.2-1.35"."""

    name = "START-END"

    def convert(self, value, param, ctx) -> tuple[float, float]:
        """Text to numbers."""
        try:
            start, end = map(float, value.split("-"))
        except ValueError:
            self.fail(f"{value!r} is not START-END in seconds, such as 1.2-1.35", param, ctx)
        if end <= start:
            self.fail(f"{value!r} ends before it starts", param, ctx)
        return start, end


# `observed` restores nothing, and a recording does not tell what a corruption does
METHODS = sorted(plugins("priors")) + sorted(
    name
    for name, found in plugins("baselines").items()
    if {"denoise", "inpaint", "dequantize"} & set(found.metadata["tasks"])
    and name != "observed"
    and "corruptions" not in found.metadata
)


# of a fit, which classical methods do without
FITTING = {
    "preset", "iterations", "learning_rate", "width", "selection", "segment", "seed", "precision",
    "device", "consistency",
}  # fmt: skip


@click.group()
@click.version_option(package_name="dap")
def main() -> None:
    """Restore audio with untrained networks."""


@main.command()
@click.argument("damaged", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("restored", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--method",
    type=click.Choice(METHODS),
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
    type=click.FloatRange(0, 1),
    help="With --dequantize, the share of the loss that keeps samples in their cells. [default: 0]",
)
@click.option(
    "--preset",
    type=click.Choice(["fast", "paper"]),
    default="fast",
    show_default=True,
    help="How the network is fitted, but for the options given.",
)
@click.option("--iterations", type=click.IntRange(1), help="[default: the preset's]")
@click.option("--learning-rate", type=click.FloatRange(1e-8, 1), help="[default: the preset's]")
@click.option("--width", default=1.0, show_default=True, type=click.FloatRange(0.01, 4))
@click.option(
    "--selection",
    type=click.Choice(["last", "average"]),
    default="average",
    show_default=True,
    help="Last iterate, or the moving average of the outputs.",
)
@click.option("--segment", default=2.0, show_default=True, type=click.FloatRange(0.25), help="s")
@click.option("--sample-rate", default=16000, show_default=True, type=click.IntRange(8000, 48000))
@click.option("--seed", default=2021, show_default=True, type=click.IntRange(0))
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    show_default=True,
    help="Of the network; auto is bfloat16 where the hardware has it.",
)
@click.option("--threads", type=click.IntRange(1), help="[default: all cores that it may use]")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True
)
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
    if method in plugins("baselines"):
        given = [name for name in FITTING if ctx.get_parameter_source(name).name == "COMMANDLINE"]
        if given:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(given))
            raise click.UsageError(f"{method} is fitted to nothing, and takes no {options}")
    if restored.suffix.lower() != ".wav":
        raise click.UsageError(f"{restored} will be a WAV file: name it so, with .wav at the end")
    if restored.resolve() == damaged.resolve():
        raise click.UsageError(f"{restored} is the recording itself: name another file")
    # before torch: threads that wait sleep, and leave shared cores to others
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    from dap.audio import read, write
    from dap.runtime.progress import Progress
    from dap.segments import restore_recording

    if not restored.parent.is_dir():  # found now, not after the fits
        raise click.ClickException(f"the folder {restored.parent} of {restored} does not exist")
    # the cores that this process was given, which may be fewer than the machine has
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(threads or cores)
    given = {"iterations": iterations, "learning_rate": learning_rate, "consistency": consistency}
    fit = fit_options(
        {"preset": preset, "width": width, "precision": precision}
        | {key: value for key, value in given.items() if value is not None}
    )
    meters = {}

    def report(index: int, count: int, iteration: int, loss: float) -> None:
        if index not in meters:
            meters[index] = Progress(f"segment {index} of {count}", fit["iterations"])
        meters[index](iteration, loss)
        if iteration == fit["iterations"]:
            del meters[index]  # it may be fitted again

    try:
        signal = restore_recording(
            read(damaged, sample_rate),
            sample_rate,
            method=method,
            fit=fit,
            spectrogram={"n_fft": 1022, "hop_length": 64, "window": "hann"},
            selection=selection,
            segment_seconds=segment,
            gaps=gaps,
            bins=bins,
            seed=seed,
            device=device,
            report=report,
            say=lambda text: click.echo(text, err=True),
        )
        write(restored, signal, sample_rate)
        click.echo(
            f"{restored}: {len(signal) / sample_rate:.3f} s, {sample_rate} Hz, one channel, "
            f"restored by {method}{_lost(damaged, sample_rate)}",
            err=True,
        )
    except DapError as error:
        if isinstance(error, PluginError):
            click.echo(error.trace, err=True)
        raise click.ClickException(str(error)) from error


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
