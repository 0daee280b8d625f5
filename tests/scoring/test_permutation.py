import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import SEEDS

from dap.metrics.separation import bss_eval
from dap.scoring.permutation import best_permutation


@pytest.fixture(scope="module")
def noises():
    return np.random.default_rng(0).standard_normal((3, 4096))


@pytest.mark.parametrize("order", [[2, 0, 1], [0, 1, 2], [1, 0, 2], [2, 1, 0]])
def test_shuffled_sources_are_put_in_order(noises, order):
    leak = np.array([[0.1], [0.2], [0.4]])
    estimates = noises + leak * np.roll(noises, 1, axis=0)
    permutation = best_permutation(noises, estimates[order])
    np.testing.assert_array_equal(estimates[order][permutation], estimates)


@given(SEEDS, st.permutations(range(3)))
def test_the_order_of_the_estimates_has_no_influence(seed, order):
    references, error = np.random.default_rng(seed).standard_normal((2, 3, 200))
    estimates = references + 2 * error  # too noisy to tell them apart for certain
    one, other = estimates, estimates[list(order)]
    np.testing.assert_array_equal(
        one[best_permutation(references, one)], other[best_permutation(references, other)]
    )


def test_the_mean_snr_decides_and_no_measure_that_is_blind_to_level(noises):
    piano, drums = noises[:2]
    # the second is nearly nothing; what little it has is all of it piano
    estimates = np.stack((0.5 * piano + 0.4 * drums, 1e-4 * piano))
    # SNR: 3.9 and 0 dB as they are, -0.4 and 0 dB exchanged
    assert best_permutation(noises[:2], estimates).tolist() == [0, 1]
    straight, exchanged = (
        bss_eval(noises[:2], each).sir.mean() for each in (estimates, estimates[::-1])
    )
    assert exchanged > straight + 20


def test_on_a_tie_the_first(noises):
    mixture = noises.sum(axis=0)
    assert best_permutation(noises, np.stack([mixture] * 3)).tolist() == [0, 1, 2]
    assert best_permutation(noises[:2], np.zeros((2, 4096))).tolist() == [0, 1]
    assert best_permutation(noises[[0, 0]], noises[[0, 0]]).tolist() == [0, 1]


@pytest.mark.filterwarnings("error")
def test_silence(noises):
    piano, drums, _ = noises
    silence = np.zeros_like(piano)
    # of nothing and of something, each is the source that it costs the least
    assert best_permutation(noises[:2], np.stack((silence, piano))).tolist() == [1, 0]
    assert best_permutation(noises[:2], np.stack((drums, silence))).tolist() == [1, 0]
    # a silent reference has no say
    assert best_permutation(np.stack((piano, silence)), np.stack((drums, piano))).tolist() == [1, 0]
    assert best_permutation(np.stack((silence, silence)), noises[:2]).tolist() == [0, 1]
    assert best_permutation(noises[:1], noises[1:2]).tolist() == [0]
