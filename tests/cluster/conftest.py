"""A SLURM cluster for the tests of this folder, and a study whose fits last long enough to hit."""

import pytest
import slurm
from checkout import Checkout
from cluster_run import Run


@pytest.fixture(scope="session")
def daemons(tmp_path_factory):
    """The cluster."""
    if slurm.missing():
        pytest.skip(slurm.missing())
    cluster = slurm.Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cluster(daemons):
    """The cluster, with nothing to do before and after."""
    yield daemons
    daemons.cancel_all()
    daemons.until(lambda: set(daemons.states().values()) == {"idle"}, "idle nodes")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Checkout:
    """A study of 2 chunks of one clip; 2 of its 3 methods are fitted, each in 60 iterations."""
    checkout = Checkout.make(tmp_path_factory.mktemp("prepared"))
    checkout.change(
        clips=2,
        clips_per_job=1,
        fit={"iterations": 60, "snapshots": 9, "width": 0.05, "learning_rate": 0.005},
        run={"checkpoint_seconds": 0.5, "retries": 3},
    )
    return checkout


@pytest.fixture(scope="session")
def undisturbed(prepared, tmp_path_factory) -> Checkout:
    """The study, run here without any fault."""
    checkout = prepared.copy(tmp_path_factory.mktemp("undisturbed"))
    checkout.run()
    return checkout


@pytest.fixture
def study(prepared, tmp_path) -> Checkout:
    """The study, nothing of it done."""
    return prepared.copy(tmp_path)


@pytest.fixture
def run(study, cluster):
    """Start the study on the cluster; an iteration of a fit lasts `slow` seconds."""
    started = []

    def start(*arguments: str, slow: float = 0.25) -> Run:
        if not started:
            study.slow_down(slow)
        started.append(Run(study, cluster, *arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            study.kill(one.process)
