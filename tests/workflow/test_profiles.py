"""The profiles' rules: who has a GPU, who asks for what, and how often."""

import itertools
import re

import pytest

from dap.plugins import plugins

pytestmark = pytest.mark.slow

LOCAL = ["--workflow-profile", "workflow/profiles/local"]
CELL = "denoise/synthetic-speech"


def test_local_jobs_have_a_gpu_each(fresh, monkeypatch):
    # two stand-ins, and four fits that might run at once
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7,8")
    fresh.change(clips=2, clips_per_job=1, fit={"iterations": 20, "snapshots": 3, "width": 0.05})
    fresh.slow_down(0.1)
    done = fresh.snakemake(*LOCAL, "--cores", "4", "--resources", "gpu=2")
    assert done.returncode == 0, done.stdout
    spans = {"7": [], "8": []}
    for log in (fresh.results / "logs" / "fit" / CELL).glob("*/*.log"):
        lines = log.read_text().splitlines()
        taken = [line for line in lines if "takes GPU" in line]
        if log.parent.name == "observed":
            assert not taken
            continue
        (line,) = taken
        gpu = re.search(r"takes GPU (\d) of 7, 8", line)[1]
        spans[gpu].append((line[:23], lines[-1][:23]))
        assert "waits" not in log.read_text()
    assert sum(map(len, spans.values())) == 4
    assert all(spans.values())
    for several in spans.values():
        several.sort()
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(several)), several


@pytest.mark.parametrize(("device", "gpu"), [("auto", 1), ("cuda", 1), ("cpu", 0)])
def test_fits_alone_ask_for_a_gpu(sources, device, gpu):
    said = sources.snakemake("-n", "--config", f"device={device}").stdout
    asked = re.findall(r"^rule (\w+):.*?resources: ([^\n]*)", said, re.MULTILINE | re.DOTALL)
    found = {
        (rule, method) for rule, method in re.findall(r"rule (fit):.*?method=(\w+)", said, re.S)
    }
    assert found == {("fit", "observed"), ("fit", "conv"), ("fit", "dilated")}
    of_fits = [resources for rule, resources in asked if rule == "fit"]
    assert sorted(re.findall(r"gpu=(\d)", " ".join(of_fits))) == sorted(["0", f"{gpu}", f"{gpu}"])
    assert not any("gpu" in resources for rule, resources in asked if rule != "fit")


def test_the_slurm_profile_shows_how_methods_that_fit_nothing_go_elsewhere(sources, tmp_path):
    text = (sources.folder / "workflow/profiles/slurm/config.yaml").read_text()
    lines = re.findall(
        r"^# ((?:set-resources|  fit|    slurm_partition|    gpu_model):.*)$", text, re.M
    )
    assert len(lines) == 4
    named = {tuple(names.split()) for names in re.findall(r"in '([^']*)'", "\n".join(lines))}
    assert named == {tuple(sorted(plugins("baselines")))}
    (tmp_path / "config.yaml").write_text("\n".join(["executor: slurm", "jobs: 1", *lines]) + "\n")
    said = sources.snakemake("-n", "--workflow-profile", str(tmp_path)).stdout
    fits = re.findall(r"rule fit:.*?method=([\w-]+),.*?resources: ([^\n]*)", said, re.S)
    found = set()
    for method, asked in fits:
        facts = dict(fact.split("=", 1) for fact in asked.split(", "))
        found.add((method, facts["slurm_partition"], facts["gpu"], facts["gpu_model"]))
    assert found == {
        ("observed", "CPUS", "0", ""),
        ("conv", "GPUS", "1", "a100"),
        ("dilated", "GPUS", "1", "a100"),
    }
