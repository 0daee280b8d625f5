"""Running a baseline on the observations of one chunk."""

import logging
from pathlib import Path

from dap.errors import DapError, PluginError
from dap.fitting.baseline import restore
from dap.observation import Observation
from dap.runtime.manifest import estimate_rows, missing_row
from dap.runtime.provenance import made
from dap.store import discard_partial, read_entries, write_rows
from dap.tasks import TASKS


def restore_chunk(
    observations: Path,
    manifest: Path,
    log: logging.Logger,
    *,
    method: str,
    task: str,
    sample_rate: int,
    threads: int,
    missing: str,
) -> None:
    """Restore every observation, and write the estimates and, at last, their manifest.

    Args:
        observations: the manifest of the chunk's observations.
        manifest: to be written.
        threads: that the job has, for the manifest.
        missing: what comes of a clip that cannot be restored: "report" makes it a row that says
            why, "fail" an error.

    Raises:
        DapError: a file is torn, or cannot be written; or a clip cannot be restored.
    """
    discard_partial(manifest.parent)
    made_by = made(threads)
    rows, failures = [], []
    for entry in read_entries(observations):
        clip = entry.row["clip"]
        observation = Observation(entry.signal(), entry.known(), sample_rate=sample_rate)
        try:
            restored = restore(method, task, observation)
        except DapError as error:
            if isinstance(error, PluginError):
                log.error(error.trace)
            failures.append(f"clip {clip}, {method}: {error}")
            log.error(failures[-1])
            rows.append(missing_row(clip, 0, str(error), device="cpu", made=made_by))
            continue
        except Exception as error:
            error.add_note(f"clip {clip}, {method}")
            raise
        log.info("%s %s: %.3f s", method, clip, restored.cost["seconds"])
        rows += estimate_rows(
            manifest.parent,
            clip,
            0,
            restored,
            outputs=TASKS[task].outputs,
            sample_rate=sample_rate,
            made=made_by,
        )
    if failures and missing == "fail":
        raise DapError(f"{len(failures)} clips of this chunk failed: {'; '.join(failures)}")
    write_rows(manifest, rows)
