"""What the command tells its user: warnings and errors as lines, and how far the fits are."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGHUP, SIGTERM
from types import FrameType

import click

from dap.errors import DapError, PluginError, one_line
from dap.files.ends import WrongNameError
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
def killed_as_interrupted() -> Iterator[None]:
    """End at SIGTERM and SIGHUP as at an interruption: temporary files are deleted."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # one that is ignored, as by nohup, stays so
    numbers = [n for n in (SIGTERM, SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def errors_as_lines() -> Iterator[None]:
    """Put what the user can put right into one line, and the exit status 1."""
    try:
        with full_memory():
            yield
    except DapError as error:
        if isinstance(error, PluginError):
            click.echo(error.trace, err=True)
        raise click.ClickException(one_line(str(error))) from error
    except BrokenPipeError:  # whoever reads has enough, as `head` does: click ends in silence
        raise
    except OSError as error:
        raise click.ClickException(one_line(str(error))) from error


@contextmanager
def full_memory() -> Iterator[None]:
    """Have it be a `DapError` that the memory is full."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        full = any(words in str(error).lower() for words in MEMORY_IS_FULL)
        if not (full or isinstance(error, MemoryError)):
            raise
        raise DapError(
            "the memory is full: take shorter segments (--segment), a narrower network (--width) "
            "or a part of the recording"
        ) from error


@contextmanager
def names_refused() -> Iterator[None]:
    """Have a name that no result can have be a mistake in the command."""
    try:
        yield
    except WrongNameError as error:
        raise click.UsageError(str(error)) from error


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
