"""`dap methods`."""

import textwrap

import click

from dap.errors import DapError, one_line
from dap.restoration import choice

WIDTH = 100


@click.command()
@click.option(
    "--task", type=click.Choice(choice.RESTORED), help="Those for it alone. [default: all]"
)
@click.option(
    "--time",
    "timed",
    is_flag=True,
    help="Measure the seconds that each takes for a second of sound at 16 kHz, on this machine.",
)
def methods(task: str | None, timed: bool) -> None:
    """List the methods that `dap restore` takes, and what they were found good for.

    A prior is an untrained network, which is fitted to the recording; a trained one has learned
    from others. --time runs the first iterations of each fit, which takes some minutes.
    """
    from dap.commands.found import FOUND, seconds_per_second

    listed = choice.methods(task)
    width = max(len(method.name) for method in listed)
    for method in listed:
        tasks = ", ".join(method.tasks)
        seconds = ""
        if timed:
            from dap.restoration.api import SPECTROGRAM

            try:
                seconds = f"{seconds_per_second(method, SPECTROGRAM):8.3g} s  "
            except DapError as error:
                click.echo(f"Warning: {method.name}: {one_line(str(error))}", err=True)
                seconds = f"{'-':>8}    "
        click.echo(f"{method.name:{width}}  {seconds}{method.kind:9}  {tasks}")
        trained = f" Trained {method.trained}." if method.trained else ""
        said = f"{method.title[0].upper()}{method.title[1:]}.{trained} {FOUND.get(method.name, '')}"
        click.echo(textwrap.fill(said, WIDTH, initial_indent="    ", subsequent_indent="    "))
