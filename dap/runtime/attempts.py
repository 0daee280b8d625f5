"""What a chunk's jobs remember of fits that were begun and never ended.

A job that is killed (by the memory limit, say) can say nothing. So each fit is noted before it
begins, and the note goes when it ends. A fit whose notes show that job after job died of it goes
last, so that it harms no other clip, and can be given up in the end.
"""

import json
from contextlib import suppress
from pathlib import Path

from dap.errors import UnwritableError
from dap.store import write_text


class Attempts:
    """The notes of one chunk, in one file.

    Args:
        path: of the file; what cannot be read counts as empty.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self.notes = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.notes = {}

    def deaths(self, name: str, mark: str, progress: int) -> int:
        """How many jobs died of a fit, one after the other.

        Args:
            mark: the fit's fingerprint; notes of another are void.
            progress: of what was kept of it: a number that grows. A fit that has come further since
                it began, when it was killed, did not die of itself: a machine failed.
        """
        note = self.notes.get(name, {})
        same = (note.get("mark"), note.get("progress")) == (mark, progress)
        return note["begun"] if same else 0

    def begin(self, name: str, mark: str, progress: int) -> None:
        """Note that a fit begins."""
        begun = self.deaths(name, mark, progress) + 1
        self.notes[name] = {"mark": mark, "begun": begun, "progress": progress}
        self._write()

    def failed(self, name: str, mark: str, reason: str) -> None:
        """Note that a fit ended in an error that it would end in again."""
        self.notes[name] = {"mark": mark, "reason": reason}
        self._write()

    def reason(self, name: str, mark: str) -> str:
        """The error that a fit ended in, or ""."""
        note = self.notes.get(name, {})
        return note.get("reason", "") if note.get("mark") == mark else ""

    def end(self, name: str) -> None:
        """A fit has ended, or was stopped in good order."""
        if self.notes.pop(name, None):
            self._write()

    def _write(self) -> None:
        with suppress(UnwritableError):  # what the job is for will say that the disk is full
            write_text(self.path, json.dumps(self.notes))
