"""Which chunks a part of a study has."""

import pytest
from small_studies import config

from dap.errors import DapError
from dap.study.parts import Asked, chunks_of_part, in_order, sets_of, work
from dap.study.paths import Names
from dap.study.study import Study

PAIR = "synthetic-piano+synthetic-drums"


@pytest.fixture
def study():
    """5 clips in chunks of 2: 2 corpora and a pair, so 9 sets of 2 methods."""
    return Study(config(clips=5, clips_per_job=2))


def test_all_methods_on_the_first_clips_come_first(study):
    chunks = in_order(study)
    assert len(chunks) == 18
    assert chunks[:6] == [
        Names("denoise", "synthetic-speech", "observed", "000"),
        Names("denoise", "synthetic-speech", "conv", "000"),
        Names("denoise", "synthetic-piano", "observed", "000"),
        Names("denoise", "synthetic-piano", "conv", "000"),
        Names("separate", PAIR, "observed", "000"),
        Names("separate", PAIR, "conv", "000"),
    ]
    assert [chunk.chunk for chunk in chunks] == ["000"] * 6 + ["001"] * 6 + ["002"] * 6


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 20])
def test_shares_are_a_partition_of_whole_sets(study, count):
    shares = [chunks_of_part(study, f"{index}/{count}") for index in range(1, count + 1)]
    chunks = [chunk for share in shares for chunk in share]
    assert sorted(chunks) == sorted(in_order(study))
    assert all(len(each) == 2 for share in shares for each in sets_of(share))


def test_shares_are_of_about_equal_work(study):
    # a chunk of 2 clips of 2,048 samples: 2,000 iterations of conv, and once what observed does
    conv = Names("denoise", "synthetic-piano", "conv", "000")
    assert work(study, conv) == 2 * 2048 * 2000
    assert work(study, conv._replace(method="observed")) == 2 * 2048
    assert work(study, conv._replace(chunk="002")) == 2048 * 2000  # the fifth clip
    loads = [
        sum(work(study, chunk) for chunk in chunks_of_part(study, f"{index}/3"))
        for index in (1, 2, 3)
    ]
    assert loads == [5 * 2048 * 2001] * 3


def test_more_clips_leave_the_sets_of_a_share_where_they_were(study):
    more = Study(config(clips=8, clips_per_job=2))
    for part in ("1/4", "2/4", "3/4", "4/4"):
        # but for the last chunk, which was not full and so less work
        before = [chunk for chunk in chunks_of_part(study, part) if chunk.chunk != "002"]
        assert chunks_of_part(more, part)[: len(before)] == before


def test_clips_are_named_by_their_numbers(study):
    assert {chunk.chunk for chunk in chunks_of_part(study, "clips:1")} == {"000"}
    assert {chunk.chunk for chunk in chunks_of_part(study, "clips:2,5")} == {"000", "002"}
    assert {chunk.chunk for chunk in chunks_of_part(study, "clips:3-4")} == {"001"}
    assert chunks_of_part(study, "clips:1-5") == in_order(study)
    with pytest.raises(
        DapError, match=r"part: there are no clips 4-6: this study has clips 1 to 5"
    ):
        chunks_of_part(study, "clips:4-6")
    with pytest.raises(DapError, match="there are no clips 0:"):
        chunks_of_part(study, "clips:0")
    with pytest.raises(DapError, match="there are no clips 3-2:"):
        chunks_of_part(study, "clips:3-2")


def test_what_is_asked_is_taken_out_of_the_study():
    settings = config(part="2/8", hours=2.5)
    asked = Asked.taken_from(settings, ["part=2/8", "hours=2.5"])
    assert asked == Asked("2/8", 2.5, False)
    assert asked.is_sitting
    assert settings == config()
    assert not Asked.taken_from(config(), []).is_sitting
    assert Asked.taken_from({"hours": 0}, ["hours=0"]).is_sitting
    assert Asked.taken_from({"unfinished": True}, ["unfinished=true"]).unfinished
    assert not Asked.taken_from({"unfinished": "false"}, []).unfinished


@pytest.mark.parametrize(
    "text",
    ["0/8", "9/8", "a/8", "2/0", "2", "2/", "-1/8", "2/8/3", "2.0/8", "clips:", "clips:1-", "1,2"],
)
def test_a_part_that_is_none_is_refused_by_name(text):
    with pytest.raises(DapError, match=f"part is '{text}': must be K/N, with K from 1 to N"):
        Asked.taken_from({"part": text}, [f"part={text}"])


@pytest.mark.parametrize("text", ["1:30", "-1", "nan", "inf", "soon", "true", ""])
def test_hours_that_are_none_are_refused_as_they_were_written(text):
    # YAML reads 1:30 as 90
    with pytest.raises(DapError, match=f"hours is '{text}': must be a number of hours"):
        Asked.taken_from({"hours": 90}, [f"hours={text}"])


def test_other_values_that_are_refused():
    with pytest.raises(DapError, match="hours is True"):
        Asked.taken_from({"hours": True}, [])
    with pytest.raises(DapError, match="part is None"):
        Asked.taken_from({"part": None}, [])
    with pytest.raises(DapError, match="unfinished is 'maybe': must be true or false"):
        Asked.taken_from({"unfinished": "maybe"}, [])
    with pytest.raises(DapError, match="leave part and hours out"):
        Asked.taken_from({"unfinished": True, "hours": 1}, [])
