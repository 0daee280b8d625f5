"""Experiments whose priors are trained: what they need, and what is refused."""

import pytest
import yaml
from small_parts import Digests

from dap.errors import DapError
from dap.study import models, params
from dap.study.parts import Asked
from dap.study.sitting import Sitting
from dap.study.study import Study

PAIRS = ["synthetic-a+synthetic-b", "synthetic-a+synthetic-c"]


def config(**changes):
    """Three instruments, of which each pair holds one out."""
    base = yaml.safe_load("""
    study: tiny
    clips: 3
    clips_per_job: 2
    corpora:
      synthetic-a: &a {title: bowed, synthetic: bowed, samples: 4096}
      synthetic-b: {<<: *a, title: plucked, synthetic: plucked}
      synthetic-c: {<<: *a, title: struck, synthetic: struck}
      synthetic-d: {<<: *a, title: drummed, synthetic: drummed}
    experiments:
      unheard:
        corruption: {kind: mixture-known}
        corpora: [synthetic-a+synthetic-b, synthetic-a+synthetic-c]
        methods: [observed, ideal-mask, conv7, harmonic]
        metrics: [sdr, sir, sar]
        selections: [last]
        training: {corpora: [synthetic-a, synthetic-b, synthetic-c], clips: 4, samples: 2048}
    """)
    base["experiments"]["unheard"] |= changes
    return base


def test_what_a_pair_hears_and_what_is_tested():
    study = Study(config())
    experiment = study.experiments["unheard"]
    assert experiment.priors == []
    assert experiment.learned == ["conv7", "harmonic"]
    assert experiment.heard(PAIRS[0]) == ["synthetic-a", "synthetic-c"]
    assert experiment.tested == {"synthetic-a": 3, "synthetic-b": 3, "synthetic-c": 3}
    assert experiment.needed == dict.fromkeys(experiment.tested, 3 + 4)
    assert study.clip_counts == experiment.needed
    # an instrument that is heard alone is tested in nothing
    more = config(training={"corpora": [f"synthetic-{x}" for x in "abcd"], "clips": 4})
    more["experiments"]["unheard"]["training"]["samples"] = 2048
    assert Study(more).clip_counts["synthetic-d"] == 4


def test_an_instrument_that_is_never_heard_need_not_be_among_the_training():
    study = Study(config(corpora=["synthetic-a+synthetic-d"]))
    assert study.experiments["unheard"].heard("synthetic-a+synthetic-d") == [
        "synthetic-a",
        "synthetic-b",
        "synthetic-c",
    ]


def test_what_the_jobs_depend_on():
    study = Study(config() | {"seeds": 2})
    clips = models.clips(study, "unheard", PAIRS[0])
    root = "results/tiny"
    assert clips == [
        f"{root}/clips/{corpus}/{chunk:03d}/manifest.csv"
        for corpus in ("synthetic-a", "synthetic-c")
        for chunk in range(4)
    ]
    setup = models.training(study, "unheard", PAIRS[0])
    assert setup["target"] == "synthetic-a"
    assert setup["heard"] == ["synthetic-a", "synthetic-c"]
    assert setup["tested"] == {"synthetic-a": 3, "synthetic-c": 3}
    assert setup["options"]["learning_rate"] == 0.001
    assert "corpora" not in setup["options"]
    assert models.files(study, "unheard", PAIRS[1], "conv7") == [
        f"{root}/models/unheard/{PAIRS[1]}/conv7/{index}/model.safetensors" for index in range(2)
    ]
    assert len(models.all_cards(study)) == 2 * 2 * 2
    # scored as baselines are: one iterate, no trajectory
    assert params.snapshots(study, "unheard", PAIRS[0], "conv7", "000") == []
    assert params.score_trajectory(study, "unheard", "conv7") == {}
    assert params.experiments(study, trained=True) == ["unheard"]
    assert params.experiments(study, trained=False) == []


def test_a_change_of_the_hold_out_s_title_trains_nothing_anew():
    one, other = config(), config()
    other["corpora"]["synthetic-b"]["title"] = "strings"
    setups = [models.training(Study(each), "unheard", PAIRS[0]) for each in (one, other)]
    assert setups[0] == setups[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"training": {"corpora": ["synthetic-a"]}}, "is too short"),
        (
            {"training": {"corpora": ["synthetic-a", "synthetic-x"], "samples": 2048}},
            "unknown name 'synthetic-x'",
        ),
        (
            {"training": {"corpora": ["synthetic-b", "synthetic-c"], "samples": 2048}},
            r"training\.corpora: unknown name 'synthetic-a'",
        ),
        (
            {"training": {"corpora": ["synthetic-a", "synthetic-b"], "samples": 2048}},
            r"without synthetic-b, which synthetic-a\+synthetic-b holds out, nothing is left",
        ),
        (
            {"training": {"corpora": ["synthetic-a", "synthetic-b", "synthetic-c"]}},
            r"samples is 16000, and the clips of synthetic-a have 4096",
        ),
        ({"corpora": ["synthetic-a+synthetic-a"]}, "is not a pair of corpora"),
        ({"selections": ["last", "oracle"]}, r"write selections: \[last\]"),
        ({"fit": {"iterations": 5}}, "nothing is fitted where priors are trained"),
        (
            {"methods": ["observed", "ideal-mask", "wave-u-net"]},
            "wave-u-net is not for the task separate",
        ),
        ({"corruption": {"kind": "mixture"}}, "ideal-mask is for the corruption mixture-known"),
        (
            {
                "corruption": {"kind": "gaussian"},
                "corpora": ["synthetic-a"],
                "methods": ["observed", "conv7"],
                "metrics": ["snr"],
            },
            "is for the task separate, not denoise",
        ),
    ],
)
def test_what_is_refused(changes, words):
    with pytest.raises(DapError, match=words):
        Study(config(**changes))


def folders(tmp_path, **corpora):
    """The same on folders."""
    base = config()
    names = ("a", "b", "c")
    for name in names:
        folder = tmp_path / corpora.get(name, name)
        folder.mkdir(exist_ok=True)
        (folder / "x.wav").touch()
        base["corpora"][name] = {"title": name, "folder": str(folder), "samples": 4096}
    base["experiments"]["unheard"] |= {
        "corpora": ["a+b"],
        "training": {"corpora": list(names), "samples": 2048},
    }
    return base


def test_a_hold_out_cannot_be_the_target_by_another_name(tmp_path):
    Study(folders(tmp_path))
    with pytest.raises(DapError, match=r"a\+b: b has recordings of a: the target cannot be"):
        Study(folders(tmp_path, b="a"))


def test_a_hold_out_cannot_be_heard_by_another_name(tmp_path):
    with pytest.raises(DapError, match=r"c has recordings of b, which a\+b holds out"):
        Study(folders(tmp_path, c="b"))


def test_a_hold_out_cannot_be_heard_in_part_or_by_another_path(tmp_path):
    study = folders(tmp_path)
    (tmp_path / "all").symlink_to(tmp_path)
    for folder, files in ((tmp_path / "b", "*"), (tmp_path, "b/*"), (tmp_path / "all", "[bc]/*")):
        study["corpora"]["c"] |= {"folder": f"{folder}/", "files": files}
        with pytest.raises(DapError, match=r"c has recordings of b, which a\+b holds out"):
            Study(study)
    study["corpora"]["c"] |= {"folder": f"{tmp_path}/", "files": "c/*"}
    Study(study)


def test_an_instrument_without_recordings_is_refused(tmp_path):
    base = folders(tmp_path)
    (tmp_path / "b" / "x.wav").unlink()
    with pytest.raises(DapError, match=r"corpora\.b: .*holds no"):
        Study(base)


def test_figures_of_iterates_have_none():
    base = config() | {"figures": {"f": {"kind": "curves", "experiment": "unheard"}}}
    with pytest.raises(DapError, match="no prior among its methods"):
        Study(base)


@pytest.mark.parametrize("asked", [Asked(part="1/2"), Asked(hours=1.0), Asked(unfinished=True)])
def test_a_study_that_trains_is_made_as_a_whole(asked):
    now = Sitting(Study(config()), Digests(), asked, "x", 1, lambda: 3600.0)
    with pytest.raises(DapError, match="trains its priors, and such a study is made as a whole"):
        now.check()
