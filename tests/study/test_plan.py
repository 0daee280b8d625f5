"""What is chosen, given what chunks take: with numbers, and without a clock."""

import json
from pathlib import Path
from statistics import median

import pytest
from small_parts import Digests, Results
from small_studies import changed, config

from dap.errors import DapError
from dap.study.parts import in_order, work
from dap.study.paths import Names
from dap.study.plan import (
    Estimates,
    Timing,
    fitting,
    left,
    slow,
    timings,
    took,
    trial_file,
    trials,
    unfinished,
)
from dap.study.study import Study

CODE = Digests()
PAIR = "synthetic-piano+synthetic-drums"
CONV = Names("denoise", "synthetic-speech", "conv", "000")


@pytest.fixture
def study():
    """2 clips, each a chunk, of 2 corpora and a pair, by 2 methods: 12 chunks."""
    return Study(config(clips=2, clips_per_job=1))


@pytest.fixture
def here(tmp_path, monkeypatch, study):
    """The results of the study in the working folder."""
    monkeypatch.chdir(tmp_path)
    return Results(".", study, CODE)


# ------------------------------------------------------------------ what fits


def sets(*names):
    """Chunks of sets of these names, each of a quick method and of two slow ones."""
    methods = ("observed", "conv", "dense")
    return [Names("e", name, method, "000") for name in names for method in methods]


def chosen(chunks, **options):
    takes = {"observed": 1.0, "conv": 100.0, "dense": 200.0}
    return fitting(chunks, lambda chunk: takes[chunk.method], **options)


def test_what_ends_in_time_is_chosen_in_order():
    chunks = sets("a", "b", "c")
    assert chosen(chunks, slots=1, seconds=301 * 3) == chunks
    assert chosen(chunks, slots=1, seconds=301) == chunks[:3]
    # of two slots, one has observed and dense until 201, the other conv, observed and conv, so
    # that the second dense design ends at 401
    assert chosen(chunks[:6], slots=2, seconds=401) == chunks[:6]
    assert chosen(chunks[:6], slots=2, seconds=400) == chunks[:5]
    assert chosen(chunks[:3], slots=8, seconds=200) == chunks[:3]


def test_no_more_than_one_clip_is_left_with_some_of_its_methods():
    chunks = sets("a", "b", "c")
    # all of a; of b not the dense design; and nothing of c, of which conv alone would end in time
    assert chosen(chunks, slots=1, seconds=301 + 101 + 150) == chunks[:5]
    short = [*chunks, Names("e", "d", "observed", "000")]
    assert chosen(short, slots=1, seconds=301 + 101 + 150) == [*chunks[:5], short[-1]]


def test_with_no_time_nothing_is_chosen():
    assert chosen(sets("a"), slots=2, seconds=0.0) == []
    assert fitting([], lambda chunk: 1.0, slots=1, seconds=9.0) == []
    # of what nobody has timed nothing is begun
    assert fitting(sets("a"), lambda chunk: float("inf"), slots=1, seconds=1e9) == []


# ------------------------------------------------------------------ what a chunk takes


def test_the_likest_chunks_count(study):
    measured = [
        Timing(CONV, "x", 10.0),
        Timing(CONV._replace(chunk="001"), "x", 14.0),
        Timing(CONV._replace(method="observed"), "x", 0.5),
        Timing(CONV, "y", 99.0),
    ]
    slower, middle = (Estimates(study, measured, "x", each) for each in (slow, median))
    assert (slower.seconds(CONV), middle.seconds(CONV)) == (14.0, pytest.approx(12.0))
    # another corpus of the same experiment, of clips of the same length
    assert slower.seconds(CONV._replace(corpus="synthetic-piano")) == 14.0
    # nobody has separated
    assert slower.seconds(Names("separate", PAIR, "conv", "000")) is None
    assert Estimates(study, measured, "z", slow).seconds(CONV) is None


def test_other_lengths_take_as_much_longer():
    settings = config(clips=3, clips_per_job=2)
    settings["corpora"]["synthetic-piano"]["samples"] = 4096
    settings["corpora"]["synthetic-drums"]["samples"] = 4096
    settings["experiments"]["denoise"]["fits"] = {"conv": {"iterations": 50}}
    study = Study(settings)
    estimates = Estimates(study, [Timing(CONV, "x", 10.0)], "x", slow)
    piano = CONV._replace(corpus="synthetic-piano")
    assert work(study, CONV) == 2 * 2048 * 50
    assert estimates.seconds(piano) == pytest.approx(20.0)
    assert estimates.seconds(piano._replace(chunk="001")) == pytest.approx(10.0)  # the third clip


def test_a_chunk_took_what_its_manifest_or_its_jobs_say(study, here):
    here.make([CONV])
    assert took(here.paths, CONV) == Timing(CONV, "x", 4.0)
    for rule, seconds in (("fit", 6.5), ("score", 1.5)):
        path = Path(here.paths.benchmark(rule, *CONV))
        path.parent.mkdir(parents=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:06\n")
    assert took(here.paths, CONV).seconds == 8.0
    # a job that took up what an earlier one had done lasted less than the fits
    Path(here.paths.benchmark("fit", *CONV)).write_text("s\th:m:s\n0.5\t0:00:00\n")
    assert took(here.paths, CONV).seconds == 5.5


def test_times_of_chunks_with_and_without_records(study, here):
    here.make([CONV])
    here.seconds = 7.0
    here.make_one(CONV._replace(chunk="001"), record=False)
    assert timings(study) == [Timing(CONV, "x", 4.0), Timing(CONV._replace(chunk="001"), "x", 7.0)]


def test_what_was_fitted_otherwise_tells_no_times(study, here):
    here.make([CONV])
    assert [timing.chunk for timing in timings(study)] == [CONV]
    longer = Study(changed("experiments.denoise.fit", {"iterations": 4000}))
    assert timings(longer) == []


def test_trials(study, tmp_path):
    path = trial_file(study.paths, "AMD EPYC 9R14 (a) ")
    assert path == "results/tiny/timings/AMD-EPYC-9R14-a.json"
    assert trials(str(tmp_path / "none.json"), lambda chunk: {}) == []
    file = tmp_path / "x.json"
    entry = {"chunk": CONV._asdict(), "cpu": "x", "seconds": 2, "trial": {"fits": 3}}
    file.write_text(json.dumps([entry]))
    assert trials(str(file), lambda chunk: {"fits": 3}) == [Timing(CONV, "x", 2.0)]
    assert trials(str(file), lambda chunk: {"fits": 4}) == []
    file.write_text('[{"chunk": 1}]')
    with pytest.raises(DapError, match=r"x\.json: is damaged: delete it"):
        trials(str(file), lambda chunk: {})


# ------------------------------------------------------------------ what is left


def test_what_is_not_finished(study, here):
    chunks = in_order(study)
    assert unfinished(study, CODE, chunks) == chunks
    here.make(chunks[:3])
    assert unfinished(study, CODE, chunks) == chunks[3:]
    # one of other code, one without its scores, one that was never recorded
    assert unfinished(study, Digests(conv="e"), chunks) == [chunks[1], *chunks[3:]]
    Path(here.paths.scores(*chunks[0])).unlink()
    here.make_one(chunks[3], record=False)
    assert unfinished(study, CODE, chunks) == [chunks[0], *chunks[3:]]


def test_hours_left(study, here):
    chunks = in_order(study)
    assert left(study) == (
        "0 of 12 chunks are made; how long the others take is not known, since none was timed."
    )
    here.seconds = 3600.0
    here.make([CONV])
    # conv of denoising is timed, of which 3 are left; observed and separation are not
    assert left(study) == (
        "1 of 12 chunks are made; the other 3 take 3.0 hours, one after the other, by the median "
        "of those made on x, 1 thread; 8 more were not timed yet (4 of observed in denoise, "
        "2 of observed in separate, 2 of conv in separate)."
    )
    here.make(chunks)
    assert left(study) == "12 of 12 chunks are made."
