"""What a workflow's job reads, by name, and says: to its log file, and to the terminal."""

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from dap.errors import DapError, PluginError


@contextmanager
def job(log: str) -> Iterator[logging.Logger]:
    """Log to a file and to stderr; on an error, log it and end the process with status 1.

    A `DapError` is one line without a traceback, but for that of a plugin.
    """
    # where the disk is full, what the log cannot take is still on stderr, without a traceback
    logging.raiseExceptions = False
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        handlers=[
            # a recording's name may be no text
            logging.FileHandler(log, mode="w", encoding="utf-8", errors="backslashreplace"),
            logging.StreamHandler(),
        ],
    )
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # names every glyph of a figure
    logger = logging.getLogger("dap")
    try:
        yield logger
    except DapError as error:
        if isinstance(error, PluginError):
            logger.error(error.trace)
        logger.error("error: %s", error)
        sys.exit(1)
    except Exception:
        logger.exception("this should not happen")
        sys.exit(1)


class NamedFiles(Protocol):
    """The files of a Snakemake job by their names in the rule, one or several each."""

    def items(self) -> Iterable[tuple[str, Iterable[str]]]:
        """Names and files."""


def by_name(files: NamedFiles) -> dict[str, list[Path]]:
    """The input files of a job by their names in the rule, each a list of files."""
    return {name: [Path(path) for path in paths] for name, paths in files.items()}
