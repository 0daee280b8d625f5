"""Inputs whose paths Snakemake would take for patterns.

Light on purpose: the Snakefile and every cluster job parse it.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from dap.data.known import RESOURCES
from dap.store import writing


def input_path(path: str) -> str:
    """A path that is none of ours as a rule has to name it among its inputs.

    Snakemake takes {x} in any input for a wildcard, and nothing can be put around it that says
    otherwise. So what has braces is named by a link to it, `resources/links/<digest>/<name>`.

    Raises:
        UnwritableError: the link cannot be made.
    """
    if "{" not in path:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    target = Path(path).absolute()
    name = target.name.replace("{", "_").replace("}", "_")
    link = Path(RESOURCES, "links", digest, name)
    if not (link.is_symlink() and link.readlink() == target):
        with writing(link) as partial:
            partial.symlink_to(target)
            # the time of a link counts, too
            with suppress(FileNotFoundError):
                then = target.stat().st_mtime_ns
                os.utime(partial, ns=(then, then), follow_symlinks=False)
    return link.as_posix()


def relative_input(path: os.PathLike) -> str:
    """A file of the checkout from the working folder, so that moving both makes nothing again."""
    return input_path(os.path.relpath(path))
