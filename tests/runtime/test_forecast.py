"""How long a study takes, by short fits; no times are asserted."""

from pathlib import Path

import pytest
from small_studies import config

from dap.runtime import forecast as module
from dap.runtime.forecast import beside, forecast, timed
from dap.study.code_hash import Code
from dap.study.parts import Asked, in_order, work
from dap.study.paths import Names
from dap.study.plan import MARGIN
from dap.study.sitting import Sitting
from dap.study.study import Study

CPU = "a CPU"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "_apart", lambda study, function: function())


def sitting(study, slots=1):
    return Sitting(study, Code(), Asked(), CPU, slots, lambda: 0.0)


@pytest.fixture
def timed_as(monkeypatch):
    """Trials take so many seconds; which ones there were."""
    asked = []

    def time_each(trials, *, at_once, environment):
        asked.extend(trials)
        assert environment["OMP_NUM_THREADS"] == "1"  # of a job
        return iter([3.0] * len(trials))

    monkeypatch.setattr(module, "time_each", time_each)
    monkeypatch.setattr(module, "machine", lambda: {"cpu": CPU})
    return asked


def test_jobs_beside_each_other():
    assert beside([], 2) == 0.0
    assert beside([4, 1, 1, 1], 2) == 4.0
    assert beside([1, 2], 0) == 3.0


def test_each_kind_is_timed_once_and_counts_by_its_work(timed_as):
    study = Study(config(clips=5, fit={"iterations": 100}))
    result = forecast(sitting(study), lambda text: None)
    # both corpora of denoising are of one length; separation is another task
    kinds = [("denoise", "observed"), ("denoise", "conv"), ("separate", "observed")]
    assert [(each.task, each.method) for each in timed_as] == [*kinds, ("separate", "conv")]
    assert all(each.brief for each in timed_as)
    chunks = in_order(study)
    assert result.chunks == len(chunks) == 2 * 3 * 2
    # a first chunk has 4 clips and takes 3 s, a second has one
    first = Names("denoise", "synthetic-speech", "conv", "000")
    assert work(study, first) == 4 * work(study, first._replace(chunk="001"))
    assert result.seconds == pytest.approx(MARGIN * 6 * (3 + 3 / 4))
    assert forecast(sitting(study, 4), lambda text: None).seconds < result.seconds / 2


def test_widths_are_timed_each_at_the_shortest_length(timed_as):
    study = config(fit={"iterations": 100})
    shorter = study["corpora"]["synthetic-speech"]["samples"]
    study["corpora"]["synthetic-piano"]["samples"] = 2 * shorter
    del study["experiments"]["separate"]
    study["experiments"]["wide"] = study["experiments"]["denoise"] | {"fit": {"width": 0.5}}
    study["experiments"]["long"] = study["experiments"]["denoise"] | {"fit": {"iterations": 1000}}
    checked = Study(study)
    chunks = [each for each in in_order(checked) if each.method == "conv"]
    times = timed(checked, chunks, 1, lambda text: None)
    assert len(timed_as) == 2  # two widths: a longer fit has the same iterations
    assert {each.chunk["corpus"] for each in timed_as} == {"synthetic-speech"}
    seconds = {(each.chunk.experiment, each.chunk.corpus): each.seconds for each in times}
    assert seconds["denoise", "synthetic-speech"] == 3.0
    assert seconds["denoise", "synthetic-piano"] == 6.0
    assert seconds["long", "synthetic-piano"] == 60.0
    # a baseline may take four times as long for twice as much sound
    timed(checked, [each for each in in_order(checked) if each.method == "observed"], 1, str)
    assert len(timed_as) == 2 + 2


def test_what_lacks_its_weights_is_named(timed_as):
    study = config()
    study["corpora"]["synthetic-speech"]["speech"] = True
    study["experiments"]["denoise"] |= {"corpora": ["synthetic-speech"], "methods": ["dfl"]}
    del study["experiments"]["separate"]
    result = forecast(sitting(Study(study)), lambda text: None)
    assert result.unknown == ["dfl"]
    assert (timed_as, result.seconds) == ([], 0.0)


def test_every_corruption_of_the_demo_can_be_timed(monkeypatch):
    root = Path(__file__).resolve().parents[2]
    from dap.study.yaml_file import load

    study = Study(load(root / "config.yaml"))
    methods = {"denoise-gaussian": "wiener", "denoise-environmental": "conv", "inpaint": "janssen"}
    chunks = [each for each in in_order(study) if methods.get(each.experiment) == each.method]
    chunks += [Names("separate", "synthetic-piano+synthetic-drums", "conv", "000")]
    said = []
    assert all(each.seconds > 0 for each in timed(study, chunks, 1, said.append))
    assert said == ["timing 4 kinds of fits, 1 at a time"]


def test_trainings_are_timed_by_steps():
    study = config()
    del study["experiments"]["denoise"]
    study["experiments"]["separate"] |= {
        "corruption": {"kind": "mixture-known"},
        "methods": ["observed", "conv"],
        "selections": ["last"],
        "metrics": ["sdr"],
        "training": {
            "corpora": ["synthetic-piano", "synthetic-drums", "synthetic-speech"],
            "samples": 1024,
            "steps": 1000,
            "batch": 1,
            "width": 0.05,
        },
    }
    said = []
    result = forecast(sitting(Study(study)), said.append)
    assert said == ["timing 5 steps of training conv"]
    assert (result.chunks, result.unknown) == (0, [])
    assert 0 < result.seconds < 1000
