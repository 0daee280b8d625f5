"""The one exception that is meant for the user, and its message where a package is missing."""

from collections.abc import Iterator
from contextlib import contextmanager


class DapError(Exception):
    """Something the user can put right: the message names the thing, its value, and the remedy."""


class InterruptedFitError(DapError):
    """A fit was stopped from outside, and goes on when it is run again."""


class UnwritableError(DapError):
    """A file cannot be written."""


class PluginError(DapError):
    """A plugin, or a library that it calls, failed: the message says which, the log has where."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Around the import of packages that only an extra of deep-audio-priors brings.

    >>> with extra("metrics"):
    ...     import no_such_package
    Traceback (most recent call last):
    dap.errors.DapError: no_such_package is not installed: pip install 'deep-audio-priors[metrics]'

    Raises:
        DapError: one of them is not installed; the message says how it comes.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or str(error)).partition(".")[0]
        raise DapError(
            f"{package} is not installed: pip install 'deep-audio-priors[{name}]'"
        ) from error
