"""Archives of the known corpora, and trained weights: fetched, resumed and verified, in one folder.

pooch streams, tenacity repeats with growing pauses, filelock keeps two runs apart; what is ours is
where to go on. Beside an archive lie `<archive>.part`, what has come so far, with
`<archive>.part.etag`, which version it is a part of; `<archive>.wrong`, one that did not pass; and
where no checksum is published `<archive>.sha256`, that of its first download.
"""

import logging
import shutil
import sys
import time
from pathlib import Path
from typing import BinaryIO

import pooch
import requests
import tenacity
from filelock import FileLock, Timeout
from tqdm import tqdm

from dap.data.fetch.checksums import ChecksumError, verify
from dap.errors import DapError

LINE_SECONDS = 30.0
CHUNK_BYTES = 2**16
# seconds to connect, and seconds without a byte
TIMEOUT = (20.0, 60.0)
# attempts in a row that bring nothing, and the first pause between them in seconds
ATTEMPTS, PAUSE, LONGEST_PAUSE = 5, 1.0, 30.0
# how gzip, bzip2 and zip files begin: what else a server sends is no archive
BEGINNINGS = (b"\x1f\x8b", b"BZh", b"PK\x03\x04")
# statuses that may pass
BUSY = (408, 425, 429, 500, 502, 503, 504)
UNSATISFIABLE = 416
NO_PART = "the server has no rest to the part; starting anew"


def fetch(
    sources: list[dict],
    folder: Path,
    log: logging.Logger,
    *,
    instead: str = "add --config mirror=PATH with a folder that holds it",
) -> tuple[dict, list[dict]]:
    """Have all archives of the first source that can be had in `folder`, verified.

    Args:
        sources: each with `archives`: file, url, and bytes, sha256 or md5 where published;
            `packed: False` where it is not packed, and may begin with any bytes.
        instead: what else can be done where none can be had, for the message.

    Returns:
        The source, and for each of its archives: file (its path), url, sha256, checked.

    Raises:
        DapError: none can be had; the message says why for each, and the remedy.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reasons = []
    for source in sources:
        try:
            return source, [_obtained(archive, folder, log) for archive in source["archives"]]
        except DapError as error:
            reasons.append(str(error))
            if source is not sources[-1]:  # the last one's is in the error
                log.warning("%s", error)
    raise DapError(
        f"{'; '.join(reasons)}. Run it again, which goes on where it was cut; or put the archive "
        f"into {folder}; or {instead}"
    )


def from_mirror(
    source: dict, files: list[str], folder: Path, log: logging.Logger
) -> tuple[dict, list[dict]]:
    """The same of archives that lie in the user's mirror: verified, and read where they are.

    A mirror's archive may have a lock file of its own beside it (see `verify`).

    Raises:
        DapError: one is not what it should be.
    """
    rows = []
    for archive, file in zip(source["archives"], map(Path, files), strict=True):
        name = f"{archive['file']}.sha256"
        locks = {"lock": folder / name, "mirror_lock": file.with_name(name)}
        verification = verify(file, archive, **locks, log=log)
        rows.append({"file": str(file), "url": archive["url"], **verification})
    return source, rows


def _obtained(archive: dict, folder: Path, log: logging.Logger) -> dict:
    path = folder / archive["file"]
    lock = FileLock(folder / f".{path.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("%s: another run downloads it; waiting", path)
        lock.acquire()
    try:
        if path.is_file():
            verification = _verified(path, archive, path, log)
        else:
            verification = _download(archive, path, log)
    finally:
        lock.release()
    return {"file": str(path), "url": archive["url"], **verification}


def _download(archive: dict, path: Path, log: logging.Logger) -> dict[str, str]:
    """Bring the archive to `path`, once it is whole and has passed: what it was checked by."""
    part = path.with_name(f"{path.name}.part")
    transfer = Transfer(archive, part, log)
    transfer.run()
    with part.open("rb") as file:
        beginning = file.read(4)
    if archive.get("packed", True) and not beginning.startswith(BEGINNINGS):
        _set_aside(part, path, log)
        raise DapError(
            f"{archive['url']}: sent {beginning!r}..., which is no archive; kept as {path}.wrong"
        )
    verification = _verified(part, archive, path, log)
    part.replace(path)
    transfer.etag.unlink(missing_ok=True)
    return verification


def _verified(file: Path, archive: dict, path: Path, log: logging.Logger) -> dict[str, str]:
    lock = path.with_name(f"{path.name}.sha256")
    try:
        return verify(file, archive, lock=lock, log=log)
    except ChecksumError as error:
        _set_aside(file, path, log)
        raise DapError(f"{error} (kept as {path}.wrong)") from error


def _set_aside(file: Path, path: Path, log: logging.Logger) -> None:
    wrong = path.with_name(f"{path.name}.wrong")
    if wrong.exists():
        log.warning("%s: replaces an earlier one", wrong)
    file.replace(wrong)
    path.with_name(f"{path.name}.part.etag").unlink(missing_ok=True)


class Transfer:
    """One archive on its way into its `.part`.

    Args:
        archive: file, url, and bytes where known.
        part: what has come so far, by this or an earlier process.
    """

    def __init__(self, archive: dict, part: Path, log: logging.Logger):
        self.archive, self.part, self.log = archive, part, log
        self.url = archive["url"]
        self.etag = part.with_name(f"{part.name}.etag")
        self.total = archive.get("bytes")
        self.vain = 0

    def run(self) -> None:
        """Fetch until the part is whole.

        Raises:
            DapError: the server refuses, or nothing more has come in several attempts.
        """
        try:
            tenacity.Retrying(
                retry=tenacity.retry_if_exception(_may_pass),
                stop=lambda state: self.vain >= ATTEMPTS,
                wait=lambda state: min(LONGEST_PAUSE, PAUSE * 2**self.vain),
                before_sleep=self._tell,
                reraise=True,
            )(self._attempt)
        except requests.RequestException as error:
            if not _may_pass(error):
                raise DapError(f"{self.url}: {_short(error)}") from error
            size = self.part.stat().st_size if self.part.is_file() else 0
            raise DapError(
                f"{self.url}: {ATTEMPTS} attempts in a row brought nothing ({_short(error)}); "
                f"{size} bytes are kept in {self.part}"
            ) from error
        except OSError as error:  # the disk: requests' own are caught above
            raise DapError(f"{self.part}: cannot be written: {error}") from error

    def _attempt(self) -> None:
        with self.part.open("ab") as file:
            start = file.tell()
            if self.total is not None and start == self.total:
                return
            try:
                self._stream(file, start)
                if self.total is not None and file.tell() < self.total:
                    # an answer of no stated length ends like this when the connection breaks
                    raise requests.exceptions.ChunkedEncodingError("it ends early")
            except requests.RequestException:
                file.flush()
                self.vain = 0 if file.tell() > start else self.vain + 1
                raise
            if self.total is not None and file.tell() > self.total:
                raise DapError(
                    f"{self.url}: sent {file.tell()} bytes, and {self.total} were expected: it is "
                    "not the published archive"
                )

    def _stream(self, file: BinaryIO, start: int) -> None:
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if self.etag.is_file():
                # the rest, if it is still the same file, and all of it otherwise
                headers["If-Range"] = self.etag.read_text(encoding="utf-8")
        meter = Meter(self.archive["file"], file, self.log)
        download = pooch.HTTPDownloader(
            progressbar=meter,
            chunk_size=CHUNK_BYTES,
            headers=headers,
            timeout=TIMEOUT,
            hooks={"response": lambda answer, **_: self._examine(answer, file, meter)},
        )
        try:
            download(self.url, file, None)
        except requests.HTTPError as error:
            if error.response.status_code != UNSATISFIABLE or not start:
                raise
            # nothing follows: it is whole, or it is a part of another file
            size = error.response.headers.get("Content-Range", "").rpartition("/")[2]
            if size != str(start):
                self._restart(file)
                raise requests.ConnectionError(NO_PART) from error
        finally:
            meter.close()

    def _examine(self, answer: requests.Response, file: BinaryIO, meter: "Meter") -> None:
        """Before its body is read, see whether an answer goes on where the part ends."""
        if answer.is_redirect or not answer.ok:
            return
        # the label that some servers give every .gz, by which requests would unpack it
        answer.raw.headers.pop("Content-Encoding", None)
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in ("text/html", "application/xhtml+xml"):
            raise DapError(f"{answer.url}: sent a web page ({kind}), not the archive")
        start = answer.headers.get("Content-Range", "").partition("bytes ")[2].partition("-")[0]
        if answer.status_code == 206 and start != str(file.tell()):
            self._restart(file)
            raise requests.ConnectionError(NO_PART)
        if file.tell() and answer.status_code != 206:
            self.log.info("%s: the server sends all of it again", self.part)
            self._restart(file)
        length = answer.headers.get("Content-Length", "")
        if length.isdigit():
            total = file.tell() + int(length)
            if self.archive.get("bytes", total) != total:
                raise DapError(
                    f"{self.url}: the server has {total} bytes, and {self.archive['bytes']} are "
                    "expected: it is not the published archive"
                )
            free = shutil.disk_usage(self.part.parent).free
            if free < int(length):
                raise DapError(
                    f"{self.part}: {length} bytes are to come, and the disk has {free} left"
                )
            self.total = meter.size = total
        etag = answer.headers.get("ETag", "")
        # a weak one names no bytes, and a date is right to the second
        if etag and not etag.startswith("W/"):
            self.etag.write_text(etag, encoding="utf-8")
        else:
            self.etag.unlink(missing_ok=True)

    def _restart(self, file: BinaryIO) -> None:
        file.truncate(0)
        file.seek(0)
        self.total = self.archive.get("bytes")

    def _tell(self, state: tenacity.RetryCallState) -> None:
        # tenacity calls this after an attempt that raised, before it sleeps
        assert state.outcome is not None
        assert state.next_action is not None
        error, pause = state.outcome.exception(), state.next_action.sleep
        assert error is not None
        self.log.info("%s: %s; again in %.1f s", self.archive["file"], _short(error), pause)


def _may_pass(error: BaseException) -> bool:
    """Whether to ask again: not where the server has said no."""
    if isinstance(error, requests.HTTPError):
        return error.response.status_code in BUSY
    permanent = (requests.TooManyRedirects, requests.exceptions.InvalidURL)
    return isinstance(error, requests.RequestException) and not isinstance(error, permanent)


def _short(error: BaseException) -> str:
    if isinstance(error, requests.HTTPError):
        return f"the server says {error.response.status_code}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return "the server sends nothing"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    if error.args == (NO_PART,):
        return NO_PART
    if isinstance(error, requests.TooManyRedirects):
        return "the server redirects for ever"
    return f"no connection ({type(error).__name__})"


class Meter:
    """How far a download is: a bar on a terminal, else a line of the log now and then.

    It has the attributes that pooch asks of a progress bar, and goes by the file's size.
    """

    def __init__(self, name: str, file: BinaryIO, log: logging.Logger):
        self.name, self.file, self.log = name, file, log
        self.size: int | None = None
        self.total = 0
        self.begun = self.told = time.monotonic()
        self.start = file.tell()
        self.bar: tqdm = tqdm(
            desc=name,
            initial=self.start,
            disable=not sys.stderr.isatty(),
            unit="B",
            unit_scale=True,
            dynamic_ncols=True,
        )

    def update(self, _: int) -> None:
        """Say it, if it is time."""
        done, now = self.file.tell(), time.monotonic()
        self.bar.total = self.size
        self.bar.update(done - self.bar.n)
        if self.bar.disable and now - self.told >= LINE_SECONDS:
            self.told = now
            self.log.info(
                tqdm.format_meter(
                    done,
                    self.size or 0,  # of unknown size
                    now - self.begun,
                    initial=self.start,
                    prefix=self.name,
                    unit="B",
                    unit_scale=True,
                    ascii=True,
                    ncols=100,
                )
            )

    def reset(self) -> None:
        """Nothing: pooch fills its bar at the end by this."""

    def close(self) -> None:
        """Take the bar from the terminal."""
        self.bar.close()
