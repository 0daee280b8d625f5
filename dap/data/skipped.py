"""Recordings that gave no clip, since they cannot be used: in a file beside the clips' manifest."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from dap.data.names import folded
from dap.errors import DapError, one_line
from dap.store import read_rows, write_rows

SKIPPED = "skipped.csv"


def write_skipped(manifest: Path, rows: Sequence[dict]) -> None:
    """Write which recordings were skipped, or see to it that no earlier list is there.

    Args:
        rows: file, reason, and the clip that took its place.
    """
    path = manifest.with_name(SKIPPED)
    if rows:
        write_rows(path, [dict(row) for row in rows])
    else:
        path.unlink(missing_ok=True)


def read_skipped(manifests: Iterable[Path]) -> dict[str, str]:
    """Why recordings were skipped, by their names, for the clips of some manifests."""
    paths = [manifest.with_name(SKIPPED) for manifest in manifests]
    rows = [row for path in paths if path.is_file() for row in read_rows(path)]
    return {row["file"]: row["reason"] for row in rows}


def notes(clips: Mapping[str, Iterable[str | Path]]) -> list[str]:
    """What tables and the report say of the recordings that were skipped.

    Args:
        clips: manifests by the title of their corpus.
    """
    texts = []
    for title, manifests in clips.items():
        skipped = read_skipped(map(Path, manifests))
        many = "1 recording" if len(skipped) == 1 else f"{len(skipped)} recordings"
        was = "was" if len(skipped) == 1 else "were"
        each = "; ".join(one_line(f"{file}: {reason}") for file, reason in skipped.items())
        if skipped:
            texts.append(f"{many} of corpus {title} {was} skipped: {each}.")
    return texts


def check_replaced(manifests: Iterable[Path], clips: Collection[str]) -> None:
    """See to it that no clip that took another's place is by now one of the corpus's own.

    Args:
        manifests: of the corpus's chunks, those that are there.
        clips: the ids that the study draws.

    Raises:
        DapError: one is; the message says what to delete.
    """
    drawn = set(map(folded, clips))
    for manifest in manifests:
        path = manifest.with_name(SKIPPED)
        for row in read_rows(path) if path.is_file() else ():
            if folded(row["clip"]) in drawn:
                raise DapError(
                    f"{manifest}: the clip {row['clip']} stands in for a recording that cannot be "
                    "used, and the study draws it for another chunk now; delete "
                    f"{manifest.parent} and run Snakemake again"
                )
