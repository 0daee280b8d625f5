"""Methods that are trained, or for some rates and for speech alone, in a study."""

import pytest
from small_checkpoint import small_weights
from small_studies import config

from dap.data.weights import receipt_file
from dap.errors import DapError
from dap.plugins import plugin
from dap.study import params, presentation
from dap.study.study import Study


def study(methods=("observed", "conv", "dfl"), *, speech=("synthetic-speech",), fit=None, **keys):
    base = config(**keys)
    for name in speech:
        base["corpora"][name]["speech"] = True
    base["experiments"]["denoise"] |= {"methods": list(methods), "fit": fit or {}}
    return Study(base)


def test_a_method_for_speech_is_left_out_elsewhere():
    asked = study()
    experiment = asked.experiments["denoise"]
    assert experiment.methods == ["observed", "conv", "dfl"]
    assert experiment.methods_of("synthetic-speech") == ["observed", "conv", "dfl"]
    assert experiment.methods_of("synthetic-piano") == ["observed", "conv"]
    assert experiment.trained == ["dfl"]
    for files in (params.fit_manifests, params.score_files):
        ours = [path for path in files(asked, "denoise") if "/dfl/" in path]
        assert ours
        assert all("synthetic-speech" in path for path in ours)
        assert files(asked, "denoise", ["dfl"]) == ours
        assert not [path for path in files(asked, "denoise", ["conv"]) if "/dfl/" in path]
    for corpus, count in (("synthetic-speech", 2), ("synthetic-piano", 1)):
        assert len(presentation.figures.example_files(asked, experiment, corpus)["fits"]) == count


def test_jobs_of_a_trained_method_depend_on_its_weights():
    asked = study()
    assert params.weights(asked, "denoise", "dfl") == [receipt_file("dfl")]
    assert params.weights(asked, "denoise", "conv") == []
    assert params.weights(asked, "denoise", "observed") == []
    assert (
        params.weights_files(asked, "dfl")
        == plugin("baselines", "dfl").metadata["weights"]["files"]
    )
    assert asked.trained == {"dfl": []}
    assert params.weights_mirror(asked, "dfl") == []
    # and fits that are fed its estimate
    fed = study(["observed", "conv"], fit={"input": "dfl"})
    assert params.weights(fed, "denoise", "conv") == [receipt_file("dfl")]
    assert params.weights(fed, "separate", "conv") == []
    assert fed.trained == {"dfl": []}
    assert study(["observed", "conv"]).trained == {}


def test_tables_say_who_trained_it():
    table = {"table1": {"experiment": "denoise", "metrics": ["snr"], "baseline": "conv"}}
    notes = presentation.tables.table_setup(study(tables=table), "table1")["notes"]
    assert notes[1:] == [
        "dfl was trained on speech in noise, of VoiceBank and DEMAND, by Germain, Chen and Koltun "
        "2018 (weights: MIT); F. G. Germain, Q. Chen and V. Koltun, Speech Denoising with Deep "
        "Feature Losses, arXiv:1806.10522, 2018."
    ]
    untrained = study(["observed", "conv"], tables=table)
    assert len(presentation.tables.table_setup(untrained, "table1")["notes"]) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_rate": 8000}, "denoise.methods: dfl needs a sample_rate of 16000, not 8000"),
        ({"speech": ()}, "denoise.methods: dfl is for speech, and none of the corpora is"),
        (
            {"methods": ["observed", "conv"], "fit": {"input": "dfl"}, "sample_rate": 22050},
            "denoise.fit.input: dfl needs a sample_rate of 16000, not 22050",
        ),
        (
            {"methods": ["observed", "conv"], "fit": {"input": "dfl"}, "speech": ()},
            "denoise.fit.input: dfl is for speech, and none of the corpora is",
        ),
    ],
)
def test_what_it_is_not_for(options, message):
    with pytest.raises(DapError, match=message):
        study(**options)


def test_a_network_is_not_fed_what_needs_another_corruption():
    base = config()
    base["experiments"]["denoise"] |= {
        "corruption": {"kind": "environmental", "noise": "synthetic-drums", "snr_db": [5, 9]},
        "fit": {"input": "wiener-known"},
    }
    message = r"fit\.input: wiener-known is for the corruption gaussian, not environmental"
    with pytest.raises(DapError, match=message):
        Study(base)


def test_another_task_is_refused():
    base = config()
    base["experiments"]["denoise"]["corruption"] = {"kind": "quantization", "bins": 16}
    base["experiments"]["denoise"]["methods"] = ["observed", "dfl"]
    with pytest.raises(DapError, match=r"denoise\.methods: dfl is not for the task dequantize"):
        Study(base)


def test_a_mirror_has_to_have_the_weights(tmp_path):
    with pytest.raises(DapError, match=r"mirror .* has none of se_model\.ckpt\.index and se_model"):
        study(mirror=str(tmp_path))
    small_weights(tmp_path / "dfl")  # their names: their job looks at what is in them
    names = ("se_model.ckpt.index", "se_model.ckpt.data-00000-of-00001")
    files = [str(tmp_path / "dfl" / name) for name in names]
    asked = study(mirror=str(tmp_path))
    assert asked.trained == {"dfl": files}
    assert params.weights_mirror(asked, "dfl") == files
    # a study without it needs none, and a cluster's node may not see the mirror
    assert study(["observed"], mirror=str(tmp_path / "dfl")).trained == {}
    base = config(mirror="/nothing/here")
    base["corpora"]["synthetic-speech"]["speech"] = True
    base["experiments"]["denoise"]["methods"] = ["observed", "dfl"]
    assert Study(base, mirrored=False).trained == {"dfl": []}
