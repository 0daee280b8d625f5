"""Laws of chunks: they partition the clips, and asking for more clips changes no full one."""

from hypothesis import given
from hypothesis import strategies as st
from small_studies import config

from dap.study.study import Study

COUNTS = st.integers(1, 40)
PER_JOB = st.integers(1, 9)


def chunks(corpus: str, **keys: int) -> dict[str, list]:
    """The clips of each chunk of a corpus."""
    study = Study(config(**keys))
    count = study.clip_counts[corpus]
    return {chunk: study.clips(corpus, chunk) for chunk in study.chunks(count)}


@given(COUNTS, PER_JOB)
def test_chunks_partition_the_clips(count, per_job):
    clips_by_chunk = chunks("synthetic-speech", clips=count, clips_per_job=per_job)
    whole = chunks("synthetic-speech", clips=count, clips_per_job=count)
    assert [clip for clips in clips_by_chunk.values() for clip in clips] == whole["000"]
    sizes = [len(clips) for clips in clips_by_chunk.values()]
    assert sizes[:-1] == [per_job] * (len(sizes) - 1)
    assert 1 <= sizes[-1] <= per_job
    assert list(clips_by_chunk) == sorted(clips_by_chunk)


@given(COUNTS, COUNTS, PER_JOB)
def test_more_clips_change_no_full_chunk(fewer, more, per_job):
    fewer, more = sorted((fewer, more))
    few, many = (
        chunks("synthetic-speech", clips=count, clips_per_job=per_job) for count in (fewer, more)
    )
    for chunk, clips in few.items():
        assert many[chunk][: len(clips)] == clips
        assert many[chunk] == clips or (len(clips) < per_job and chunk == max(few))


@given(COUNTS, PER_JOB, PER_JOB)
def test_observations_do_not_depend_on_the_chunks_size(count, one, other):
    def observations(per_job):
        study = Study(config(clips=count, clips_per_job=per_job))
        return [
            observation
            for chunk in study.chunks(count)
            for observation in study.observations(
                "separate", "synthetic-piano+synthetic-drums", chunk
            ).items()
        ]

    mixtures = observations(one)
    assert mixtures == observations(other)
    assert len(mixtures) == count
    for name, (first, second) in mixtures:
        assert name == "+".join(clip.partition("/")[2] for clip in (first, second))
