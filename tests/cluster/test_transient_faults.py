"""Faults that pass: a job, a node, the controller or Snakemake is lost, and the tables stay.

`make test-faults` runs these; they take some minutes.
"""

import time

import pytest
from cluster_run import assert_same

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.xdist_group("cluster")]


def test_the_memory_limit(run, cluster, undisturbed):
    # too little for PyTorch alone, then enough: SLURM kills the first attempts of all fits
    study = run("--set-resources", "fit:mem_mb=150 if attempt == 1 else 4000")
    said = study.end(400)
    assert_same(study.checkout, undisturbed)
    assert said.count("Error in rule fit") >= 4
    log = cluster.folder.glob("slurmd-*.log")
    assert any("exceeded memory limit" in path.read_text() for path in log)


def test_the_time_limit(run, cluster, undisturbed):
    # a fit needs longer than a minute, the least that SLURM limits, and is stopped within it
    study = run("--set-resources", "fit:runtime=1", slow=1.15)
    said = study.end(600)
    assert_same(study.checkout, undisturbed)
    assert "stopped by SIGTERM: its state is kept in" in said
    assert set(cluster.jobs("rule_fit", "TIMEOUT,FAILED"))
    assert "taken up after iteration" in study.log("conv", "000")


def test_a_node_that_fails(run, cluster, undisturbed):
    study = run()
    job = study.job("conv", "000")
    node = cluster.describe(job)["NodeList"]
    cluster.lose(node)
    study.wait(lambda: "down" in cluster.states()[node], "the node to be missed", 60)
    cluster.hurry(job)
    study.wait(
        lambda: cluster.describe(job)["JobState"] == "RUNNING", "the job to be started again"
    )
    assert cluster.describe(job)["NodeList"] != node
    cluster.start_node(node)
    study.end()
    assert_same(study.checkout, undisturbed)
    assert cluster.describe(job)["Restarts"] == "1"
    assert "taken up after iteration" in study.log("conv", "000")


def test_the_controller_is_restarted(run, cluster, undisturbed):
    study = run()
    job = study.job("conv", "000")
    time.sleep(5)  # it saves its state now and then, and not at once
    cluster.kill("slurmctld")
    time.sleep(5)
    cluster.start_controller()
    study.end()
    assert_same(study.checkout, undisturbed)
    assert cluster.describe(job)["JobState"] == "COMPLETED"


def test_snakemake_is_killed_and_started_again(run, study, cluster, undisturbed):
    first = run()
    first.job("conv", "000")
    study.kill(first.process)
    # its jobs go on: those that are started anew do the same, beside them
    assert cluster.running("rule_fit")
    # on a node that is this very machine, they are seen
    assert "a run in this folder is still alive" in study.owner().stdout
    assert study.snakemake("--unlock").returncode == 0
    run().end()
    assert_same(study, undisturbed)


def test_preemption(run, cluster, undisturbed):
    study = run()
    job = study.job("conv", "000")
    node = cluster.describe(job)["NodeList"]
    command = ["sbatch", "--parsable", "-p", "urgent", "-w", node, "--exclusive", "-o", "/dev/null"]
    urgent = cluster.ask(*command, "--wrap", "sleep 8").stdout.strip()
    study.wait(lambda: cluster.describe(urgent)["JobState"] == "RUNNING", "the urgent job")
    assert cluster.describe(job)["JobState"] != "RUNNING"
    cluster.hurry(job)
    study.end()
    assert_same(study.checkout, undisturbed)
    assert "taken up after iteration" in study.log("conv", "000")


def test_a_job_that_will_not_go(run, cluster, undisturbed):
    # SIGKILL to all of it at once, its own Snakemake included
    study = run()
    job = study.job("dilated", "001")
    cluster.ask("scancel", "--signal=KILL", "--full", job)
    study.end()
    assert_same(study.checkout, undisturbed)
    assert cluster.describe(job)["JobState"] in ("FAILED", "CANCELLED")
