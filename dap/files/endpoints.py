"""What the command reads from and writes to: files, pipes, standard input and output.

A file that is written is at no time half of it: a temporary one beside it takes its place at the
end. What a pipe holds is read once.
"""

import errno
import fcntl
import logging
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TypeVar
from uuid import uuid4

from dap.errors import DapError, UnwritableError, cause, is_full

COPY_BYTES = 2**20
STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]+)")
NAMES = {0: "standard input", 1: "standard output", 2: "standard error"}
# of these, two names of one are no reason to refuse: a terminal or a connection goes both ways
BOTH_WAYS = (stat.S_ISCHR, stat.S_ISSOCK)

End = TypeVar("End", bound="_End")


@dataclass(frozen=True)
class _End:
    """A file, or an open descriptor.

    Attributes:
        path: of the file, links followed where it is to be written.
        descriptor: the number of one that this process was started with.
        name: as it was given, or what a standard stream is called.
        status: of the file; None where there is none yet, or nobody can tell.
    """

    path: str
    descriptor: int | None
    name: str
    status: os.stat_result | None

    @classmethod
    def at(cls: type[End], path: str, dash: int) -> End:
        """What a path stands for; "-" stands for the descriptor `dash`.

        Raises:
            DapError: it cannot be looked at, or is a folder.
        """
        descriptor = _descriptor(path, dash)
        name = NAMES.get(descriptor, path) if descriptor is not None else path
        try:
            status = _status(path, descriptor)
        except (FileNotFoundError, NotADirectoryError):
            status = None
        except OSError as error:
            raise DapError(f"{name}: cannot be opened: {error.strerror or error}") from error
        if status and stat.S_ISDIR(status.st_mode):
            raise DapError(f"{name}: is a folder: name a file")
        return cls(path, descriptor, name, status)

    def is_same(self, other: "_End") -> bool:
        """Whether both are one file, whatever their names: a hard link, a link, another case."""
        if self.status is None or other.status is None:
            return False
        both_ways = any(kind(self.status.st_mode) for kind in BOTH_WAYS)
        return os.path.samestat(self.status, other.status) and not both_ways

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file, or will be one."""
        if self.descriptor is not None:
            return False
        return self.status is None or stat.S_ISREG(self.status.st_mode)

    @property
    def exists(self) -> bool:
        """Whether it is a regular file that is there."""
        return self.is_file and self.status is not None


class Source(_End):
    """What is read."""

    @classmethod
    def at(cls, path: str, dash: int) -> "Source":
        """As of any end.

        Raises:
            DapError: by its name it has no header, which soundfile then does not look for.
        """
        if Path(path).suffix.lower() == ".raw":
            raise DapError(
                f"{path}: no header says the rate and the type of raw samples: convert it to WAV "
                "(sox or ffmpeg), or rename it if it has one"
            )
        return super().at(path, dash)

    @contextmanager
    def local(self) -> Iterator[Path]:
        """A file with what is read: itself, or, of a pipe, a temporary one, which is read once.

        Raises:
            DapError: there is nothing, it is a terminal or a device, or it cannot be read.
        """
        if self.descriptor is None and self.status is None:
            raise DapError(f"{self.name}: does not exist")
        if self.is_file:
            yield Path(self.path)
            return
        if self.status and (stat.S_ISCHR(self.status.st_mode) or stat.S_ISBLK(self.status.st_mode)):
            raise DapError(f"{self.name}: is a terminal or a device: name a file, or pipe one in")
        try:
            folder = Path(tempfile.mkdtemp(prefix="dap-"))
        except OSError as error:
            raise DapError(f"no temporary file can be written: {cause(error)}") from error
        try:
            local = folder / "recording"
            try:
                with self._opened() as stream, local.open("wb") as file:
                    shutil.copyfileobj(stream, file)
            except OSError as error:
                full = (
                    f"there is no room for a copy in {folder.parent}: set TMPDIR to another folder"
                )
                why = full if is_full(error) else error.strerror or error
                raise DapError(f"{self.name}: cannot be read: {why}") from error
            yield local
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        if self.descriptor == 0:
            yield sys.stdin.buffer
        elif self.descriptor is not None:
            with open(self.descriptor, "rb", closefd=False) as stream:
                yield stream
        else:
            with Path(self.path).open("rb") as stream:
                yield stream


@dataclass(frozen=True)
class Finish:
    """What writes a file of `Target.writing` to where it is meant to be.

    Attributes:
        file: empty, to be filled.
    """

    file: IO[bytes]
    _finish: Callable[[], None]

    def __call__(self) -> None:
        """Do so, once it is filled."""
        self._finish()


class Target(_End):
    """What is written."""

    def check(self, size: int = 0) -> None:
        """Find out whether so many bytes can be written, and leave all as it is.

        Raises:
            UnwritableError: they cannot.
        """
        if self.descriptor is not None:
            if self.status is None:  # no stream of the system's
                return
            if os.isatty(self.descriptor):
                raise UnwritableError(f"{self.name}: is a terminal: name a file, or pipe it on")
            if fcntl.fcntl(self.descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
                raise UnwritableError(f"{self.name}: is open for reading alone: name a file")
            return
        with self._one_error():
            if not self.is_file:
                if self.status and any(
                    k(self.status.st_mode) for k in (stat.S_ISBLK, stat.S_ISSOCK)
                ):
                    raise UnwritableError(f"{self.name}: is a disk or a socket: name a file")
                if not os.access(self.path, os.W_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                return
            real = self._real()
            if not real.parent.is_dir():
                raise UnwritableError(f"the folder {real.parent} of {self.name} does not exist")
            if self.exists:
                os.close(os.open(real, os.O_WRONLY))  # no bits of permission: it is tried
            with _beside(real) as (_, file):
                _reserve(file.fileno(), size)

    def write(self, content: bytes | memoryview, *, force: bool = False) -> None:
        """Write it, a file whole or not at all; pipes and devices straight.

        Args:
            force: replace a file that came to be there since.

        Raises:
            UnwritableError: it cannot be written; a file that was there is as it was.
        """
        with self.writing(force=force) as finish, self._one_error():
            finish.file.write(content)
            finish()

    @contextmanager
    def writing(self, *, force: bool = False) -> "Iterator[Finish]":
        """A temporary file to be filled, and what then makes it the target, or sends it on.

        The file is beside the target where that is a file, and gone at the end, unless finished.

        Args:
            force: replace a file that came to be there since.

        Raises:
            UnwritableError: there can be no such file, or, from what finishes it, the target cannot
                be written; a file that was there is as it was.
        """
        with ExitStack() as stack:
            with self._one_error():
                if self.is_file:
                    real = self._real()
                    temporary, file = stack.enter_context(_beside(real))
                    finish = Finish(file, partial(self._replace, real, temporary, file, force))
                else:
                    file = stack.enter_context(tempfile.TemporaryFile(prefix="dap-"))
                    finish = Finish(file, partial(self._send, file))
            yield finish

    def _send(self, file: IO[bytes]) -> None:
        with self._one_error():
            file.seek(0)
            if self.descriptor is None:
                descriptor = os.open(self.path, os.O_WRONLY)
                try:
                    _write_all(descriptor, file)
                finally:
                    os.close(descriptor)
            elif self.descriptor == 1 and self.status is None:  # no stream of the system's
                shutil.copyfileobj(file, sys.stdout.buffer)
            else:
                _write_all(self.descriptor, file)

    def _replace(self, real: Path, temporary: Path, file: IO[bytes], force: bool) -> None:
        with self._one_error():
            file.flush()
            os.fsync(file.fileno())
            if os.path.lexists(real):
                if not force:
                    raise FileExistsError(errno.EEXIST, "a file of this name has come to be")
                with suppress(OSError):
                    shutil.copymode(real, temporary)
                with suppress(OSError):
                    os.chown(temporary, real.stat().st_uid, real.stat().st_gid)
            temporary.replace(real)
        with suppress(OSError):  # the name, too: not every file system does that
            folder = os.open(real.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _real(self) -> Path:
        """The file that links lead to, which is what is replaced."""
        try:
            real = Path(os.path.realpath(self.path))
        except FileNotFoundError as error:  # of os.getcwd
            raise OSError(errno.ENOENT, "the working folder was deleted") from error
        if real.is_symlink():
            raise OSError(errno.ELOOP, "its symbolic links lead round in a circle")
        return real

    @contextmanager
    def _one_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UnwritableError(f"{self.name}: cannot be written: {cause(error)}") from error


def keep(file: IO[bytes], target: Target | None, suffix: str = ".wav") -> str | None:
    """Keep a result that could not be written where it was meant to be.

    Args:
        file: that holds it.
        target: where it is tried first; then, and by default, it is a new file in the system's
            folder for temporary files, or, should that be full, in the user's home.
        suffix: of that file.

    Returns:
        where it is; None where it cannot be kept.
    """
    if target is not None:
        with suppress(UnwritableError), target.writing(force=True) as finish, target._one_error():
            file.seek(0)
            shutil.copyfileobj(file, finish.file)
            finish()
            return target.name
    for folder in (tempfile.gettempdir, Path.home):
        with suppress(OSError, RuntimeError):
            handle, path = tempfile.mkstemp(prefix="restored-", suffix=suffix, dir=folder())
            try:
                with os.fdopen(handle, "wb") as copy:
                    file.seek(0)
                    shutil.copyfileobj(file, copy)
            except OSError:
                Path(path).unlink()
                raise
            return path
    return None


@contextmanager
def _beside(real: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A temporary file in the folder of another one; it is gone at the end, unless moved."""
    # a short name: the file's own may be as long as names can be
    temporary = real.with_name(f".dap-{uuid4().hex}.tmp")
    with temporary.open("x+b") as file:  # with the mode that a new file has here
        try:
            yield temporary, file
        finally:
            temporary.unlink(missing_ok=True)


def _write_all(descriptor: int, file: IO[bytes]) -> None:
    while rest := memoryview(file.read(COPY_BYTES)):
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _reserve(descriptor: int, size: int) -> None:
    """Raise OSError where the disk has no room for so many bytes, if it can tell."""
    if not size or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if is_full(error):
            raise


def _descriptor(path: str, dash: int) -> int | None:
    if path == "-":
        return dash
    if match := DESCRIPTOR.fullmatch(path):
        return int(match[1])
    return STANDARD.get(path)


def _status(path: str, descriptor: int | None) -> os.stat_result | None:
    if descriptor is None:
        return Path(path).stat()
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if descriptor >= len(streams):
        return os.fstat(descriptor)
    stream = streams[descriptor]
    if stream is None:
        raise OSError(errno.EBADF, "it is closed")
    try:
        return os.fstat(stream.fileno())
    except (AttributeError, ValueError):  # no stream of the system's: io.UnsupportedOperation
        return None


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
