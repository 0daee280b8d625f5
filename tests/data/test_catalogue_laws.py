"""Laws of draws: asking for more changes nothing, and every recording comes before any twice."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from strategies import SEEDS

from dap.data.catalogue import draws

# names without what an id writes otherwise, so that each gives another
NAMES = st.builds(
    "{}{}.wav".format, st.sampled_from(["", "a/", "b/"]), st.text("abz019-", min_size=1, max_size=8)
)
FILES = st.lists(NAMES, min_size=1, max_size=8, unique=True)


def corpus(folder: str, files: list[str]) -> dict:
    """A folder of recordings."""
    for file in files:
        path = Path(folder) / file
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return {"folder": folder, "files": "**/*"}


@given(FILES, SEEDS, st.integers(0, 30), st.integers(0, 30))
def test_asking_for_more_keeps_the_first(files, seed, fewer, more):
    with tempfile.TemporaryDirectory() as folder:
        entry = corpus(folder, files)
        fewer, more = sorted((fewer, more))
        few, many = (draws("c", entry, seed, count) for count in (fewer, more))
    assert many[:fewer] == few
    assert len({draw.clip for draw in many}) == more


@given(FILES, SEEDS, st.integers(1, 3))
def test_every_recording_is_drawn_before_any_is_again(files, seed, rounds):
    with tempfile.TemporaryDirectory() as folder:
        entry = corpus(folder, files)
        drawn = draws("c", entry, seed, rounds * len(files))
    for k in range(rounds):
        part = drawn[k * len(files) : (k + 1) * len(files)]
        assert {draw.file for draw in part} == set(files)
        assert {draw.window_index for draw in part} == {k}


@given(FILES, SEEDS, st.data())
def test_a_recording_more_leaves_the_order_of_the_rest(files, seed, data):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        some = data.draw(st.lists(st.sampled_from(files), min_size=1, unique=True))
        all_of_them = draws("c", corpus(folder, files), seed, len(files))
        order = [draw.file for draw in draws("c", corpus(other, some), seed, len(some))]
    assert [draw.file for draw in all_of_them if draw.file in order] == order


@given(SEEDS, SEEDS, st.integers(0, 50), st.integers(0, 50))
def test_synthetic_clips_are_numbered(seed, other, fewer, more):
    fewer, more = sorted((fewer, more))
    entry = {"synthetic": "speech"}
    assert draws("c", entry, seed, more)[:fewer] == draws("d", entry, other, fewer)
