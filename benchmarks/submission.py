"""`python -m benchmarks.submission`: jobs that do nothing, through a SLURM cluster on this machine.

The study of `benchmarks.scale`, whose scripts only touch their outputs, is submitted through the
profile: how many jobs are submitted a second while none can start, and how long one takes that has
nothing to do. It starts the cluster of the tests, so it needs root, and SLURM installed.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from benchmarks.scale import ROOT, checkout

sys.path.insert(0, str(ROOT / "tests" / "helpers"))

import slurm
from cluster_run import SUBMIT

NOTHING = "from pathlib import Path\n\nfor path in snakemake.output:\n    Path(path).touch()\n"


def start(folder: Path, targets: list[str]) -> subprocess.Popen:
    """Submit targets; what Snakemake says goes to output.txt."""
    command = [sys.executable, "-m", "snakemake", *SUBMIT, *targets, "--configfile", "study.yaml"]
    with (folder / "output.txt").open("w") as output:
        return subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)


def main() -> None:
    """Print the rate, and the seconds of a job."""
    if slurm.missing():
        sys.exit(slurm.missing())
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as study_folder:
        cluster, folder = slurm.Cluster(Path(name)), Path(study_folder)
        checkout(folder, 1, 1000)
        for script in ("clips", "observations", "fit"):
            (folder / "workflow" / "scripts" / f"{script}.py").write_text(NOTHING)
        chunks = [f"{k:03d}" for k in range(asked.jobs)]
        before = [
            f"results/scale/observations/denoise/synthetic-0/{chunk}/manifest.csv"
            for chunk in chunks
        ]
        fits = [
            f"results/scale/fits/denoise/synthetic-0/conv/{chunk}/manifest.csv" for chunk in chunks
        ]
        local = [sys.executable, "-m", "snakemake", *before, "--configfile", "study.yaml"]
        subprocess.run([*local, "--cores", "2", "--quiet", "all"], cwd=folder, check=True)
        try:
            cluster.start()
            for node in slurm.NODES:
                said = f"NodeName={node}", "State=DRAIN", "Reason=benchmark"
                cluster.ask("scontrol", "update", *said)
            begun = time.perf_counter()
            process = start(folder, fits)
            cluster.until(lambda: len(cluster.jobs()) >= 1, "the first job")
            first = time.perf_counter()
            cluster.until(lambda: len(cluster.jobs()) == asked.jobs, "all jobs", 300)
            rate = (asked.jobs - 1) / (time.perf_counter() - first)
            print(f"first job submitted after {first - begun:.1f} s; then {rate:.1f} jobs a second")
            process.kill()
            process.wait()
            cluster.cancel_all()
            for node in slurm.NODES:
                cluster.ask("scontrol", "update", f"NodeName={node}", "State=RESUME")
            process = start(folder, ["--nolock", *fits[:1]])
            process.wait(120)
            (job,) = cluster.jobs("rule_fit", "COMPLETED")
            fields = cluster.describe(job)
            ends = [datetime.fromisoformat(fields[key]) for key in ("StartTime", "EndTime")]
            print(f"a job that does nothing: {(ends[1] - ends[0]).seconds} s on this machine")
            said = (folder / "output.txt").read_text()
            print(*re.findall(r"Elapsed time: \S+", said))
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
