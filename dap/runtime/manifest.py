"""The manifest of what a method made of a chunk's observations, and the files that it lists."""

from collections.abc import Sequence
from pathlib import Path

from dap.fitting.restored import NO_COST, Restored
from dap.store import estimate_file, fit_name, write_signal


def estimate_rows(
    folder: Path,
    clip: str,
    seed: int,
    restored: Restored,
    *,
    outputs: Sequence[str],
    sample_rate: int,
    made: dict,
) -> list[dict]:
    """Write the estimates of one clip and initialisation; a row for each.

    Args:
        folder: of the manifest.
        outputs: the names of the signals of an estimate, in order.
        made: what made them (`dap.runtime.provenance.made`).

    Raises:
        UnwritableError: a file cannot be written.
    """
    rows = []
    for selection, signals in restored.selections.items():
        iteration = restored.cost["stopped" if selection == "stop" else "iterations"]
        for output, signal in zip(outputs, signals, strict=True):
            file = estimate_file(fit_name(clip, seed), output, selection)
            digest = write_signal(folder / file, signal, sample_rate)
            rows.append(
                {
                    "clip": clip,
                    "seed": seed,
                    "selection": selection,
                    "output": output,
                    "file": file,
                    "sha256": digest,
                    "iteration": iteration,
                    "loss": restored.losses[-1] if len(restored.losses) else "",
                    **restored.cost,
                    **made,
                    "missing": "",
                }
            )
    return rows


def missing_row(clip: str, seed: int, reason: str, *, device: str, made: dict) -> dict:
    """The row of a clip and initialisation that could not be restored, and why."""
    return {
        "clip": clip,
        "seed": seed,
        **dict.fromkeys(("selection", "output", "file", "sha256"), ""),
        "iteration": 0,
        "loss": "",
        **NO_COST,
        "device": device,
        **made,
        "missing": reason,
    }
