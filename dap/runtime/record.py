"""The record of a finished chunk: what it was made of, its files, and the seconds that it took."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dap.data.skipped import SKIPPED
from dap.store import fit_name, read_entries, read_rows, seal, seal_of, sha256, write_text
from dap.study.paths import FIRST, PRODUCTS, Names, Paths, names
from dap.study.plan import took
from dap.study.records import FORM


def write_record(
    record: Path,
    made: Mapping[str, Any],
    *,
    clips: Iterable[Path],
    observations: Path,
    fits: Path,
    scores: Path,
    others: Iterable[Path],
) -> None:
    """Write the record of one method on one chunk, sealed.

    Of the sounds, the files of a part are those of the first clip of the study's first chunk, which
    figures and the report show: clean, observed, and as the method restored it at last.

    Args:
        made: setup and code (`dap.study.records.made_of`).
        clips, observations, fits, scores: the chunk's manifests, and its scores.
        others: further files of the chunk: its losses, and trajectories that a figure shows.

    Raises:
        DapError: a file is torn, or cannot be written.
    """
    chunk = names("records", record)
    root = record.parents[PRODUCTS["records"].count("/")]  # the folder of the results
    shown = _shown(chunk, clips, observations, fits)
    manifests = [*clips, observations, fits]
    files = [*manifests, scores, *others, *shown]
    files += [path.with_name(SKIPPED) for path in manifests]
    files += [seal_of(path) for path in files]
    timing = took(Paths(str(root)), chunk)
    content = {
        "form": FORM,
        "chunk": chunk._asdict(),
        **made,
        "data": _data(chunk, clips, observations),
        "cpu": timing.cpu,
        "seconds": round(timing.seconds, 3),
        "files": {
            path.relative_to(root).as_posix(): sha256(path)
            for path in sorted(set(files))
            if path.is_file()
        },
    }
    write_text(record, json.dumps(content, indent=1, sort_keys=True) + "\n")
    seal(record)


def _data(chunk: Names, clips: Iterable[Path], observations: Path) -> dict[str, dict[str, str]]:
    """Digests of the chunk's clean clips and observations."""
    data: dict[str, dict[str, str]] = {}
    for manifest in clips:
        rows = read_rows(manifest)
        corpus = names("clips", manifest).corpus
        data |= {f"clips/{corpus}/{row['clip']}": {"wav": row["sha256"]} for row in rows}
    for row in read_rows(observations):
        digests = {"wav": row["sha256"], "known": row["known_sha256"]}
        data[f"observations/{chunk.experiment}/{chunk.corpus}/{row['clip']}"] = digests
    return data


def _shown(chunk: Names, clips: Iterable[Path], observations: Path, fits: Path) -> list[Path]:
    """The sounds of the clip that is shown."""
    observed = next(iter(read_entries(observations)), None)
    if chunk.chunk != FIRST or observed is None:
        return []
    files = [observed.folder / observed.row[key] for key in ("file", "known") if observed.row[key]]
    wanted = set(observed.row["sources"].split(" "))
    for manifest in clips:
        corpus = names("clips", manifest).corpus
        for entry in read_entries(manifest):
            if f"{corpus}/{entry.row['clip']}" in wanted:
                files.append(entry.folder / entry.row["file"])
    estimates = fit_name(observed.row["clip"], 0)
    # what `observed` gives is the observation
    for entry in read_entries(fits) if chunk.method != "observed" else []:
        of = fit_name(entry.row["clip"], entry.row["seed"])
        if of == estimates and entry.row["selection"] == "last":
            files.append(entry.folder / entry.row["file"])
    return files
