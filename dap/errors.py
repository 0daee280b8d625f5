"""The exceptions that are meant for the user, and what is put into their messages."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike


class DapError(Exception):
    """Something the user can put right: the message names the thing, its value, and the remedy."""


class InterruptedFitError(DapError):
    """A fit was stopped from outside, and goes on when it is run again."""


class UnwritableError(DapError):
    """A file cannot be written."""


class UnusableError(DapError):
    """A recording is not to be used: it cannot be read, or has no sound.

    Args:
        path: of the recording.
        reason: why not, in words.
    """

    def __init__(self, path: PathLike[str], reason: str):
        super().__init__(f"{path}: {reason}")
        self.reason = reason


class TooFewWindowsError(DapError):
    """A recording has no further window that a clip could be cut from."""


class PluginError(DapError):
    """The code of a plugin failed.

    Args:
        message: which plugin, its file and what it raised.
        trace: the traceback as text, for the log: a text, since the error may come from another
            process, and holds on to no memory of what failed.
    """

    def __init__(self, message: str, trace: str = ""):
        super().__init__(message)
        self.trace = trace


@contextmanager
def named(where: str) -> Iterator[None]:
    """Put `where`, such as the clip, before the message of a `DapError` that passes."""
    try:
        yield
    except DapError as error:
        error.args = (f"{where}: {error}",)
        raise


def cause(error: OSError) -> str:
    """Why a file cannot be written, and what to do about it."""
    if is_full(error):
        return "the disk is full, or the quota used up: free some space"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "this user may not write there, or it is mounted read-only: make it writable"
    if error.errno == errno.EPIPE:
        return "what should read it has ended"
    return f"{error.strerror or error}: put that right"


def is_full(error: OSError) -> bool:
    """Whether there is no room for a file, or for one of its size."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def one_line(text: str) -> str:
    r"""A text as a terminal and a log can show it: on one line, without control characters.

    Bytes of a file's name that are of another encoding are shown as their numbers.

    >>> print(one_line("caf\udce9.wav: is\nsilent"))
    caf\xe9.wav: is silent
    """
    return "".join(map(_shown, " ".join(text.splitlines())))


def _shown(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # of os.fsdecode
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character if character.isprintable() else character.encode("unicode_escape").decode()


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
