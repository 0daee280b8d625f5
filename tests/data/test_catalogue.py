import shutil
import time

import pytest

from dap.data import catalogue
from dap.data.catalogue import draws, pick, recording_path
from dap.data.folders import listing
from dap.errors import DapError


@pytest.fixture(autouse=True)
def _fresh():
    listing.cache_clear()


@pytest.fixture
def corpus(tmp_path):
    """Twelve recordings in two folders, and what is none."""
    for i in range(12):
        path = tmp_path / f"part {i % 2}" / f"take-{i:02d}.{'flac' if i % 3 else 'WAV'}"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "README.txt").touch()
    (tmp_path / "folder.wav").mkdir()
    return {"folder": str(tmp_path), "files": "**/*"}


def clips(entry, count, seed=1, corpus="c"):
    return [draw.clip for draw in draws(corpus, entry, seed, count)]


def test_only_audio_is_listed(corpus):
    files = listing(**corpus)
    assert len(files) == len(set(files)) == 12
    assert "part 0/take-00.WAV" in files
    assert set(listing(corpus["folder"], "part 1/*.flac")) == {
        f"part 1/take-{i:02d}.flac" for i in (1, 5, 7, 11)
    }


def test_asking_for_more_changes_nothing(corpus):
    most = clips(corpus, 30)
    assert len(set(most)) == 30
    for count in range(30):
        assert clips(corpus, count) == most[:count]


def test_every_recording_gives_one_clip_before_any_gives_two(corpus):
    drawn = draws("c", corpus, 1, 30)
    assert [draw.window_index for draw in drawn] == [0] * 12 + [1] * 12 + [2] * 6
    first, second = drawn[:12], drawn[12:24]
    assert {draw.file for draw in first} == set(listing(**corpus))
    assert [draw.file for draw in second] == [draw.file for draw in first]
    by_file = {draw.file: draw for draw in first}
    assert by_file["part 1/take-05.flac"].as_dict() == {
        "clip": "part_1_take-05",
        "file": "part 1/take-05.flac",
        "window_index": 0,
    }
    assert second[0].clip == f"{first[0].clip}.1"


def test_order_is_that_of_the_seed_and_the_corpus_name_alone(corpus, tmp_path, monkeypatch):
    ids = clips(corpus, 12)
    assert ids != sorted(ids)
    assert clips(corpus, 12, seed=2) != ids
    assert clips(corpus, 12, corpus="d") != ids
    # another place, and a file system that lists in another order
    moved = tmp_path / "moved"
    moved.mkdir()
    for part in ("part 0", "part 1"):
        shutil.move(tmp_path / part, moved / part)
    elsewhere = corpus | {"folder": str(moved)}
    assert clips(elsewhere, 12) == ids
    backwards = tuple(reversed(listing(**elsewhere)))
    monkeypatch.setattr(catalogue, "listing", lambda folder, files: backwards)
    assert clips(elsewhere, 12) == ids


def test_a_recording_more_leaves_the_others_order(corpus, tmp_path):
    before = clips(corpus, 12)
    (tmp_path / "new.wav").touch()
    listing.cache_clear()
    after = clips(corpus, 13)
    assert [clip for clip in after if clip != "new"] == before


@pytest.fixture
def indexed(corpus, tmp_path):
    """The same corpus by an index; its folder is somewhere else."""
    lines = [f"{file},{number}" for number, file in enumerate(listing(**corpus))]
    index = tmp_path / "index.csv"
    index.write_text("\n".join(["file,bytes", *lines, ""]))
    return {"folder": str(tmp_path / "elsewhere"), "index": str(index), "files": "**/*"}


def test_an_index_gives_the_folders_order(corpus, indexed):
    assert clips(indexed, 30) == clips(corpus, 30)
    names = [f"clip-{i}" for i in range(50)]
    assert [pick(indexed, 1, name) for name in names] == [pick(corpus, 1, name) for name in names]
    part = {"files": "part 1/*.flac"}
    assert clips(indexed | part, 8) == clips(corpus | part, 8)
    with pytest.raises(DapError, match=r"index\.csv: lists no recording that matches 'x/\*'"):
        clips(indexed | {"files": "x/*"}, 1)


def test_13100_recordings_are_drawn_in_a_moment(tmp_path):
    index = tmp_path / "index.csv"
    lines = [f"LJ{i // 200:03d}-{i % 200:04d}.wav,{i}" for i in range(13_100)]
    index.write_text("\n".join(["file,bytes", *lines, ""]))
    begun = time.perf_counter()
    entry = {"folder": "nowhere", "index": str(index), "files": "**/*"}
    ids = clips(entry, 50)
    # 0.1 s where it was written; none of them exists
    assert time.perf_counter() - begun < 5
    assert len(set(ids)) == 50


def test_a_recording_that_is_not_as_listed(indexed, tmp_path):
    folder = tmp_path / "elsewhere" / "part 1"
    folder.mkdir(parents=True)
    file = "part 1/take-05.flac"
    size = catalogue._indexed(indexed["index"], "**/*")[file]
    (tmp_path / "elsewhere" / file).write_bytes(bytes(size))
    assert recording_path(indexed, file).stat().st_size == size
    (tmp_path / "elsewhere" / file).write_bytes(bytes(size + 1))
    with pytest.raises(DapError, match=f"take-05.flac: has {size + 1} bytes, and {size} in .*csv"):
        recording_path(indexed, file)
    assert recording_path({"folder": "f"}, "a.wav").as_posix() == "f/a.wav"


def test_missing_folder(tmp_path):
    with pytest.raises(DapError, match=r"folder '.*nowhere' does not exist"):
        clips({"folder": str(tmp_path / "nowhere"), "files": "*"}, 1)


def test_folder_without_audio(corpus):
    with pytest.raises(DapError, match=r"holds no audio that matches '\*\.wav'"):
        clips(corpus | {"files": "*.wav"}, 1)


def test_synthetic_clips_are_numbered():
    drawn = draws("synthetic-drums", {"synthetic": "drums"}, 1, 3)
    assert [draw.clip for draw in drawn] == ["drums-00000", "drums-00001", "drums-00002"]
    assert {(draw.file, draw.window_index) for draw in drawn} == {("", 0)}


def test_picks_are_drawn_by_name(corpus):
    picks = [pick(corpus, 1, "noise", f"clip-{i}") for i in range(200)]
    assert {files[0] for files in picks} == set(listing(**corpus))
    assert picks == [pick(corpus, 1, "noise", f"clip-{i}") for i in range(200)]
    assert picks != [pick(corpus, 2, "noise", f"clip-{i}") for i in range(200)]
    # then the others, should that one not be usable
    assert all(sorted(files) == sorted(listing(**corpus)) for files in picks)
