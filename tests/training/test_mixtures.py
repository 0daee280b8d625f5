"""What mixtures are drawn, by position, and of which recordings."""

import numpy as np
import pytest
from small_trainings import SAMPLES, hiss, recordings, tone

from dap.errors import DapError
from dap.training import mixtures
from dap.training.mixtures import Mixtures, split


def test_a_position_settles_its_mixture():
    one, other = (Mixtures("tones", recordings(), SAMPLES, seed=1) for _ in range(2))
    forwards = [one.draw(position) for position in range(20)]
    backwards = [other.draw(position) for position in reversed(range(20))][::-1]
    for (target, mixture), (again, mixed) in zip(forwards, backwards, strict=True):
        assert target.shape == mixture.shape == (SAMPLES,)
        assert np.array_equal(target, again)
        assert np.array_equal(mixture, mixed)
    assert len({mixture.tobytes() for _, mixture in forwards}) == 20
    of_another_seed = Mixtures("tones", recordings(), SAMPLES, seed=2).draw(0)[1]
    assert not np.array_equal(of_another_seed, forwards[0][1])


def test_a_mixture_is_the_target_and_one_other_instrument():
    constants = {
        name: {"0": [np.full(SAMPLES, level, np.float32)]}
        for name, level in (("target", 0.5), ("a", 0.25), ("b", 0.125))
    }
    drawn = Mixtures("target", constants, SAMPLES, seed=0)
    sums = set()
    for position in range(40):
        target, mixture = drawn.draw(position)
        assert (target == 0.5).all()
        sums.add(float(mixture[0]))
    assert sums == {0.75, 0.625}


def test_no_excerpt_crosses_from_one_clip_of_a_recording_to_the_next():
    clips = [np.full(SAMPLES + 5, level, np.float32) for level in (0.5, 0.25)]
    drawn = Mixtures("a", {"a": {"0": clips}, "b": {"0": clips}}, SAMPLES, seed=0)
    levels = [np.unique(drawn.draw(position)[0]) for position in range(20)]
    assert {len(each) for each in levels} == {1}
    assert {float(each[0]) for each in levels} == {0.5, 0.25}


def test_silent_excerpts_are_drawn_again_and_counted():
    half = np.concatenate((np.zeros(3 * SAMPLES, np.float32), tone(500, SAMPLES)))
    drawn = Mixtures("a", {"a": {"0": [half]}, "b": {"0": [hiss(0)]}}, SAMPLES, seed=0)
    for position in range(10):
        target, _ = drawn.draw(position)
        assert np.abs(target).max() > mixtures.SILENCE
    # about two of three starts lie in the silence
    assert 5 <= drawn.redrawn <= 60


def test_nothing_but_silence_is_an_error():
    silent = {"a": {"0": [np.zeros(SAMPLES, np.float32)]}, "b": {"0": [hiss(0)]}}
    with pytest.raises(DapError, match="corpus a: 200 excerpts of 2048 samples were silent"):
        Mixtures("a", silent, SAMPLES, seed=0).draw(0)


def test_a_recording_shorter_than_a_mixture_is_refused():
    short = recordings() | {"hiss": {"x.wav": [hiss(0, SAMPLES - 1)]}}
    with pytest.raises(DapError, match=r"corpus hiss: x\.wav has 2047 samples, and a mixture 2048"):
        Mixtures("tones", short, SAMPLES, seed=0)


def test_a_target_alone_is_refused():
    with pytest.raises(DapError, match="there is nothing to mix tones with"):
        Mixtures("tones", {"tones": recordings()["tones"]}, SAMPLES, seed=0)


@pytest.mark.parametrize(("count", "share", "expected"), [(20, 0.1, 2), (4, 0.1, 1), (2, 0.9, 1)])
def test_a_share_of_the_recordings_validates(count, share, expected):
    heard, held = split(recordings(count), share, seed=0)
    for corpus, signals in recordings(count).items():
        assert len(held[corpus]) == expected
        assert {*heard[corpus], *held[corpus]} == set(signals)
        assert not set(heard[corpus]) & set(held[corpus])
    assert split(recordings(20), 0.1, seed=1)[1].keys() == held.keys()
    names = [set(split(recordings(20), 0.1, seed)[1]["hiss"]) for seed in range(5)]
    assert len(set(map(frozenset, names))) > 1


def test_one_recording_cannot_be_split():
    with pytest.raises(DapError, match="corpus tones: 1 recordings are left to train on"):
        split(recordings(1), 0.1, seed=0)
