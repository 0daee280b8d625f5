"""A study on a cluster, whose jobs are killed, cancelled and queued again."""

import signal
from pathlib import Path

import pytest
from cluster_run import assert_same, processes

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
def test_a_study_through_its_jobs_being_killed_cancelled_and_requeued(run, cluster, undisturbed):
    study = run()
    killed, cancelled, requeued = (
        study.job(*which) for which in (("conv", "000"), ("dilated", "000"), ("conv", "001"))
    )
    asked = cluster.describe(killed)
    assert "gpu:1" in asked["TresPerJob"]
    assert asked["MinMemoryNode"] == "8000M"

    (process,) = processes(killed)
    process.send_signal(signal.SIGKILL)
    cluster.ask("scancel", cancelled)
    cluster.ask("scontrol", "requeue", requeued)
    cluster.hurry(requeued)
    said = study.end()
    assert said.count("Trying to restart job") == 2

    assert_same(study.checkout, undisturbed)
    for which in (("conv", "000"), ("dilated", "000"), ("conv", "001")):
        assert "taken up after iteration" in study.log(*which)
    assert "taken up" not in study.log("dilated", "001")
    # the job that was killed asked for more, the one that was requeued is the same
    again = cluster.jobs("denoise_synthetic-speech_conv_000", "COMPLETED")
    assert [cluster.describe(job)["MinMemoryNode"] for job in again] == ["16000M"]
    assert cluster.describe(requeued)["JobState"] == "COMPLETED"
    assert cluster.describe(requeued)["Restarts"] == "1"
    # the rules of seconds shared a job, or took none
    assert len(cluster.jobs("prepare", "COMPLETED")) == 1
    assert not cluster.jobs("rule_table", "COMPLETED")


def test_the_workflow_knows_no_scheduler():
    known = [
        path
        for name in ("Snakefile", "config.yaml", "workflow", "dap")
        for path in [ROOT / name, *(ROOT / name).rglob("*")]
        if path.is_file() and path.suffix in (".py", ".smk", ".yaml", ".j2", "", ".h", ".c")
        if path.parent.parent.name != "profiles"
    ]
    assert len(known) > 80
    words = (b"slurm", b"sbatch", b"squeue", b"scontrol", b"srun")
    assert [p for p in known if any(word in p.read_bytes().lower() for word in words)] == []
