"""What a sitting makes, and what it refuses to go on with."""

import json
from pathlib import Path

import pytest
from small_parts import Digests, Results
from small_studies import changed, config

from dap.errors import DapError
from dap.runtime.collect import collect
from dap.study.parts import Asked, chunks_of_part, in_order
from dap.study.paths import Names
from dap.study.plan import kept, trial_file
from dap.study.sitting import (
    Sitting,
    check_collected,
    priority,
    trial_entries,
    trial_observations,
)
from dap.study.study import Study

CODE = Digests()
SMALL = {"clips": 2, "clips_per_job": 1}


@pytest.fixture
def study():
    """2 clips, each a chunk, of 2 corpora and a pair, by 2 methods: 12 chunks."""
    return Study(config(**SMALL))


@pytest.fixture
def here(tmp_path, monkeypatch, study):
    """The results of the study in the working folder."""
    monkeypatch.chdir(tmp_path)
    return Results(".", study, CODE)


def sitting(study, part="", hours=None, *, cpu="x", slots=2):
    return Sitting(study, CODE, Asked(part, hours), cpu, slots, lambda: 3600 * (hours or 0))


def elsewhere(tmp_path, study, chunks=None, code=CODE):
    """A part of another machine, which was collected here."""
    part = Results(tmp_path / "elsewhere", study, code).make(chunks)
    collect([part.root], Path("results/tiny"))


def test_a_part_is_made_but_for_what_is_finished(study, here):
    part = chunks_of_part(study, "1/2")
    here.make(part[:2])
    now = sitting(study, "1/2")
    assert now.chosen() == part[2:]
    assert not now.needs_trial()
    assert now.in_words(now.chosen()) == ("this sitting makes 4 of 4 missing chunks of part 1/2")


def test_what_was_collected_is_not_made(here, tmp_path):
    elsewhere(tmp_path, here.study, chunks_of_part(here.study, "1/2"))
    study = Study(config(**SMALL))
    assert sitting(study).chosen() == [
        chunk for chunk in in_order(study) if chunk in chunks_of_part(study, "2/2")
    ]


def test_hours_choose_by_what_chunks_took_on_this_cpu(study, here):
    chunks = in_order(study)
    here.make(chunks[:6])  # the first clips: 4 s a chunk
    # 4.4 s a chunk, with the margin; 2 at a time
    assert sitting(study, hours=4.5 / 3600).chosen() == chunks[6:8]
    assert sitting(study, hours=14 / 3600).chosen() == chunks[6:]
    assert sitting(study, hours=0.0).chosen() == []
    assert not sitting(study, hours=1.0).needs_trial()
    assert sitting(study, hours=1.0, cpu="y").needs_trial()
    assert not sitting(study, hours=0.0, cpu="y").needs_trial()
    assert sitting(study, hours=1.0, cpu="y").chosen() == []
    words = sitting(study, hours=4.5 / 3600)
    assert words.in_words(chunks[6:8]) == (
        "this sitting makes 2 of 6 missing chunks, those that end within 0.00125 hours; a chunk "
        "takes 0.0012 hours to 0.0012 hours on x, and 2 are made at a time"
    )


def test_a_damaged_record_is_refused_before_any_job(study, here):
    here.make(in_order(study)[:1])
    sitting(study).check()
    sitting(study, "1/2", 1.0).check()
    path = Path(study.paths.records(*in_order(study)[0]))
    path.write_text("{")
    sitting(study).check()  # is no sitting, so nothing is read
    with pytest.raises(DapError, match=r"000\.json: is torn or was changed"):
        sitting(study, "1/2").check()
    with pytest.raises(DapError, match="there are no clips 3: this study has clips 1 to 2"):
        sitting(study, "clips:3").check()


def test_trials_count_where_nothing_else_was_measured(study, here):
    chunks = in_order(study)
    here.make([chunks[1]])  # conv of denoising, 4 s
    path = Path(trial_file(study.paths, "x"))
    path.parent.mkdir(parents=True)
    entries = [
        {"chunk": entry["chunk"], "cpu": "x", "seconds": 10.0, "trial": kept(entry, 2)}
        for entry in trial_entries(study)
    ]
    path.write_text(json.dumps(entries))
    now = sitting(study, hours=1.0)
    assert not now.needs_trial()
    # with another number of fits beside each other, or another setup, they are others
    assert sitting(study, hours=1.0, slots=3).needs_trial()
    longer = config(**SMALL)
    longer["experiments"]["denoise"]["fit"] = {"iterations": 4000}
    assert sitting(Study(longer), hours=1.0).needs_trial()
    times = {chunk: now.estimates().seconds(chunk) for chunk in chunks}
    assert {chunk: seconds for chunk, seconds in times.items() if seconds != 10.0} == {
        chunk: 4.0 for chunk in chunks if chunk[::2] == ("denoise", "conv")
    }


def test_each_method_of_each_experiment_is_tried(study):
    assert trial_observations(study) == [
        study.paths.observations("denoise", "synthetic-speech", "000"),
        study.paths.observations("separate", "synthetic-piano+synthetic-drums", "000"),
    ]
    entries = trial_entries(Study(config(clips=5, clips_per_job=2, seeds=3)))
    assert [entry["method"] for entry in entries] == ["observed", "conv"] * 2
    assert [entry["fits"] for entry in entries] == [2, 6, 2, 6]
    assert entries[0]["setup"] == {}
    assert entries[1]["setup"]["fit"]["iterations"] == 2000


def test_priorities_are_in_order_and_below_those_of_all_else(study):
    of_names = priority(study)
    assert [of_names(study, *chunk) for chunk in in_order(study)] == list(range(0, -12, -1))


def test_what_was_collected_has_to_be_of_this_setup_and_code(here, tmp_path):
    elsewhere(tmp_path, here.study, chunks_of_part(here.study, "1/2"))
    check_collected(Study(config(**SMALL)), CODE)
    other = changed("experiments.denoise.corruption", {"kind": "gaussian", "std": 0.3}) | SMALL
    with pytest.raises(DapError, match=r"corruption\.std is 0\.1, and 0\.3 in the study as"):
        check_collected(Study(other), CODE)
    with pytest.raises(DapError, match=r"the code of dap\.priors\.conv \(fits\.denoise\.conv\)"):
        check_collected(Study(config(**SMALL)), Digests(conv="e"))


def test_a_study_that_is_complete_can_be_shown_by_later_code(here, tmp_path):
    elsewhere(tmp_path, here.study)
    check_collected(Study(config(**SMALL)), Digests(conv="e"))
    with pytest.raises(DapError, match="the code of"):  # which makes more clips
        check_collected(Study(config(**(SMALL | {"clips": 3}))), Digests(conv="e"))
    check_collected(Study(config(**(SMALL | {"clips": 3})), unfinished=True), Digests(conv="e"))


def test_unfinished_tables_are_of_one_code(here, tmp_path):
    elsewhere(tmp_path, here.study, chunks_of_part(here.study, "1/2"), Digests(conv="e"))
    here.make(chunks_of_part(here.study, "2/2"))
    with pytest.raises(DapError, match=r'conv \(fits\.\w+\.conv\) is "[de]", and "[de]" in'):
        check_collected(Study(config(**SMALL), unfinished=True), CODE)


def test_unfinished_tables_are_of_the_setup_of_what_was_made_here(study, here):
    here.make([Names("denoise", "synthetic-speech", "conv", "000")])
    check_collected(Study(config(**SMALL), unfinished=True), CODE)
    other = changed("experiments.denoise.corruption", {"kind": "gaussian", "std": 0.3}) | SMALL
    check_collected(Study(other), CODE)  # which makes the chunk anew
    message = r"std is 0\.1, and 0\.3 in the study as it is: keep .* delete results/tiny/records"
    with pytest.raises(DapError, match=message):
        check_collected(Study(other, unfinished=True), CODE)


def test_a_last_chunk_that_the_study_has_more_clips_of_is_made_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    three, four = (config(clips=clips, clips_per_job=2) for clips in (3, 4))
    Results(".", Study(three), CODE).make()
    assert sitting(Study(three)).chosen() == []
    again = sitting(Study(four)).chosen()
    assert again == [chunk for chunk in in_order(Study(four)) if chunk.chunk == "001"]
    # of what was collected it cannot be
    (tmp_path / "joined").mkdir()
    monkeypatch.chdir(tmp_path / "joined")
    elsewhere(tmp_path, Study(three))
    check_collected(Study(three), CODE)
    with pytest.raises(DapError, match=r"001\.json: has fewer clips than the study has in that"):
        check_collected(Study(four), CODE)


def test_a_method_for_speech_is_tried_on_speech():
    keys = config(**SMALL)
    keys["experiments"]["denoise"]["corpora"] = ["synthetic-piano", "synthetic-speech"]
    keys["experiments"]["denoise"]["methods"] = ["observed", "dfl"]
    keys["corpora"]["synthetic-speech"]["speech"] = True
    study = Study(keys)
    tried = [Names(**entry["chunk"]) for entry in trial_entries(study)]
    assert [chunk[1:3] for chunk in tried[:2]] == [
        ("synthetic-piano", "observed"), ("synthetic-speech", "dfl"),
    ]  # fmt: skip
    observations = [study.paths.observations(*chunk[:2], "000") for chunk in tried]
    assert trial_observations(study) == list(dict.fromkeys(observations))
    assert len(trial_observations(study)) == 3


def test_nothing_collected_is_nothing_to_check(study, here):
    here.make([Names("denoise", "synthetic-speech", "conv", "000")])
    check_collected(study, Digests(conv="e"))
