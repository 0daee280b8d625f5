"""The table of tasks is whole, and nothing beside it decides by a task's name."""

import re
from pathlib import Path

import pytest

import dap
from dap.plugins import plugins
from dap.tasks import SCOPES, SELECTIONS, TASKS, headline_metric

PACKAGE = Path(dap.__file__).parent


@pytest.mark.parametrize("name", TASKS)
def test_a_task_refers_to_what_there_is(name):
    task = TASKS[name]
    assert {scope.output for scope in task.scopes.values()} <= set(task.outputs)
    assert task.shown in task.outputs
    assert set(task.scopes) <= set(SCOPES)
    assert task.quality in plugins("metrics")
    assert bool(plugins("metrics")[task.quality].metadata.get("joint")) == (task.sources > 1)
    assert any(scope.inside_gaps for scope in task.scopes.values()) == task.masked
    assert not task.scopes[task.headline].inside_gaps


def test_what_needs_the_clean_clip_is_made_when_scoring():
    made = {name: selection["made"] for name, selection in SELECTIONS.items()}
    assert (made["last"], made["average"], made["oracle"]) == ("fit", "fit", "score")
    assert "clean clip" in SELECTIONS["oracle"]["title"]


def test_no_other_module_decides_by_the_name_of_a_task():
    names = "|".join(TASKS)
    rule = re.compile(rf"task (==|!=|in) .*\b({names})\b")
    sources = [path for path in PACKAGE.rglob("*.py") if rule.search(path.read_text())]
    assert sources == []


@pytest.mark.parametrize(
    ("quality", "scored", "published", "metric"),
    [
        ("snr", ["pesq_nb", "snr"], [], "snr"),
        ("snr", ["pesq_nb", "snr"], ["pesq_nb", "snr"], "snr"),
        ("snr", ["snr", "spectral_snr", "envelope_distance"], ["spectral_snr"], "spectral_snr"),
        ("sdr_v4", ["sir", "sdr"], ["sir", "sdr"], "sdr"),
        ("snr", ["psnr"], ["snr"], "psnr"),
    ],
)
def test_methods_are_first_compared_by_what_the_paper_has(quality, scored, published, metric):
    assert headline_metric(quality, scored, published) == metric
