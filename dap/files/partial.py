"""What is done of a restoration that may be stopped: finished parts, beside the result to come."""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from dap import __version__
from dap.errors import DapError, UnwritableError
from dap.store import read_intact, write_text, writing

SUFFIX = ".partial"
MARKS = "marks.json"
# whose versions may change a result's last bits
LIBRARIES = ("noisereduce", "numpy", "pywavelets", "scipy", "soundfile", "soxr", "torch")

log = logging.getLogger("dap")


class Partial:
    """The finished parts of one restoration, a file each, in a folder.

    A part is kept whole or not at all, and is taken up only by a run with the same marks.

    Args:
        folder: `beside` the result.
        marks: all that the result depends on, by the name that the user knows it by.
        resume: whether to go on with what an earlier run left.

    Raises:
        DapError: it is to go on, and what is there is of another recording, other options or
            another version; the message names them.
    """

    def __init__(self, folder: Path, marks: Mapping[str, str], resume: bool):
        self.folder, self.marks = folder, dict(marks)
        self.taken_up = resume and folder.is_dir()
        self.begun = self.taken_up
        self.works = True
        if self.taken_up:
            self._check()
        elif folder.exists():
            log.warning(
                "%s holds what a run that was stopped had done: stop, and give --resume, to go on "
                "with it; it is deleted when the first part of this run is done",
                folder,
            )

    def _check(self) -> None:
        try:
            found = json.loads((self.folder / MARKS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = {}
        differ = sorted(
            name for name in {*found, *self.marks} if found.get(name) != self.marks.get(name)
        )
        if differ:
            raise DapError(
                f"{self.folder} is of another run, and nothing goes on from there: not the same "
                f"are {', '.join(differ)}; put that right, or leave out --resume"
            )

    def load(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of a part; none where it is not done, or its file is torn."""
        return read_intact(self.folder / f"{name}.npz") if self.taken_up else {}

    def save(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep a part that is done; where it cannot be kept, that is said, and no more."""
        if not self.works:
            return
        try:
            if not self.begun:
                self.remove()
                self.folder.mkdir()
                write_text(self.folder / MARKS, json.dumps(self.marks, indent=1))
                self.begun = True
            with writing(self.folder / f"{name}.npz") as path, path.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
        except (OSError, UnwritableError) as error:
            self.works = False
            cause = error.__cause__ or error
            log.warning(
                "%s: cannot be written (%s): the run goes on, and cannot be resumed",
                self.folder,
                getattr(cause, "strerror", None) or cause,
            )

    def remove(self) -> None:
        """Delete the folder, of this run or an earlier one."""
        shutil.rmtree(self.folder, ignore_errors=True)


def beside(target: Path) -> Path:
    """Where the finished parts of a result are kept."""
    return target.with_name(target.name + SUFFIX)


def versions() -> str:
    """That of dap, of its code, and of the libraries that compute."""
    code = hashlib.sha256()
    package = Path(__file__).parents[1]
    for path in sorted(package.rglob("*.[pch]*")):
        if path.suffix in (".py", ".c", ".h"):
            code.update(path.read_bytes())
    found = [f"dap {__version__} {code.hexdigest()[:16]}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
