"""One GPU a process, on a machine with several."""

import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dap.errors import extra

with extra("workflow"):
    from filelock import FileLock, Timeout


DEVICES = Path("/dev")
WAIT_SECONDS = 1.0
# a lock lasts as long as its object: to the end of the process, however that comes
_held: list[FileLock] = []


def visible() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name.strip() for name in given.split(",") if name.strip()]
    found = [path for path in DEVICES.glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name)]
    return [str(index) for index in range(len(found))]


def claim(say: Callable[[str], None], folder: Path | None = None) -> None:
    """Take a GPU that no other process has claimed, and see no other (CUDA_VISIBLE_DEVICES).

    To be called before CUDA is used. Waits until one is free. Where one alone is visible, or none,
    there is nothing to choose: a scheduler has chosen, and numbers each job's own as 0.

    Args:
        say: told which was taken.
        folder: of the locks; the machine's folder of temporary files by default.
    """
    devices = visible()
    if len(devices) < 2:
        return
    folder = folder or Path(tempfile.gettempdir())
    told = False
    while True:
        for device in devices:
            # any user's process on this machine
            lock = FileLock(folder / f"dap-gpu-{re.sub('[^A-Za-z0-9-]', '-', device)}", mode=0o666)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            _held.append(lock)
            os.environ["CUDA_VISIBLE_DEVICES"] = device
            say(f"takes GPU {device} of {', '.join(devices)}")
            return
        if not told:
            say(f"waits for one of the GPUs {', '.join(devices)}")
            told = True
        time.sleep(WAIT_SECONDS)
