"""Recordings that cannot be used: which others take their place, and what is written of it."""

from pathlib import Path

import numpy as np
import pytest

from dap.audio import write
from dap.data.catalogue import draws, spares
from dap.data.clips import UnusableError, make, write_chunk
from dap.data.folders import listing
from dap.data.names import folded
from dap.data.skipped import check_replaced, notes, read_skipped
from dap.errors import DapError
from dap.store import read_rows

RATE = 16000
OPTIONS = {"seed": 1, "sample_rate": RATE}


@pytest.fixture(autouse=True)
def _fresh():
    listing.cache_clear()


@pytest.fixture
def entry(tmp_path):
    """Six recordings of four windows each, and the corpus's entry."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for k in range(6):
        noise = np.random.default_rng(k).normal(0, 0.1, 8192).astype(np.float32)
        write(folder / f"{k}.wav", noise, RATE)
    return {
        "folder": str(folder), "files": "**/*", "samples": 2048, "level": "recorded",
        "window": "loudest",
    }  # fmt: skip


def spoil(entry, file, content=b"no sound"):
    (Path(entry["folder"]) / file).write_bytes(content)


def silence(entry, file):
    write(f"{entry['folder']}/{file}", np.zeros(8192, np.float32), RATE)


def chunk(entry, tmp_path, count, first=0, last=None):
    """The rows of a chunk's manifest."""
    manifest = tmp_path / "clips" / f"{first}" / "manifest.csv"
    chosen = draws("c", entry, 1, count)[first:last]

    def replacing(index):
        return spares("c", entry, 1, count)[first + index]

    write_chunk(manifest, "c", entry, chosen, spares=replacing, **OPTIONS)
    return manifest


def test_unused_recordings_come_first_and_no_clip_has_anothers(entry):
    for count in range(1, 20):
        drawn, spare = draws("c", entry, 1, count), spares("c", entry, 1, count)
        used = drawn + [each for several in spare for each in several]
        assert len({folded(draw.clip) for draw in used}) == len(used)
        for draw, several in zip(drawn, spare, strict=True):
            assert draw.file not in {each.file for each in several}
        assert all(spare)
    order = [draw.file for draw in draws("c", entry, 1, 6)]
    assert [several[0].file for several in spares("c", entry, 1, 2)] == [order[5], order[4]]
    # a clip more changes no other's
    assert [several[0].file for several in spares("c", entry, 1, 3)] == order[:2:-1]


def test_a_recording_alone_has_no_spare(entry):
    assert spares("c", entry | {"files": "0.wav"}, 1, 1) == [[]]


def test_where_all_are_fine_nothing_is_skipped(entry, tmp_path):
    manifest = chunk(entry, tmp_path, 3)
    assert [row["clip"] for row in read_rows(manifest)] == [
        draw.clip for draw in draws("c", entry, 1, 3)
    ]
    assert read_skipped([manifest]) == {}
    assert notes({"mine": [manifest]}) == []


@pytest.mark.parametrize(
    ("damage", "reason"), [(spoil, "cannot be read as audio"), (silence, "is silent")]
)
def test_another_recording_takes_the_place_of_one(entry, tmp_path, damage, reason):
    order = [draw.file for draw in draws("c", entry, 1, 6)]
    damage(entry, order[1])
    manifest = chunk(entry, tmp_path, 3)
    rows = read_rows(manifest)
    assert [row["source"] for row in rows] == [order[0], order[4], order[2]]
    assert [row["clip"] for row in rows] == [row["source"].removesuffix(".wav") for row in rows]
    # the clip is what it would have been in its own right
    drawn = make("c", entry, draws("c", entry, 1, 5)[4], **OPTIONS)
    assert float(rows[1]["start"]) == drawn.start / RATE
    ((file, why),) = read_skipped([manifest]).items()
    assert file == order[1]
    assert why.startswith(reason)
    (text,) = notes({"mine": [manifest]})
    assert text == f"1 recording of corpus mine was skipped: {order[1]}: {why}."
    # once it is mended, the list is gone
    write(f"{entry['folder']}/{order[1]}", np.ones(8192, np.float32), RATE)
    assert read_skipped([chunk(entry, tmp_path, 3)]) == {}


def test_a_spare_may_be_spoilt_too_and_chunks_share_none(entry, tmp_path):
    order = [draw.file for draw in draws("c", entry, 1, 6)]
    for file in (order[0], order[1], order[5]):
        spoil(entry, file)
    manifests = [chunk(entry, tmp_path, 2, 0, 1), chunk(entry, tmp_path, 2, 1, 2)]
    clips = [row["clip"] for manifest in manifests for row in read_rows(manifest)]
    assert len(set(clips)) == 2
    assert set(read_skipped(manifests)) == {order[0], order[1], order[5]}
    assert notes({"mine": manifests})[0].startswith("3 recordings of corpus mine were skipped: ")


def test_where_all_give_clips_another_window_takes_the_place(entry, tmp_path):
    spoil(entry, "3.wav")
    rows = read_rows(chunk(entry, tmp_path, 6))
    assert "3.wav" not in {row["source"] for row in rows}
    assert len({(row["source"], row["start"]) for row in rows}) == 6


def test_nothing_can_take_the_place(entry, tmp_path):
    for k in range(6):
        spoil(entry, f"{k}.wav")
    first = draws("c", entry, 1, 1)[0].file
    with pytest.raises(DapError, match=rf"{first}: cannot be read.*; no other recording can take "):
        chunk(entry, tmp_path, 2)


def test_without_spares_it_is_an_error(entry, tmp_path):
    drawn = draws("c", entry, 1, 2)
    silence(entry, drawn[1].file)
    with pytest.raises(UnusableError, match=rf"{drawn[1].file}: is silent"):
        write_chunk(tmp_path / "manifest.csv", "c", entry, drawn, **OPTIONS)
    assert not (tmp_path / "manifest.csv").exists()


def test_too_many_windows_of_a_good_recording_are_an_error_still(entry, tmp_path):
    with pytest.raises(DapError, match="has 4 windows of 2048 samples with sound"):
        chunk(entry, tmp_path, 25)


def test_a_study_that_asks_for_more_may_draw_a_clip_that_stands_in(entry, tmp_path):
    order = [draw.file for draw in draws("c", entry, 1, 6)]
    spoil(entry, order[0])
    manifest = chunk(entry, tmp_path, 2)
    ids = [draw.clip for draw in draws("c", entry, 1, 6)]
    check_replaced([manifest], ids[:5])
    with pytest.raises(DapError, match=rf"the clip {ids[5]} stands in .*; delete .* and run"):
        check_replaced([manifest], ids)


def test_a_name_that_is_no_text(entry, tmp_path):
    spoil(entry, "caf\udce9.wav")
    manifest = chunk(entry, tmp_path, 7)
    assert list(read_skipped([manifest])) == ["caf\\xe9.wav"]
    assert notes({"mine": [manifest]})[0].encode()
