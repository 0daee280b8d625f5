"""`python -m benchmarks.pipeline`: what surrounds the fits.

Without an argument: the seconds that Snakemake takes to plan the whole study of paper A, and to
find it finished. With the folder of a finished study, such as results/recordings: the seconds of
its jobs by stage, a fit.
"""

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STUDY = "workflow/studies/interspeech2021.yaml"
CLIPS = ("LJSpeech-1.1/wavs", "sc09/test", "piano/test", "drums/test")
NOISE = ("demand/DLIVING/ch01.wav", "demand/STRAFFIC/ch01.wav")


def snakemake(folder: Path, *arguments: str) -> tuple[float, str]:
    """Seconds of one call, and what it said."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "rules"]
    command += ["--configfile", STUDY, "--config", f"mirror={folder / 'mirror'}", *arguments]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return time.perf_counter() - begun, done.stdout + done.stderr


def planning() -> None:
    """Time the planning of the full study, begun and finished, in a copy with empty files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("Snakefile", "config.yaml"):
            shutil.copy(ROOT / part, folder)
        for part in ("workflow", "dap", "envs"):
            shutil.copytree(ROOT / part, folder / part)
        recordings = [f"{corpus}/{i:02d}.wav" for corpus in CLIPS for i in range(60)]
        for recording in (*recordings, *NOISE):
            path = folder / "mirror" / recording
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        seconds, said = snakemake(folder, "-n")
        # a dry run prints its jobs before and after them
        total = next(line.split()[1] for line in said.splitlines() if line.startswith("total"))
        print(f"dry run of {total} jobs: {seconds:.1f} s")
        _, summary = snakemake(folder, "--summary")
        for line in summary.splitlines():
            if line.startswith(("results/", "resources/")):
                path = folder / line.partition("\t")[0]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        snakemake(folder, "--touch", "--forceall")
        seconds, said = snakemake(folder)
        if "Nothing to be done" not in said:
            raise SystemExit(f"the finished study is not finished:\n{said}")
        print(f"nothing to do: {seconds:.1f} s")


def stages(results: Path) -> None:
    """Seconds a fit, by stage, of a finished study."""
    jobs = defaultdict(float)
    for path in (results / "benchmarks").rglob("*.tsv"):
        stage = path.relative_to(results / "benchmarks").parts[0]
        with path.open(encoding="utf-8") as file:
            jobs[stage] += sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
    fitting, fits = 0.0, 0
    for path in (results / "fits").rglob("manifest.csv"):
        with path.open(encoding="utf-8") as file:
            rows = {(row["clip"], row["seed"]): row for row in csv.DictReader(file)}
        fit_seconds = [float(row["seconds"]) for row in rows.values() if int(row["iterations"])]
        fitting, fits = fitting + sum(fit_seconds), fits + len(fit_seconds)
    jobs["fit, beside the loop"] = jobs.pop("fit") - fitting
    print(f"{fits} fits; the loops take {fitting / fits:.2f} s each. Beside them, seconds a fit:")
    for stage, seconds in sorted(jobs.items()):
        print(f"  {stage}: {seconds / fits:.2f}")
    rest = sum(jobs.values())
    print(f"  together: {rest / fits:.2f}, {100 * rest / (rest + fitting):.0f} % of all")


def main() -> None:
    """Plan, or look at what a study took."""
    parse = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parse.add_argument("results", type=Path, nargs="?", help="folder of a finished study")
    args = parse.parse_args()
    if args.results:
        stages(args.results)
    else:
        planning()


if __name__ == "__main__":
    main()
