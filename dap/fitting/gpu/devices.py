"""One GPU a process, on a machine with several."""

import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

DEVICES = Path("/dev")
WAIT_SECONDS = 1.0
# a lock lasts as long as its object: until the process ends, in whatever way
_locks: list[FileLock] = []


def visible() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    if names is not None:
        return [name.strip() for name in names.split(",") if name.strip()]
    files = [path for path in DEVICES.glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name)]
    return [str(index) for index in range(len(files))]


def claim(log: Callable[[str], None], folder: Path | None = None) -> None:
    """Take a GPU that no other process has claimed, and see no other (CUDA_VISIBLE_DEVICES).

    To be called before CUDA is used. Waits until a GPU is free. Where at most one is visible, there
    is nothing to choose: a scheduler has chosen, and every job sees its GPU as number 0.

    Args:
        log: called with a line about the GPU that was taken, or the wait for one.
        folder: of the locks; the machine's folder of temporary files by default.
    """
    devices = visible()
    if len(devices) < 2:
        return
    folder = folder or Path(tempfile.gettempdir())
    waiting = False
    while True:
        for device in devices:
            # any user's process on this machine
            lock = FileLock(folder / f"dap-gpu-{re.sub('[^A-Za-z0-9-]', '-', device)}", mode=0o666)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            _locks.append(lock)
            os.environ["CUDA_VISIBLE_DEVICES"] = device
            log(f"takes GPU {device} of {', '.join(devices)}")
            return
        if not waiting:
            log(f"waits for one of the GPUs {', '.join(devices)}")
            waiting = True
        time.sleep(WAIT_SECONDS)
