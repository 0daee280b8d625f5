"""What the committed studies ask of the fits, resolved."""

from pathlib import Path

import numpy as np
import pytest
from corrupted import corrupted

from dap.baselines import janssen
from dap.data.synthetic.speech import generate
from dap.metrics.level import snr
from dap.study.schema import validated
from dap.study.study import Study
from dap.study.yaml_file import load

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ROOT / "workflow" / "studies"
WITH_GAPS = (
    ROOT / "config.yaml",
    STUDIES / "recordings.yaml",
    STUDIES / "interspeech2021.yaml",
    ROOT / "tests" / "golden" / "study.yaml",
)
RATE = 16000


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


@pytest.mark.parametrize("path", WITH_GAPS, ids=lambda path: path.stem)
def test_inpainting_loses_what_nothing_tells(path):
    config = validated(load(path))
    for experiment in config["experiments"].values():
        options = dict(experiment["corruption"])
        if options.pop("kind") != "gaps":
            continue
        for corpus in experiment["corpora"]:
            samples = config["corpora"][corpus]["samples"]
            clean = generate(np.random.default_rng(1), samples, RATE)
            observation = corrupted("gaps", clean, spectrogram=config["spectrogram"], **options)
            mask = observation.known["mask"]
            filled = janssen.restore(observation, ("filled",))[0]
            # 0 dB where all is lost; of whole frames, those beside a gap still hold its edges
            assert -1 < snr(clean, observation.signal, RATE, mask) < 3
            assert snr(clean, filled, RATE) < 40


def test_gaps_of_a_lie_where_there_is_sound(interspeech2021):
    assert interspeech2021.experiments["inpaint"].corruption == {
        "kind": "gaps",
        "seconds": [0.1, 0.25],
        "per_second": 1,
        "domain": "frames",
        "where": "sound",
    }


ABLATIONS = ["harmonic-single", "harmonic-unmixed", "harmonic-unmixed-wide", "harmonic-groups"]


@pytest.mark.parametrize("name", ["iclr2020", "iclr2020-small", "iclr2020-recordings"])
def test_figure_4_of_b_has_the_ablation_of_mixing_alone(name):
    config = validated(load(STUDIES / f"{name}.yaml"))
    assert config["experiments"]["trajectory"]["methods"][-4:] == ABLATIONS
    figure = config["figures"]["figure4-ablation"]
    assert figure["experiment"] == "trajectory"
    assert figure["methods"] == ["observed", "harmonic", *ABLATIONS]
    compared = [
        [entry["over"] for entry in entries]
        for claim in config["claims"]
        if claim["claim"].startswith("without anchors")
        for entries in (claim["comparisons"], claim["convergence"])
    ]
    # without mixing the final quality is said to be lower, without anchors fitting to be slower
    judged = [["harmonic-unmixed", "harmonic-unmixed-wide"], ["harmonic-single"]]
    assert compared == ([] if name == "iclr2020-small" else judged)
