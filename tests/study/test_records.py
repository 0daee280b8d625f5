"""What records say, and when they agree."""

import json
import re

import pytest
from small_parts import Digests
from small_studies import config

from dap.errors import DapError
from dap.study.code_hash import FORMAT, PACKAGE, Code
from dap.study.parts import in_order
from dap.study.paths import Names
from dap.study.records import STAGES, Agreement, made_of, read_record
from dap.study.study import Study

CONV = Names("denoise", "synthetic-speech", "conv", "000")
PAIR = Names("separate", "synthetic-piano+synthetic-drums", "conv", "000")


@pytest.fixture
def study():
    return Study(config(clips=2, clips_per_job=1))


def test_a_chunk_is_made_of_its_experiment_alone(study):
    made = made_of(study, Digests(), CONV)
    assert made["setup"]["study"] == {
        "study": "tiny",
        "seed": 2021,
        "sample_rate": 16000,
        "threads": 1,
        "clips_per_job": 1,
        "spectrogram": {"n_fft": 1022, "hop_length": 64, "window": "hann"},
    }
    assert set(made["setup"]) == {
        "study",
        "corpora.synthetic-speech",
        "experiments.denoise",
        "experiments.denoise.corruption",
        "experiments.denoise.fit.conv",
        "experiments.denoise.synthetic-speech",
        "experiments.denoise.trajectory",
    }
    assert made["setup"]["experiments.denoise.fit.conv"]["iterations"] == 2000
    assert "smoothness" not in made["setup"]["experiments.denoise.fit.conv"]  # of separation
    assert "folder" not in made["setup"]["corpora.synthetic-speech"]
    assert made["code"]["fits.denoise.conv"] == {
        "format": str(FORMAT),
        "workflow/scripts/fit.py": "d",
        "dap.priors.conv": "d",
    }
    observed = made_of(study, Digests(), CONV._replace(method="observed"))
    assert "experiments.denoise.fit.observed" not in observed["setup"]
    assert set(observed["code"]["fits.denoise.observed"]) == {
        "format",
        "workflow/scripts/baseline.py",
        "dap.baselines.observed",
    }
    assert {"corpora.synthetic-piano", "corpora.synthetic-drums"} <= set(
        made_of(study, Digests(), PAIR)["setup"]
    )


def test_the_stages_are_those_of_the_rules():
    # a study that trains is not made in parts
    folder = PACKAGE.parent / "workflow" / "rules"
    rules = "".join(
        path.read_text() for path in sorted(set(folder.glob("*.smk")) - {folder / "train.smk"})
    )
    named = dict(re.findall(r'code\("(\w+\.py)", plugins_of=depends\.(\w+)\)', rules))
    assert named == {script: modules.__name__ for script, modules in STAGES.values()}


def test_the_digests_are_those_of_the_code(study):
    made = made_of(study, Code(), CONV)["code"]["fits.denoise.conv"]
    digests = Code().digests("workflow/scripts/fit.py", "dap.priors.conv")
    assert made == digests | {"format": str(FORMAT)}
    assert "dap.nn.dilated_unet" in made


def test_all_chunks_of_a_study_agree(study):
    agreement = Agreement("leave one out")
    for chunk in in_order(study):
        agreement.add(made_of(study, Digests(), chunk), str(chunk))


def test_a_key_that_only_one_has_is_named(study):
    agreement = Agreement("leave one out")
    agreement.add({"setup": {"experiments.denoise.fit.conv": {"a": 1}}}, "one")
    with pytest.raises(DapError) as refused:
        agreement.add({"setup": {"experiments.denoise.fit.conv": {"a": 1, "b": [2]}}}, "two")
    assert str(refused.value) == (
        "two: the study's key experiments.denoise.fit.conv.b is [2], and not there in one: "
        "leave one out"
    )
    # what is not compared does not matter
    agreement.add({"code": {"fits.denoise.conv": {"m": "1"}}}, "one")
    agreement.add({"code": {"fits.denoise.conv": {"m": "2"}}}, "two", ("setup",))


def test_a_record_of_the_wrong_types(tmp_path):
    path = tmp_path / "000.json"
    good = {"form": 1, "chunk": CONV._asdict(), "setup": {}, "code": {}, "data": {}}
    good |= {"files": {}, "cpu": "x", "seconds": 1.0}
    path.write_text(json.dumps(good))
    assert read_record(path) == good
    for key, value in (("seconds", "1"), ("cpu", None), ("files", []), ("setup", None)):
        path.write_text(json.dumps(good | {key: value}))
        with pytest.raises(DapError, match=r"000\.json: is no record of a chunk, or a damaged one"):
            read_record(path)
    path.write_text("[]")
    with pytest.raises(DapError, match=r"000\.json: is no record of a chunk"):
        read_record(path)
