"""Where the package keeps, for this user, what it can make or fetch again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """XDG_CACHE_HOME/dap, or ~/.cache/dap.

    Raises:
        RuntimeError: this user has no home.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "dap"
