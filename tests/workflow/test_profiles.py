"""The profiles' rules: who has a GPU, who asks for what, and how often."""

import itertools
import re

import pytest

pytestmark = pytest.mark.slow

LOCAL = ["--workflow-profile", "workflow/profiles/local"]
SPEECH = "denoise/synthetic-speech"


def test_local_jobs_have_a_gpu_each(fresh, monkeypatch):
    # two stand-ins, and four fits that might run at once
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7,8")
    fresh.change(clips=2, clips_per_job=1, fit={"iterations": 20, "snapshots": 3, "width": 0.05})
    fresh.slow_down(0.1)
    done = fresh.snakemake(*LOCAL, "--cores", "4", "--resources", "gpu=2")
    assert done.returncode == 0, done.stdout
    spans = {"7": [], "8": []}
    for log in (fresh.results / "logs" / "fit" / SPEECH).glob("*/*.log"):
        lines = log.read_text().splitlines()
        taken = [line for line in lines if "takes GPU" in line]
        (line,) = taken
        gpu = re.search(r"takes GPU (\d) of 7, 8", line)[1]
        spans[gpu].append((line[:23], lines[-1][:23]))
        assert "waits" not in log.read_text()
    baselines = list((fresh.results / "logs" / "baseline" / SPEECH).glob("*/*.log"))
    assert len(baselines) == 2
    assert not any("takes GPU" in log.read_text() for log in baselines)
    assert sum(map(len, spans.values())) == 4
    assert all(spans.values())
    for several in spans.values():
        several.sort()
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(several)), several


@pytest.mark.parametrize(("device", "gpu"), [("auto", "1"), ("cuda", "1"), ("cpu", "0")])
def test_fits_alone_ask_for_a_gpu(sources, device, gpu):
    said = sources.snakemake("-n", "--config", f"device={device}").stdout
    asked = re.findall(
        r"^(?:local)?rule (\w+):.*?resources: ([^\n]*)", said, re.MULTILINE | re.DOTALL
    )
    methods = set(re.findall(r"rule (fit|baseline):.*?method=(\w+)", said, re.S))
    assert methods == {("baseline", "observed"), ("fit", "conv"), ("fit", "dilated")}
    gpus = {rule: re.findall(r"gpu=(\d)", resources) for rule, resources in asked}
    assert gpus.pop("fit") == [gpu]
    assert "score" in gpus
    assert not any(gpus.values())


def test_the_slurm_profile_sends_fits_and_nothing_else_to_gpus(sources, tmp_path):
    text = (sources.folder / "workflow/profiles/slurm/config.yaml").read_text()
    lines = re.findall(
        r"^# ((?:default-resources|  slurm_partition|set-resources|  fit|    \w+):.*)$", text, re.M
    )
    assert len(lines) == 6
    (tmp_path / "config.yaml").write_text("\n".join(["executor: slurm", "jobs: 1", *lines]) + "\n")
    said = sources.snakemake("-n", "--workflow-profile", str(tmp_path)).stdout
    jobs = re.findall(r"^rule (\w+):.*?resources: ([^\n]*)", said, re.MULTILINE | re.DOTALL)
    asked = {}
    for rule, resources in jobs:
        values = dict(value.split("=", 1) for value in resources.split(", "))
        asked[rule] = (values["slurm_partition"], values.get("gpu"), values.get("gpu_model"))
    assert asked.pop("fit") == ("GPUS", "1", "a100")
    assert asked.keys() >= {"baseline", "score"}
    assert set(asked.values()) == {("CPUS", None, None)}
