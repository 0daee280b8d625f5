"""Processes of one machine take a GPU each; names stand in for GPUs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dap.fitting.gpu import devices as gpus

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """\
import os, sys
from pathlib import Path
from dap.fitting.gpu.devices import claim
claim(lambda text: print(text, flush=True), Path(sys.argv[1]))
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def start(tmp_path):
    """Start a process that claims one of some GPUs and holds it until it is told to end."""
    started = []

    def one(devices):
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": devices, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield one
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def line(process):
    return process.stdout.readline().strip()


def test_no_two_processes_have_the_same_gpu(start):
    several = [start("0,1,GPU-8f6a/x") for _ in range(3)]
    assert all(line(process).startswith("takes GPU ") for process in several)
    assert sorted(line(process) for process in several) == ["0", "1", "GPU-8f6a/x"]
    late = start("0,1,GPU-8f6a/x")
    assert line(late) == "waits for one of the GPUs 0, 1, GPU-8f6a/x"
    # however a process ends, its GPU is free
    several[1].send_signal(signal.SIGKILL)
    assert line(late).startswith("takes GPU ")
    taken = line(late)
    several[0].communicate("\n")
    next_one = start("0,1,GPU-8f6a/x")
    assert line(next_one).startswith("takes GPU ")
    assert line(next_one) != taken


@pytest.mark.parametrize("devices", ["", "3"])
def test_where_there_is_no_choice_nothing_is_claimed(tmp_path, monkeypatch, devices):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
    said = []
    for _ in range(2):
        gpus.claim(said.append, tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == devices
    assert said == []
    assert list(tmp_path.iterdir()) == []


def test_the_gpus_of_a_machine(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpus, "DEVICES", tmp_path)
    assert gpus.visible() == []
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert gpus.visible() == ["0", "1", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-1")
    assert gpus.visible() == ["2", "GPU-1"]
