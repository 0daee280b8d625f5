"""What is shown of a study that is not finished."""

import pytest
from small_parts import Digests, Results
from small_studies import config

from dap.errors import DapError
from dap.runtime.collect import collect
from dap.study import presentation
from dap.study.params import all_fits, all_scores
from dap.study.parts import in_order
from dap.study.paths import Names
from dap.study.study import Study
from dap.study.unfinished import claims_shown, figures_shown, methods_shown, tables_shown

PAIR = "synthetic-piano+synthetic-drums"
OBSERVED = Names("denoise", "synthetic-piano", "observed", "000")
CONV = OBSERVED._replace(method="conv")
CLAIM = "the gains come without added network complexity"


def settings():
    keys = config(clips=2, clips_per_job=1)
    keys["corpora"]["synthetic-speech"] |= {"speech": True, "samples": 4096}
    keys["experiments"]["denoise"]["metrics"] = ["pesq_nb", "snr"]
    keys["experiments"]["denoise"]["methods"] = ["observed", "conv", "dilated"]
    comparison = {"experiment": "denoise", "metric": "snr", "over": "conv", "method": "dilated"}
    keys["claims"] = [
        {"paper": "interspeech2021", "claim": CLAIM, "comparisons": [
            comparison | {"method": "observed"},
            comparison,
            comparison | {"metric": "pesq_nb", "method": "observed"},
        ]},
    ]  # fmt: skip
    return keys | {
        "tables": {
            "table1": {"experiment": "denoise", "metrics": ["pesq_nb", "snr"]},
            "table2": {"experiment": "separate", "metrics": ["sdr"], "baseline": "observed"},
        },
        "figures": {
            "curves": {"kind": "curves", "experiment": "denoise"},
            "example": {"kind": "example", "experiment": "denoise", "corpus": "synthetic-piano"},
            "statistics": {"kind": "statistics", "experiment": "denoise"},
            "separated": {"kind": "example", "experiment": "separate"},
        },
    }


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Results(".", Study(settings()), Digests())


def unfinished():
    return Study(settings(), unfinished=True)


def test_a_study_with_nothing_has_nothing_to_show(here):
    study = unfinished()
    assert all_scores(study) == all_fits(study) == []
    assert tables_shown(study) == figures_shown(study) == claims_shown(study) == []


def test_of_observations_alone_there_is_a_table(here):
    here.make([OBSERVED])
    study = unfinished()
    assert (tables_shown(study), figures_shown(study)) == (["table1"], [])
    assert all_scores(study) == [study.paths.scores(*OBSERVED)]
    entry, setup = (each(study, "table1") for each in (
        presentation.tables.table_entry, presentation.tables.table_setup,
    ))  # fmt: skip
    # piano has no PESQ, a baseline no other selection, and there is nothing to compare with
    assert (entry["metrics"], entry["baseline"], entry["title"]) == (
        ["snr"], None, "table1 (unfinished)",
    )  # fmt: skip
    assert (setup["methods"], setup["selections"]) == (["observed"], ["last"])
    assert "clips of 0.128 s;" in setup["notes"][0]  # those of speech are longer
    assert setup["notes"][1:] == [
        "Of 4 clips, so far: observed 1, conv 0, dilated 0.",
        "Unfinished: 1 of 16 chunks are made; the other 3 take 0.0056 hours, one after the other, "
        "by the median of those made on x, 1 thread; 12 more were not timed yet (4 of conv in "
        "denoise, 4 of dilated in denoise, 2 of observed in separate, 2 of conv in separate).",
    ]
    assert claims_shown(study) == []


def test_what_two_methods_share_is_compared(here):
    here.make([OBSERVED, CONV])
    study = unfinished()
    assert methods_shown(study, "denoise") == ["observed", "conv"]
    assert presentation.tables.table_entry(study, "table1")["baseline"] == "conv"
    assert presentation.tables.table_setup(study, "table1")["selections"][0] == "last"
    assert figures_shown(study) == ["curves", "example"]
    assert presentation.figures.curves_setup(study, "curves")["methods"] == ["observed", "conv"]
    fits = presentation.figures.example_inputs(study, "example")["fits"]
    assert fits == [study.paths.fits(*CONV)]
    (claim,) = claims_shown(study)
    assert [each["metric"] for each in claim["comparisons"]] == ["snr"]
    assert claim["comparisons"][0]["method"] == "observed"
    config = presentation.report.report_setup(study)["config"]
    assert (config["title"], list(config["figures"])) == (
        "tiny (unfinished)", ["curves", "example"],
    )  # fmt: skip
    assert config["notes"][0].startswith("Unfinished: 2 of 16 chunks are made")
    assert presentation.report.report_inputs(study)["manifests"] == [
        study.paths.clips("synthetic-piano", "000")
    ]


def test_the_difference_of_two_gains_is_not_judged_by_one_of_them(here):
    keys = settings()
    one = keys["claims"][0]["comparisons"][1]
    than = one | {"than": {"method": "conv", "over": "observed"}}
    keys["claims"][0]["comparisons"] = [one | {"method": "conv", "over": "observed"}, than]
    here.make([OBSERVED, CONV])
    assert claims_shown(Study(keys, unfinished=True)) == []
    here.make([CONV._replace(method="dilated")])
    (claim,) = claims_shown(Study(keys, unfinished=True))
    assert len(claim["comparisons"]) == 2


def test_clips_that_no_two_methods_share_are_not_compared(here):
    here.make([OBSERVED, CONV._replace(chunk="001")])
    assert claims_shown(unfinished()) == []


def test_what_needs_all_sounds_is_not_drawn_of_what_was_collected(here, tmp_path):
    part = Results(tmp_path / "elsewhere", here.study, Digests()).make()
    collect([part.root], here.root)
    assert figures_shown(unfinished()) == ["curves", "example", "separated"]


def test_steps_of_what_was_collected_without_snapshots_are_refused(here, tmp_path):
    part = Results(tmp_path / "elsewhere", here.study, Digests()).make()
    collect([part.root], here.root)
    keys = settings()
    keys["figures"]["steps"] = {"kind": "steps", "experiment": "denoise", "steps": [2000]}
    assert "steps" not in figures_shown(Study(keys, unfinished=True))
    chunk = "denoise/synthetic-speech/conv/000"
    with pytest.raises(DapError, match=f"figures.steps: {chunk} was collected without"):
        presentation.figures.steps_inputs(Study(keys), "steps")


def test_of_a_study_with_everything_everything_is_shown(here):
    here.make(in_order(here.study))
    study, whole = unfinished(), Study(settings())
    assert tables_shown(study) == list(study["tables"])
    assert figures_shown(study) == list(study["figures"])
    assert all_scores(study) == all_scores(whole)
    setup = presentation.tables.table_setup(study, "table1")
    assert len(setup["notes"]) == 1  # and nothing is called unfinished
    assert "clips of 0.128 and 0.256 s;" in setup["notes"][0]
    assert presentation.tables.table_entry(study, "table1")["title"] == "table1"
    assert presentation.report.report_setup(study)["config"]["notes"] == []
    assert presentation.report.report_inputs(study) == presentation.report.report_inputs(whole)


def test_a_study_that_is_not_said_to_be_unfinished_wants_all(here):
    study = Study(settings())
    assert len(all_scores(study)) == 16
    assert presentation.tables.table_entry(study, "table1") is study["tables"]["table1"]
    assert len(presentation.tables.table_setup(study, "table1")["notes"]) == 1
    assert presentation.report.report_setup(study)["config"] is study.config
