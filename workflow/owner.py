"""Is a run of the workflow in this folder still alive? Exits with 1, and says which, if one is.

`make resume` unlocks the folder only after this: two runs in one folder spoil each other's files.
A run notes its process in .snakemake/owner.json; on this machine all processes are looked at, too,
since the jobs of a killed run may outlive it.
"""

import json
import socket
import sys
from pathlib import Path

import psutil


def living(folder: Path) -> list[str]:
    """Descriptions of the processes that still work on `folder`."""
    descriptions = []
    note = folder / ".snakemake" / "owner.json"
    if note.is_file():
        try:
            owner = json.loads(note.read_text(encoding="utf-8"))
            host, pid = owner["host"], owner["pid"]
        except (KeyError, TypeError, ValueError):
            host, pid = "(unreadable)", "(unreadable)"
        if host != socket.gethostname():
            descriptions.append(
                f"process {pid} on {host}: that machine cannot be looked at from "
                f"here; if the run is over, delete {note} and try again"
            )
    own_processes = {psutil.Process().pid, *(process.pid for process in psutil.Process().parents())}
    for process in psutil.process_iter(["pid", "cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if process.pid in own_processes or "snakemake" not in command or "python" not in command:
            continue
        try:
            if Path(process.cwd()) == folder:
                descriptions.append(f"process {process.pid}: {command[:120]}")
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return descriptions


if __name__ == "__main__":
    alive = living(Path.cwd().resolve())
    if alive:
        print("a run in this folder is still alive, so it stays locked:", *alive, sep="\n  ")
        sys.exit(1)
