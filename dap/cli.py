"""The `dap` command."""

from typing import Any

import click

from dap import __version__
from dap.commands.collect import collect
from dap.commands.messages import errors_as_lines, killed_as_interrupted, warnings_as_lines
from dap.commands.methods import methods
from dap.commands.preferences import preferences
from dap.commands.restore import restore
from dap.commands.separate import separate
from dap.commands.study import study


class Command(click.Group):
    """Warnings of the package as lines, and its errors as the last one."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with killed_as_interrupted(), warnings_as_lines(), errors_as_lines():
            return super().invoke(ctx)


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Restore audio with classical methods and untrained networks."""


for command in (restore, separate, methods, study, collect, preferences):
    main.add_command(command)
