"""Recordings that were skipped, since they cannot be used: in a file beside a manifest."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from dap.data.names import as_text
from dap.errors import one_line
from dap.store import read_rows, remove, write_rows

SKIPPED = "skipped.csv"
SHOWN = 20  # of many


def write_skipped(manifest: Path, reasons: Mapping[str, str]) -> None:
    """Write which recordings were skipped, or see to it that no earlier list is there.

    Args:
        reasons: why, by recording, its path relative to the corpus's folder.

    Raises:
        UnwritableError: the list cannot be written.
    """
    remove(manifest.parent.glob(f"*{SKIPPED}*"))  # and its seal
    if reasons:
        rows = [
            {"file": as_text(file), "reason": one_line(reason)} for file, reason in reasons.items()
        ]
        write_rows(manifest.with_name(SKIPPED), rows)


def read_skipped(manifests: Iterable[Path]) -> dict[str, str]:
    """Why recordings were skipped, by their names, for what some manifests list."""
    paths = [manifest.with_name(SKIPPED) for manifest in manifests]
    rows = [row for path in paths if path.is_file() for row in read_rows(path)]
    return {row["file"]: row["reason"] for row in rows}


def notes(manifests: Mapping[str, Iterable[str | Path]]) -> list[str]:
    """What tables and the report say of the recordings that were skipped.

    Args:
        manifests: of clips, or of observations for a corpus of noise, by the corpus's title.
    """
    texts = []
    for title, paths in manifests.items():
        if reasons := read_skipped(map(Path, paths)):
            count = "1 recording" if len(reasons) == 1 else f"{len(reasons)} recordings"
            was = "was" if len(reasons) == 1 else "were"
            texts.append(f"{count} of corpus {title} {was} skipped: {_listed(reasons)}.")
    return texts


def none_left(reasons: Mapping[str, str]) -> str:
    """What an error says where all recordings of a corpus would be skipped."""
    return f"none of its {len(reasons)} recordings can be used: {_listed(reasons)}"


def _listed(reasons: Mapping[str, str]) -> str:
    texts = [one_line(f"{file}: {reason}") for file, reason in reasons.items()]
    more = [f"and {len(texts) - SHOWN} more ({SKIPPED})"] if len(texts) > SHOWN else []
    return "; ".join(texts[:SHOWN] + more)
