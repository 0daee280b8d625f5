"""What a method made of one observation."""

import json
from dataclasses import dataclass

import numpy as np

# the last loss of a fit that has learned anything is at most this share of the first
LEARNED = 0.95
# of a method without a fit, or of a fit that is missing
NO_COST: dict[str, float | int | str] = {
    "parameters": 0,
    "gflop": 0.0,
    "iterations": 0,
    "stopped": 0,
    "seconds": 0.0,
    "device": "cpu",
    "precision": "",
    "engine": "",
    "restarts": 0,
    "failed_iterations": 0,
    "loss_terms": "",
    "warnings": "",
}


@dataclass(frozen=True)
class Restored:
    """What a method made of one observation with one initialisation.

    Attributes:
        selections: by name, (outputs, samples) float32.
        iterations: (snapshots,) int; empty for a method without a trajectory.
        snapshots: (snapshots, outputs, samples) float32.
        losses: (iterations,) float32.
        cost: parameters, gflop (one iteration), iterations, stopped (the iteration of the selection
            "stop"), seconds, device, precision, engine,
            restarts (initialisations that the objective found to have failed before this one),
            failed_iterations (that these took), loss_terms (of the last iterate, as JSON; "" where
            there is one alone), warnings (of the objective about the last iterate).
    """

    selections: dict[str, np.ndarray]
    iterations: np.ndarray
    snapshots: np.ndarray
    losses: np.ndarray
    cost: dict[str, float | int | str]

    @property
    def learned(self) -> bool:
        """Whether the loss has fallen; else the network gives nothing, or all is noise."""
        return not len(self.losses) or self.losses[-1] <= LEARNED * self.losses[0]

    def arrays(self) -> dict[str, np.ndarray]:
        """As named arrays, for one file."""
        named = {f"selection.{name}": array for name, array in self.selections.items()}
        rest = {name: getattr(self, name) for name in ("iterations", "snapshots", "losses")}
        return named | rest | {"cost": np.array(json.dumps(self.cost))}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Restored":
        """The inverse of `arrays`."""
        selections = {
            name.partition(".")[2]: array
            for name, array in arrays.items()
            if name.startswith("selection.")
        }
        rest = {name: arrays[name] for name in ("iterations", "snapshots", "losses")}
        return cls(selections, **rest, cost=json.loads(str(arrays["cost"])))
