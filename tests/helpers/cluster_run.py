"""The tiny study on a SLURM cluster, under way."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
from checkout import Checkout
from slurm import Cluster

PROFILE = ["--workflow-profile", "workflow/profiles/slurm"]
# no time to wait for
HERE = ["--slurm-init-seconds-before-status-checks", "2"]
SUBMIT = [*PROFILE, *HERE, "--slurm-no-account", "--latency-wait", "10"]
SPEECH = "denoise/synthetic-speech"


def assert_same(checkout: Checkout, undisturbed: Checkout) -> None:
    """The tables and the estimates are equal to the byte."""
    tables = checkout.files("tables/table1.*")
    assert len(tables) == 3
    assert tables == undisturbed.files("tables/table1.*")
    estimates = checkout.files("fits/**/*.wav")
    assert len(estimates) == 2 + 4 * 3
    assert estimates == undisturbed.files("fits/**/*.wav")


def processes(job: str) -> list[psutil.Process]:
    """The processes of a job that run a fit."""
    fits = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SLURM_JOB_ID") == job:
                words = process.cmdline()
                fits += [process] if "python" in words[0] and words[-1].endswith("fit.py") else []
        except (psutil.Error, IndexError):
            continue
    return fits


class Run:
    """The study on the cluster, under way."""

    def __init__(self, checkout: Checkout, cluster: Cluster, *arguments: str):
        self.checkout, self.cluster = checkout, cluster
        self.process = checkout.start(*SUBMIT, *arguments)

    def said(self) -> str:
        """What Snakemake has printed."""
        return (self.checkout.folder / "output.txt").read_text()

    def wait(self, true: Callable[[], bool], what: str, seconds: float = 240) -> None:
        """Wait for a moment of the run."""

        def reached() -> bool:
            assert self.process.poll() is None, self.said()[-8000:]
            return true()

        try:
            self.cluster.until(reached, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.said()[-8000:]}") from error

    def job(self, method: str, chunk: str) -> str:
        """The running job of a fit, once it has a checkpoint."""
        comment = f"rule_fit_wildcards_{SPEECH.replace('/', '_')}_{method}_{chunk}"
        self.wait(self.checkpoint(method, chunk).exists, f"a checkpoint of {method} {chunk}")
        (job,) = self.cluster.running(comment)
        return job

    def checkpoint(self, method: str, chunk: str) -> Path:
        """The checkpoint of a fit."""
        fits = self.checkout.results / "fits" / SPEECH / method / chunk
        return fits / f".speech-00{chunk}.s0.checkpoint"

    def log(self, method: str, chunk: str) -> str:
        """What the last job of a fit said."""
        logs = self.checkout.results / "logs" / "fit" / SPEECH / method
        return (logs / f"{chunk}.log").read_text()

    def end(self, seconds: float = 300) -> str:
        """Wait until the run has succeeded; what it said."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"not over in {seconds} s\n{self.said()[-8000:]}") from error
        assert self.process.returncode == 0, self.said()[-8000:]
        return self.said()
