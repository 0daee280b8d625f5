"""Stopping inside a fit and going on, to the same bits as if it had never stopped.

A checkpoint is one file: a line that says what it is, the fingerprint of all that the fit depends
on, the sha256 of what follows, and that: tensors as PyTorch saves them. It replaces the one before
it whole or not at all, and is loaded only if it is whole and of this very fit; loading it builds
tensors and plain containers, and executes nothing (`weights_only=True`).
"""

import io
import signal
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dap.errors import DapError, InterruptedFitError
from dap.fitting.checkpoint import Stateful
from dap.store import write_bytes

if TYPE_CHECKING:  # a job of a baseline makes no checkpoint, and does without the import
    from torch import Tensor

KIND = b"dap checkpoint 1"
ASIDE = ".set-aside"


class Termination:
    """A context in which SIGTERM is noted, so that fits write their checkpoints and then end.

    A scheduler sends SIGTERM before it takes a machine away (preemption, the time limit, a
    cancelled job), and leaves some seconds until it kills.

    Attributes:
        came: whether it did.
    """

    def __init__(self) -> None:
        self.came = False

    def __enter__(self) -> "Termination":
        self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        # schedulers send it to a job's parts one after the other: a second one would kill the
        # process before it has said what became of the fits
        signal.signal(signal.SIGTERM, signal.SIG_IGN if self.came else self._before)

    def _note(self, number: int, frame: object) -> None:
        self.came = True

    def check(self) -> None:
        """To be called before a fit begins.

        Raises:
            InterruptedFitError: SIGTERM came.
        """
        if self.came:
            raise InterruptedFitError("stopped by SIGTERM before the next fit; run it again")


class Checkpoint:
    """The checkpoint of one fit.

    Args:
        path: of the file.
        mark: fingerprint of all that the fit depends on (`dap.fitting.method.fingerprint`).
        seconds: wall time between two; 0 for no checkpoints.
        log: told what was taken up, set aside, or could not be written.
        termination: ends the fit, once it is written.
    """

    def __init__(
        self,
        path: Path,
        mark: str,
        seconds: float,
        log: Callable[[str], None],
        termination: Termination | None = None,
    ):
        self.path, self.mark, self.seconds, self.log = path, mark, seconds, log
        self.termination = termination or Termination()
        self.written = time.monotonic()

    def due(self) -> bool:
        """Whether it is time to write."""
        if not self.seconds:
            return False
        return self.termination.came or time.monotonic() - self.written >= self.seconds

    def save(self, parts: Mapping[str, Stateful], device: str, **values: object) -> None:
        """Write the states of the parts, the random state, and the loop's own values.

        A file that cannot be written (a full disk) is said and no more: the fit goes on.

        Args:
            parts: by name.
            device: the fit's.
            values: tensors, numbers, texts, and lists of them.

        Raises:
            InterruptedFitError: SIGTERM came; the checkpoint lies there.
        """
        import torch

        state: dict[str, Any] = {"parts": {name: part.state_dict() for name, part in parts.items()}}
        state |= {"random": _random(device), "values": values}
        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getvalue()
        head = b"\n".join([KIND, self.mark.encode(), sha256(content).hexdigest().encode(), b""])
        outcome = f"its state is kept in {self.path}, and the next run goes on from there"
        try:
            write_bytes(self.path, head + content)
        except DapError as error:
            self.log(f"no checkpoint: {error}")
            outcome = "its state could not be written, and what came since the last one is lost"
        self.written = time.monotonic()
        if self.termination.came:
            raise InterruptedFitError(f"the fit was stopped by SIGTERM: {outcome}")

    def values(self) -> dict[str, Any] | None:
        """The loop's own values as they were saved.

        Returns:
            the values, on the CPU; None where there is nothing to go on from.
        """
        state = self._load()
        return state and state["values"]

    def resume(self, parts: Mapping[str, Stateful], device: str) -> None:
        """Put the parts and the random state where the file left them, if there is one."""
        state = self._load()
        if state is None:
            return
        import torch

        for name, part in parts.items():
            part.load_state_dict(state["parts"][name])
        torch.set_rng_state(state["random"]["cpu"])
        if "cuda" in state["random"]:
            torch.cuda.set_rng_state(state["random"]["cuda"], device)

    def _load(self) -> dict[str, Any] | None:
        """What was saved; None where there is nothing.

        A file that is torn, or of another fit, is renamed (`.set-aside`), said, and not loaded.
        """
        if not self.seconds or not self.path.is_file():
            return None
        kind, mark, digest, content = (*self.path.read_bytes().split(b"\n", 3), b"", b"", b"")[:4]
        wrong = ""
        if kind != KIND or sha256(content).hexdigest().encode() != digest:
            wrong = "it is torn, or no checkpoint"
        elif mark.decode(errors="replace") != self.mark:
            wrong = "it is of other code, options, data or versions"
        if wrong:
            aside = self.path.with_name(self.path.name + ASIDE)
            self.path.replace(aside)
            self.log(f"checkpoint set aside as {aside}, and the fit starts anew: {wrong}")
            return None
        import torch

        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)

    def age(self) -> int:
        """When the file was written, in ns; 0 where there is none."""
        return self.path.stat().st_mtime_ns if self.path.is_file() else 0

    def files(self) -> list[Path]:
        """What it may have left."""
        return [self.path, self.path.with_name(self.path.name + ASIDE)]


def _random(device: str) -> "dict[str, Tensor]":
    import torch

    cuda = {"cuda": torch.cuda.get_rng_state(device)} if device.startswith("cuda") else {}
    return {"cpu": torch.get_rng_state()} | cuda
