"""What a workflow's job says: to its log file, and to the terminal."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dap.errors import DapError, PluginError


@contextmanager
def job(log: str) -> Iterator[logging.Logger]:
    """Log to a file and to stderr; end with one line instead of a traceback on a `DapError`.

    Of a plugin's error the log has the plugin's traceback, too.
    """
    # where the disk is full, what the log cannot take is still on stderr, without a traceback
    logging.raiseExceptions = False
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        handlers=[logging.FileHandler(log, mode="w"), logging.StreamHandler()],
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
