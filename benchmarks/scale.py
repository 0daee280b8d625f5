"""`python -m benchmarks.scale`: what Snakemake needs to plan a study of 20,000 fits.

A study of synthetic clips, 5 corpora of 1,000 clips and 4 designs, is planned (a dry run) for
several sizes of chunks: jobs, seconds, and the peak memory of Snakemake.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
METHODS = ["conv", "dilated", "dilated-exp", "dilated-exp-dense"]


def study(clips_per_job: int, clips: int) -> dict:
    """A study of 5 corpora."""
    corpora = {
        f"synthetic-{k}": {"title": f"synthetic speech {k}", "synthetic": "speech", "samples": 2048}
        for k in range(5)
    }
    return {
        "study": "scale",
        "clips": clips,
        "clips_per_job": clips_per_job,
        "corpora": corpora,
        "experiments": {
            "denoise": {
                "corruption": {"kind": "gaussian"},
                "corpora": list(corpora),
                "methods": ["observed", *METHODS],
                "metrics": ["snr"],
            }
        },
        "tables": {"table1": {"experiment": "denoise", "metrics": ["snr"]}},
    }


def checkout(folder: Path, clips_per_job: int, clips: int) -> None:
    """Copy what a run needs, with the study in study.yaml."""
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("workflow", "dap", "envs"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "study.yaml").write_text(yaml.safe_dump(study(clips_per_job, clips)))


def plan(folder: Path) -> tuple[int, float]:
    """Jobs and seconds of a dry run."""
    command = [sys.executable, "-m", "snakemake", "-n", "--cores", "1", "--quiet", "rules"]
    begun = time.perf_counter()
    done = subprocess.run(
        [*command, "--configfile", "study.yaml"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - begun
    lines = (done.stdout + done.stderr).splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("total"))), seconds


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=1000, help="of each of 5 corpora")
    parser.add_argument("--clips-per-job", type=int, nargs="+", default=[50, 20, 10])
    asked = parser.parse_args()
    print(f"{5 * len(METHODS) * asked.clips} fits\n")
    print("| clips_per_job | jobs | seconds to plan | peak memory so far, MiB |")
    print("| ---: | ---: | ---: | ---: |")
    for clips_per_job in asked.clips_per_job:  # descending: the peak is that of all so far
        with tempfile.TemporaryDirectory() as name:
            checkout(Path(name), clips_per_job, asked.clips)
            jobs, seconds = plan(Path(name))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"| {clips_per_job} | {jobs} | {seconds:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
