"""A chunk's fits beside each other, as on a GPU; here, on a CPU."""

import pytest

from dap.store import read_rows

pytestmark = pytest.mark.slow

CELL = "denoise/synthetic-speech/conv"
FIT = f"results/tiny/fits/{CELL}/000"
# started in each round, and as many as the study says
BESIDE = "SETTLE = 1\ndef at_most(asked, device):\n    return asked"
TOLD = """\
_restoring = restoring
def restoring(method, task, observation, **rest):
    rest["report"].say("begins " + rest["report"].name)
    return _restoring(method, task, observation, **rest)
"""
KILLED = """\
import os
_restoring = restoring
def restoring(method, task, observation, **rest):
    if method == "conv" and "speech-00001" in rest["report"].name:
        os.kill(os.getpid(), 9)
    return _restoring(method, task, observation, **rest)
"""

FULL = """\
_restoring = restoring
_full = []
def restoring(method, task, observation, **rest):
    name = rest["report"].name
    rest["report"].say("begins " + name)
    if "speech-00001" in name and not _full:
        import torch
        _full.append(name)
        yield
        raise torch.OutOfMemoryError("CUDA out of memory")
    return (yield from _restoring(method, task, observation, **rest))
"""


def test_they_give_what_they_give_alone(original, fresh):
    fresh.append("dap/fitting/interleave.py", BESIDE)
    fresh.append("dap/fitting/method.py", TOLD)
    fresh.change(run={"fits_at_once": 3})
    fresh.run(f"{FIT}/manifest.csv")
    found = fresh.files(f"fits/{CELL}/**/*.wav")
    assert len(found) == 4 * 2
    assert found == original.files(f"fits/{CELL}/**/*.wav")
    # three have begun before the first ends, and the fourth begins after it
    log = (fresh.results / "logs" / "fit" / f"{CELL}/000.log").read_text()
    before, _, after = log.partition("100%|")
    assert (before.count("begins conv"), after.count("begins conv")) == (3, 1)


def test_one_that_kills_the_job_is_found_and_harms_no_other(fresh):
    fresh.append("dap/fitting/interleave.py", BESIDE)
    fresh.append("dap/fitting/method.py", KILLED)
    fresh.change(run={"fits_at_once": 3, "retries": 1})
    done = fresh.snakemake(f"{FIT}/manifest.csv")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Error in rule fit") == 2
    missing = {
        row["clip"]: row["missing"] for row in read_rows(fresh.folder / FIT / "manifest.csv")
    }
    assert missing == {
        "speech-00000": "",
        "speech-00001": "2 jobs were killed by it, each before it got any further",
        "speech-00002": "",
        "speech-00003": "",
    }


def test_one_that_finds_the_memory_full_is_fitted_later(original, fresh):
    fresh.append("dap/fitting/interleave.py", BESIDE)
    fresh.append("dap/fitting/method.py", FULL)
    fresh.change(run={"fits_at_once": 3})
    fresh.run(f"{FIT}/manifest.csv")
    assert fresh.files(f"fits/{CELL}/**/*.wav") == original.files(f"fits/{CELL}/**/*.wav")
    log = (fresh.results / "logs" / "fit" / f"{CELL}/000.log").read_text()
    assert [log.count(f"begins conv speech-0000{k}") for k in range(4)] == [1, 2, 1, 1]
