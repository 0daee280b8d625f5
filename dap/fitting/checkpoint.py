"""What a fit asks of the checkpoint that it is handed: it knows nothing of files."""

from collections.abc import Mapping
from typing import Any, Protocol


class Stateful(Protocol):
    """What has a state: a network, an optimiser, an average, an objective that accumulates."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers and texts, in dictionaries and lists."""

    def load_state_dict(self, state: dict[str, Any], /) -> object:
        """Restore a state in place: compiled layers read parameters where they are."""


class Checkpoint(Protocol):
    """Where the state of one fit is saved, and restored from (`dap.runtime.checkpoints`)."""

    def due(self) -> bool:
        """Whether it is time to save."""

    def save(self, parts: Mapping[str, Stateful], device: str, **values: object) -> None:
        """Save the states of the parts, the random state, and the loop's variables.

        Raises:
            InterruptedFitError: the fit is to end here.
        """

    def values(self) -> dict[str, Any] | None:
        """The loop's variables as they were saved, on the CPU; None where nothing was saved."""

    def resume(self, parts: Mapping[str, Stateful], device: str) -> None:
        """Restore the parts and the random state, if anything was saved."""

    def log(self, message: str, /) -> object:
        """Note what became of the saved state."""
