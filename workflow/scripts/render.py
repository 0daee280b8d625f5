"""Render the solos of a sound font, and list them as if they had been unpacked."""

import json
import subprocess
from pathlib import Path

from dap.data.known import folder
from dap.data.sound_font import find, render
from dap.runtime.joblog import job
from dap.store import sha256, write_bytes, write_rows

SOLOS = 80  # of an instrument: fifty to train on, and thirty to test

with job(snakemake.log[0]) as log:
    index, origin = Path(snakemake.output.index), Path(snakemake.output.origin)
    font = find(snakemake.params.font)
    where = folder(snakemake.wildcards.archive)
    rows = render(font, Path(where), SOLOS)
    version = subprocess.run(["fluidsynth", "--version"], capture_output=True, text=True).stdout
    program = next((line for line in version.splitlines() if "FluidSynth" in line), "FluidSynth")
    made = f"{program.strip()}, the sound font's sha256 is {sha256(font)}"
    total = sum(row["bytes"] for row in rows)
    archives = [{"file": str(font), "checked": made}]
    contents = {"folder": where, "archives": archives, "recordings": len(rows), "bytes": total}
    write_bytes(origin, f"{json.dumps(contents, indent=2)}\n".encode())
    write_rows(index, rows)
    log.info("%s: %d recordings, %d bytes", where, len(rows), total)
