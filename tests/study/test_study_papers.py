"""What the committed studies ask of the fits, resolved."""

from pathlib import Path

import pytest

from dap.study.schema import load
from dap.study.study import Study

STUDIES = Path(__file__).resolve().parents[2] / "workflow" / "studies"


@pytest.fixture
def interspeech2021():
    return Study(load(STUDIES / "interspeech2021.yaml"))


def test_both_priors_of_figure_2_of_a_have_the_same_iterations_at_a_constant_rate(interspeech2021):
    experiment = interspeech2021.experiments["convergence"]
    assert experiment.corruption == {"kind": "gaussian", "std": 0.1}
    assert experiment.methods == ["observed", "dilated-exp-dense", "harmonic"]
    assert set(experiment.clips.values()) == {10}
    for prior in experiment.priors:
        fit = experiment.fit_of(prior)
        assert (fit["iterations"], fit["lr_step_size"]) == (20_000, 0)
        assert (fit["learning_rate"], fit["width"], fit["snapshots"]) == (1e-3, 1.0, 40)
    for figure in ("figure2", "figure2-seconds"):
        assert interspeech2021["figures"][figure]["experiment"] == "convergence"
    first, second = interspeech2021["claims"][:2]
    assert [entry["experiment"] for entry in first["convergence"]] == ["convergence"]
    assert {entry["experiment"] for entry in second["comparisons"]} == {"convergence"}


def test_the_tables_of_a_keep_the_schedule_of_its_code(interspeech2021):
    tables = {table["experiment"] for table in interspeech2021["tables"].values()}
    assert tables == set(interspeech2021.experiments) - {"convergence"}
    for name in tables:
        experiment = interspeech2021.experiments[name]
        assert experiment.priors == ["conv", "dilated", "dilated-exp", "dilated-exp-dense"]
        fit = experiment.fit
        assert (fit["iterations"], fit["lr_step_size"], fit["lr_gamma"]) == (2000, 500, 0.1)
