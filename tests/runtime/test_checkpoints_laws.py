"""A fit that is stopped at any iteration, once or more often, goes on to the same bits."""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from small_fits import OPTIONS, assert_same, checkpoint, run, stop_after

from dap.fitting.loop import Trajectory
from dap.tasks import TASKS

TONE = np.sin(np.arange(1024) * 0.2).astype(np.float32) / 2
SCHEDULES = [
    OPTIONS,
    replace(OPTIONS, cooldown=0.0, warmup=0, snapshots=14, initialisation="pytorch"),
    replace(OPTIONS, lr_step_size=0, snapshots=1, snapshot_at=(3, 7), ema_decay=0.0),
]


@cache
def undisturbed(task: str, schedule: int) -> Trajectory:
    return run(task, TONE, SCHEDULES[schedule])


@settings(max_examples=12)
@given(
    task=st.sampled_from(sorted(TASKS)),
    schedule=st.integers(0, len(SCHEDULES) - 1),
    stops=st.sets(st.integers(1, OPTIONS.iterations - 1), min_size=1, max_size=3),
)
def test_stopped_anywhere(task, schedule, stops):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        for iteration in sorted(stops):
            stop_after(iteration, path, task, TONE, options=SCHEDULES[schedule])
        keeper = checkpoint(path)
        resumed = run(task, TONE, SCHEDULES[schedule], checkpoint=keeper)
    assert keeper.said == [f"taken up after iteration {max(stops)} of {OPTIONS.iterations}"]
    assert_same(resumed, undisturbed(task, schedule))
