"""What the command tells its user: warnings and errors as lines, and how far the fits are."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from dap.errors import DapError, PluginError, one_line
from dap.plugins import MEMORY_IS_FULL


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Show the package's warnings on standard error, a line each."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kind = record.levelname.capitalize()
            click.echo(f"{kind}: {one_line(record.getMessage())}", err=True)

    logger, handler = logging.getLogger("dap"), Lines(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def errors_as_lines() -> Iterator[None]:
    """Put what the user can put right into one line, and the exit status 1."""
    try:
        yield
    except DapError as error:
        if isinstance(error, PluginError):
            click.echo(error.trace, err=True)
        raise click.ClickException(one_line(str(error))) from error
    except (MemoryError, RuntimeError) as error:
        full = any(words in str(error).lower() for words in MEMORY_IS_FULL)
        if not (full or isinstance(error, MemoryError)):
            raise
        raise click.ClickException(
            "the memory is full: take shorter segments (--segment), a narrower network (--width) "
            "or a part of the recording"
        ) from error
    except OSError as error:
        raise click.ClickException(one_line(str(error))) from error


@contextmanager
def renamed(path: Path, name: str) -> Iterator[None]:
    """Have a temporary file called by the name of what it is a copy of."""

    def rename(record: logging.LogRecord) -> bool:
        record.msg, record.args = record.getMessage().replace(str(path), name), ()
        return True

    logger = logging.getLogger("dap")
    logger.addFilter(rename)
    try:
        yield
    except DapError as error:
        error.args = (str(error).replace(str(path), name),)
        raise
    finally:
        logger.removeFilter(rename)


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
