"""The commands `dap study check` and `dap study list`."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dap.errors import DapError, extra
from dap.files.ends import cores

if TYPE_CHECKING:
    from dap.study.outline import Outline
    from dap.study.sitting import Sitting

# of what follows FILE, which is Snakemake's
UNREAD = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.group()
def study() -> None:
    """What a study would make, and which studies there are."""


@study.command("list")
def list_studies() -> None:
    """List the studies that come with the project: title, experiments, fits and size."""
    from dap.plugin_literals import shown
    from dap.study.outline import Outline, included

    for path in included():
        click.echo("\n".join([shown(path), *_outlined(Outline.of_file(path))]))


def _outlined(outline: "Outline") -> list[str]:
    from dap.study.outline import in_words

    kinds = {"fit": outline.fits, "training": outline.trainings}
    counts = [f"{count:,} {kind}{'s' * (count > 1)}" for kind, count in kinds.items() if count]
    unit = "iterations" if outline.fits else "steps"
    return [
        f"  {outline.title}",
        f"  {'; '.join(outline.experiments)}",
        f"  {' and '.join(counts) or 'no fits'} of {_span(*outline.iterations)} {unit}, width "
        f"{_span(*outline.widths)}; up to {in_words(outline.bytes)} of results",
        f"  needs {outline.needs}",
    ]


def _span(low: float, high: float) -> str:
    return f"{low:,g}" if low == high else f"{low:,g} to {high:,g}"


@study.command(context_settings=UNREAD)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("snakemake", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--quick",
    is_flag=True,
    help="Check the study and the working folder, and say nothing where nothing is wrong.",
)
def check(file: Path, snakemake: tuple[str, ...], *, quick: bool) -> None:
    """Say what the study in FILE would make here: jobs, fits, hours, downloads, disk.

    What follows FILE is handed to Snakemake, such as `--cores 2 --config recordings=PATH`. What is
    wrong with the study is said as the workflow says it. The hours are those of what is missing, by
    the chunks that were made on this kind of CPU, and where there are none, by short fits, which
    are timed now; jobs' starts and scores come on top of the latter.
    """
    from dap.study.outline import checkout

    root = checkout()
    sitting = _sitting(file, list(snakemake))
    if quick:
        return
    _report(sitting, _jobs(root, file, list(snakemake)))


def _sitting(file: Path, arguments: list[str]) -> "Sitting":
    """The run that Snakemake's arguments ask for, checked as the Snakefile checks it.

    Raises:
        DapError: something is wrong with the study, or with the working folder.
    """
    with extra("workflow"):
        from snakemake.cli import parse_config

    from dap.runtime.provenance import machine
    from dap.study.code_hash import Code
    from dap.study.configuration import check_run, configured, merged
    from dap.study.sitting import Sitting
    from dap.study.yaml_file import load

    files, entries, count = _read(file, arguments)
    try:
        overrides = parse_config(entries)
    except ValueError as error:
        raise DapError(f"--config: {error}") from error
    config = merged([*map(load, files), overrides])
    checked, asked = configured(config, entries)
    end = time.monotonic() + 3600 * (asked.hours or 0)
    slots = max(1, count // checked["threads"])
    cpu = machine()["cpu"]
    sitting = Sitting(checked, Code(), asked, cpu, slots, lambda: end - time.monotonic())
    check_run(sitting)
    return sitting


def _read(file: Path, arguments: list[str]) -> tuple[list[Path], list[str], int]:
    """The study's files, the entries of `--config`, and the cores, of Snakemake's arguments."""
    import argparse

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", type=Path)
    parser.add_argument("--config", "-C", nargs="*", default=[])
    parser.add_argument("--cores", "-c", nargs="?", default="all")
    options, _ = parser.parse_known_args(arguments)
    # Snakemake says itself what is no number
    count = int(options.cores) if (options.cores or "").isdecimal() else cores()
    return options.configfile or [file], options.config, count


def _jobs(root: Path, file: Path, arguments: list[str]) -> dict[str, int]:
    """How many jobs of each rule Snakemake would run, by its dry run.

    Raises:
        DapError: it refuses.
    """
    import re

    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile")]
    command += ["--cores", "all", "--configfile", str(file), *arguments]
    done = subprocess.run(
        [*command, "--dry-run", "--quiet", "rules"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise DapError(f"snakemake --dry-run: {' '.join(said[-3:]) or 'failed'}")
    table = done.stdout + done.stderr
    counts = re.findall(r"^([a-z_]\w*) +(\d+)$", table.partition("Job stats:")[2], re.MULTILINE)
    return {rule: int(number) for rule, number in counts if rule != "total"}


def _report(sitting: "Sitting", jobs: dict[str, int]) -> None:
    from dap.runtime.forecast import forecast, missing
    from dap.study.outline import Outline, downloads, fitted_chunks, in_words
    from dap.study.parts import fits
    from dap.study.plan import hours

    outline, checked = Outline.of_study(sitting.study), sitting.study
    left = sum(fits(checked, each) for each in fitted_chunks(checked, missing(sitting)))
    click.echo("\n".join([outline.name, *_outlined(outline)]))
    of_part = f" in part {sitting.asked.part}" if sitting.asked.part else ""
    click.echo(f"fits:      {left:,} are missing of {outline.fits:,}{of_part}")
    listed = ", ".join(f"{count} {rule}" for rule, count in jobs.items() if rule != "all")
    click.echo(f"jobs:      {listed or 'none'}")
    rows = downloads(checked)
    for row in rows:
        click.echo(f"download:  {row.what}, {row.size}: {row.state}")
    if not rows:
        click.echo("download:  none")
    free = shutil.disk_usage(".").free
    needed = outline.bytes + sum(row.bytes for row in rows)
    beside = " and what is downloaded, as it is packed" if any(row.bytes for row in rows) else ""
    click.echo(f"disk:      up to {in_words(needed)} of results{beside}; {in_words(free)} are free")
    if needed > free:
        click.echo("Warning: the disk has too little room for all of it", err=True)
    predicted = forecast(sitting, lambda text: click.echo(f"{text} ...", err=True))
    untimed = f"; not timed: {', '.join(predicted.unknown)}" * bool(predicted.unknown)
    threads = checked["threads"]
    click.echo(
        f"time:      {hours(predicted.seconds)} on {sitting.cpu or 'this CPU'}, {sitting.slots} at "
        f"a time, {threads} thread{'s' * (threads > 1)} each{untimed}"
    )
