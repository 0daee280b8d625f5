"""A SLURM cluster on this machine: a controller and two nodes, all on loopback.

Nothing of it outlives `stop`. It needs root, since the configuration must lie where `srun` finds it
without an environment variable, which jobs lose.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from filelock import FileLock

ETC = Path("/etc/slurm")
RUN = Path("/run/munge")
DAEMONS = ("munged", "slurmctld", "slurmd")
OURS = "# written by dap's tests, and removed at their end"
NODES = ("node1", "node2")
NAME = "dap-tests"

CONFIG = """\
{ours}
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
# a node that does not answer for that long is down, and its jobs are requeued
SlurmdTimeout=10
SlurmctldTimeout=10
InactiveLimit=0
# between SIGTERM and SIGKILL
KillWait=15
MinJobAge=600
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0,defer
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
# without cgroups: memory is looked at, and a job above its limit killed
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName={nodes} NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=4 \
RealMemory=64000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=UNLIMITED State=UP PriorityTier=1 GraceTime=15
PartitionName=urgent Nodes=ALL MaxTime=UNLIMITED State=UP PriorityTier=2 PreemptMode=OFF
"""
# a stand-in: jobs that ask for one are told which, and none is there
GRES = "{ours}\nNodeName={nodes} Name=gpu File=/dev/null,/dev/zero\n"


def missing() -> str:
    """Why no cluster can be started here, or ""."""
    absent = [name for name in (*DAEMONS, "sbatch") if not _program(name)]
    if absent:
        return f"SLURM is not installed here: no {', '.join(absent)} (slurm-wlm, munge)"
    if os.geteuid() != 0:
        return "only root can start a SLURM cluster"
    config = ETC / "slurm.conf"
    if config.exists() and not config.read_text().startswith(OURS):
        return f"this machine belongs to a cluster: {config} is there"
    return ""


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def _runs_on(process: psutil.Process, node: str) -> bool:
    try:
        of = process.environ()
    except psutil.Error:
        return False
    return (of.get("SLURM_CLUSTER_NAME"), of.get("SLURMD_NODENAME")) == (NAME, node)


def _free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    for first in range(36817, 60000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports")


@dataclass
class Cluster:
    """The daemons, and what an administrator or a user does with them.

    Attributes:
        folder: for their states and logs.
        processes: by name: munged, slurmctld, node1, node2.
    """

    folder: Path
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)
    alone: FileLock = field(
        default_factory=lambda: FileLock(Path(tempfile.gettempdir()) / "dap-slurm.lock")
    )

    def start(self) -> None:
        """Write the configuration, start all daemons, and wait for the nodes.

        There is one configuration on a machine: another cluster's end is waited for.
        """
        self.alone.acquire(timeout=900)
        host, first = socket.gethostname(), _free_ports(3)
        (self.folder / "state").mkdir()
        nodes = f"node[1-{len(NODES)}]"
        ports = {"controller": first, "first": first + 1, "last": first + len(NODES)}
        settings = {
            "ours": OURS,
            "host": host,
            "folder": self.folder,
            "nodes": nodes,
            "name": NAME,
        } | ports
        ETC.mkdir(exist_ok=True)
        (ETC / "slurm.conf").write_text(CONFIG.format(**settings))
        (ETC / "gres.conf").write_text(GRES.format(**settings))
        RUN.mkdir(mode=0o755, exist_ok=True)
        shutil.chown(RUN, "munge", "munge")
        logs = self.folder / "munge"
        logs.mkdir()
        shutil.chown(logs, "munge", "munge")
        self.folder.chmod(0o755)
        for parent in self.folder.parents:  # munged is not root, and pytest's folders are private
            if not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        key = Path("/etc/munge/munge.key")
        options = [f"--key-file={key}", f"--pid-file={logs}/pid", f"--seed-file={logs}/seed"]
        command = [_program("munged"), "--foreground", *options, f"--log-file={logs}/log"]
        self._daemon("munged", *command, user="munge", group="munge")
        self.until(lambda: (RUN / "munge.socket.2").exists(), "munged")
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        self.until(lambda: self.states() == dict.fromkeys(NODES, "idle"), "the nodes")

    def start_controller(self) -> None:
        """Start the controller; it takes up its state."""
        self._daemon("slurmctld", _program("slurmctld"), "-D")
        self.until(lambda: self.ask("scontrol", "ping", check=False).returncode == 0, "slurmctld")

    def start_node(self, node: str) -> None:
        """Start a node's daemon."""
        self._daemon(node, _program("slurmd"), "-D", "-N", node)

    def _daemon(self, name: str, *command: str, **who: str) -> None:
        with (self.folder / f"{name}.out").open("a") as out:
            self.processes[name] = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, **who
            )

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End a daemon."""
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait(30)

    def lose(self, node: str) -> None:
        """What losing power does: the daemon and all that runs on a node are gone at once."""
        self.kill(node)
        here = [process for process in psutil.process_iter() if _runs_on(process, node)]
        # first those that would still tell the controller what became of their jobs
        parents = [process.parent() for process in here]
        for process in [one for one in parents if one and "slurmstepd" in one.name()] + here:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def stop(self) -> None:
        """End all jobs, daemons and files."""
        if "slurmctld" in self.processes:
            self.cancel_all()
        for name in reversed(list(self.processes)):
            self.kill(name, signal.SIGTERM)
        if self.alone.is_locked:
            for name in ("slurm.conf", "gres.conf"):
                (ETC / name).unlink(missing_ok=True)
            self.alone.release()

    def cancel_all(self) -> None:
        """Cancel whatever is queued or runs, and wait until it is gone."""
        self.ask("scancel", "--user", "root", check=False)
        self.ask("scancel", "--signal=KILL", "--full", "--user", "root", check=False)
        self.until(lambda: not self.jobs(), "the jobs' end", seconds=60)
        self.kill_rest()

    def kill_rest(self) -> None:
        """Kill what escaped: without cgroups a process that outlives its parent is not SLURM's."""
        for process in psutil.process_iter():
            try:
                if process.environ().get("SLURM_CLUSTER_NAME") == NAME:
                    process.kill()
            except psutil.Error:
                continue

    # ---- what a user sees

    def ask(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run one of SLURM's commands."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def states(self) -> dict[str, str]:
        """The nodes' states."""
        lines = self.ask("sinfo", "-hN", "-p", "main", "-o", "%N %t", check=False).stdout.split(
            "\n"
        )
        return dict(line.split() for line in lines if line)

    def jobs(self, comment: str = "", states: str = "PENDING,RUNNING,COMPLETING,SUSPENDED"):
        """Ids and states of the jobs whose comment holds a text, such as rule_fit."""
        form = ["-h", "-o", "%i|%T|%k", "-t", states]
        lines = self.ask("squeue", *form, check=False).stdout.splitlines()
        rows = [line.split("|", 2) for line in lines]
        return {job: state for job, state, said in rows if comment in said}

    def hurry(self, job: str) -> None:
        """Start a job that was queued again without the two minutes that SLURM lets it wait."""
        left = ("RUNNING", "COMPLETING")
        self.until(
            lambda: self.describe(job)["JobState"] not in left, f"job {job} back in the queue"
        )
        self.ask("scontrol", "update", f"JobId={job}", "StartTime=now", check=False)

    def running(self, comment: str) -> list[str]:
        """Ids of running jobs."""
        return list(self.jobs(comment, "RUNNING"))

    def describe(self, job: str) -> dict[str, str]:
        """What the controller knows of a job."""
        words = self.ask("scontrol", "show", "job", job).stdout.split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def until(self, true: Callable[[], bool], what: str, seconds: float = 120) -> None:
        """Wait for something."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                logs = [f"{path.name}:\n{path.read_text(errors='replace')[-3000:]}"
                        for path in self.folder.glob("*.[ol]*")]  # fmt: skip
                raise AssertionError(f"{what}: not within {seconds} s\n" + "\n".join(logs))
            time.sleep(0.2)
