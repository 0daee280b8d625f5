"""Runs of a tiny study, in copies of the checkout, so that sources can be touched."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
STUDY = """\
study: tiny
clips: 4
clips_per_job: 4
fit: {iterations: 3, snapshots: 3, width: 0.05, learning_rate: 0.005, lr_step_size: 0}
corpora:
  synthetic-speech:
    title: synthetic speech
    stands_for: ljspeech
    synthetic: speech
    samples: 2048
experiments:
  denoise:
    corruption: {kind: gaussian, std: 0.2}
    corpora: [synthetic-speech]
    methods: [observed, conv, dilated]
    metrics: [snr, psnr]
tables:
  table1:
    experiment: denoise
    metrics: [snr, psnr]
    published: {paper: interspeech2021, table: 1, metrics: {snr: psnr}}
figures:
  curves: {kind: curves, experiment: denoise}
  example: {kind: example, experiment: denoise}
"""
# rules that only gather the products of others, and so leave no log
GATHERING = {"all", "tables", "figures", "download_all"}


@dataclass(frozen=True)
class Checkout:
    """A copy of the sources in a folder, with the tiny study in study.yaml."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Checkout":
        """Copy what a run needs."""
        folder.mkdir(exist_ok=True)
        for name in ("Snakefile", "config.yaml"):
            shutil.copy2(ROOT / name, folder)
        for name in ("workflow", "profiles", "dap", "envs"):
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
        (folder / "study.yaml").write_text(STUDY)
        return cls(folder)

    def copy(self, folder: Path) -> "Checkout":
        """Another copy, its products and Snakemake's records included, with their times."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Checkout(folder)

    @property
    def results(self) -> Path:
        return self.folder / "results" / "tiny"

    def change(self, **keys) -> None:
        """Change keys of the study."""
        path = self.folder / "study.yaml"
        study = yaml.safe_load(path.read_text()) | keys
        path.write_text(yaml.safe_dump(study, sort_keys=False))

    def append(self, file: str, line: str) -> None:
        """Touch a source."""
        with (self.folder / file).open("a") as source:
            source.write(f"\n{line}\n")

    def snakemake(self, *arguments: str, study: str = "study.yaml") -> subprocess.CompletedProcess:
        """Run Snakemake; its output, and that of the jobs, is in `stdout`."""
        return subprocess.run(
            self._command(study, *arguments),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )

    def run(self, *arguments: str, study: str = "study.yaml") -> set[str]:
        """Run Snakemake; the jobs that ran, by the names of their logs.

        Every job opens its log anew; what Snakemake says that it did has to agree.
        """
        before = self._logs()
        finished = self.snakemake(*arguments, study=study)
        assert finished.returncode == 0, finished.stdout
        ran = {log for log, written in self._logs().items() if before.get(log) != written}
        said = jobs(finished.stdout)
        assert len(ran) == sum(n for rule, n in said.items() if rule not in GATHERING), said
        return ran

    def killed(self, *arguments: str, when: Callable[[], bool]) -> None:
        """Run Snakemake, and kill it and its jobs at a moment."""
        process = self.start(*arguments)
        self.wait(process, when)
        self.kill(process)

    def start(self, *arguments: str) -> subprocess.Popen:
        """Run Snakemake in a process group of its own."""
        with (self.folder / "output.txt").open("a") as output:
            return subprocess.Popen(
                self._command("study.yaml", *arguments),
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, process: subprocess.Popen, when: Callable[[], bool]) -> None:
        """Wait for a moment of a run."""
        deadline = time.monotonic() + 300
        while not when():
            missed = process.poll() is not None or time.monotonic() > deadline
            assert not missed, (self.folder / "output.txt").read_text()
            time.sleep(0.002)

    def kill(self, process: subprocess.Popen) -> None:
        """SIGKILL to the whole process group: nobody can tidy up."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def slow_down(self, seconds: float) -> None:
        """Make each iteration of a fit last so much longer, at no cost to the processors."""
        self.append(
            "dap/runtime/checkpoints.py",
            "_due = Checkpoint.due\n"
            f"Checkpoint.due = lambda self: time.sleep({seconds}) or _due(self)",
        )

    def owner(self) -> subprocess.CompletedProcess:
        """What `make resume` asks before it unlocks."""
        command = [sys.executable, "workflow/owner.py"]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True)

    def files(self, pattern: str) -> dict[str, bytes]:
        """Contents of products, by their path in the results."""
        paths = [path for path in self.results.glob(pattern) if path.is_file()]
        return {str(path.relative_to(self.results)): path.read_bytes() for path in paths}

    def _command(self, study: str, *arguments: str) -> list[str]:
        # a profile says how much of the machine is taken
        cores = [] if "--workflow-profile" in arguments else ["--cores", "2"]
        command = [sys.executable, "-m", "snakemake", *cores, *arguments]
        return [*command, "--configfile", study]

    def _logs(self) -> dict[str, int]:
        logs = self.folder.glob("results/*/logs")
        return {
            str(path.relative_to(folder).with_suffix("")): path.stat().st_mtime_ns
            for folder in logs
            for path in folder.rglob("*.log")
        }


def jobs(output: str) -> Counter:
    """Jobs by rule, from the table that Snakemake prints before it starts."""
    _, heading, rest = output.partition("Job stats:")
    if not heading:
        return Counter()
    table = re.findall(r"^([a-z_]+) +(\d+)$", rest.partition("\ntotal ")[0], re.MULTILINE)
    return Counter({rule: int(count) for rule, count in table})
