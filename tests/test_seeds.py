import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dap.seeds import derive


def test_pinned():
    # another value would change every clip, every corruption and every fit
    assert derive(2021, "fit", "a", 0) == 7647876294654044226
    digest = hashlib.sha256(b"2021\x1ffit\x1fa\x1f0").hexdigest()
    assert derive(2021, "fit", "a", 0) == int(digest[:16], 16) // 2


def test_names_are_told_apart():
    names = [(), ("a",), ("b",), ("a", "b"), ("b", "a"), ("ab",), ("a", ""), ("a", 1), ("a1",)]
    assert len({derive(seed, *name) for seed in (0, 1) for name in names}) == 2 * len(names)


def test_63_bits_evenly():
    seeds = np.array([derive(0, i) for i in range(4000)])
    assert seeds.dtype == np.int64  # what NumPy and PyTorch take
    assert seeds.min() >= 0
    # 5 standard deviations of a fair bit's mean: 5 * 0.5 / sqrt(4000)
    bits = (seeds[:, np.newaxis] >> np.arange(63)) & 1
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.04


# the separator of names is a character that none has
NAMES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=8), max_size=4
)


@given(st.integers(0, 2**40), st.integers(0, 2**40), NAMES, NAMES)
def test_seeds_are_equal_where_seed_and_names_are(seed, other, names, others):
    derived = derive(seed, *names)
    assert 0 <= derived < 2**63
    assert derive(seed, *names) == derived
    assert (derive(other, *others) == derived) == ((seed, names) == (other, others))
