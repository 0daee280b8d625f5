"""Recordings that cannot be used: skipped, in whatever way they are bad, and listed."""

import logging
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from dap import decoding
from dap.data.catalogue import draws, ordered
from dap.data.clips import select, write_chunk
from dap.data.folders import listing
from dap.data.skipped import SKIPPED, notes, read_skipped, write_skipped
from dap.errors import DapError
from dap.store import MANIFEST, read_rows

RATE = 16000


def nan():
    sound = np.full(4000, 0.1, np.float32)
    sound[3999] = np.nan
    return sound


# what is wrong with a recording: its content or its samples, and what is said of it
BAD = {
    "text": (b"no sound at all", "cannot be read as audio"),
    "empty": (b"", "cannot be read as audio"),
    "header alone": (b"RIFF\x24\0\0\0WAVE", "cannot be read as audio"),
    "no samples": (np.empty(0, np.float32), "holds no samples"),
    "silent": (np.zeros(4000, np.float32), "is silent"),
    "cancels": (np.array([[0.5, -0.5]] * 4000), "is silent"),
    "nan": (nan(), "not finite"),
    "infinite": (np.full(4000, np.inf, np.float32), "not finite"),
    "m4a": (b"\0\0\0\x20ftypM4A " + bytes(100), "takes ffmpeg"),
    "1 Hz": (
        b"RIFF" + struct.pack("<I4s4sIHHIIHH4sI", 136, b"WAVE", b"fmt ", 16, 1, 1, 1, 2, 2, 16,
                              b"data", 100) + b"\1" * 100,
        "its header says 1 Hz",
    ),
}  # fmt: skip


def put(path, content):
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        soundfile.write(path, content, RATE, subtype="FLOAT")


@pytest.fixture(autouse=True)
def no_ffmpeg(monkeypatch, tmp_path):
    listing.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def corpus(tmp_path):
    """Eight recordings of noise, of three windows each."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(8):
        put(folder / f"take-{i}.wav", rng.normal(0, 0.1, 3 * 2048 + 100).astype(np.float32))
    options = {"samples": 2048, "level": "recorded", "window": "loudest"}
    return {"folder": str(folder), "files": "**/*", **options}


def chunk(tmp_path, entry, first, last, **options):
    """The clips of a chunk, and what is listed as skipped."""
    manifest = tmp_path / f"{first}-{last}" / MANIFEST
    rows = write_chunk(manifest, "c", entry, (first, last), seed=1, sample_rate=RATE, **options)
    assert [row["clip"] for row in read_rows(manifest)] == [row["clip"] for row in rows]
    return [row["clip"] for row in rows], read_skipped([manifest])


@pytest.mark.parametrize("kind", BAD)
def test_the_next_moves_up_in_whatever_chunk(tmp_path, corpus, kind, caplog):
    content, words = BAD[kind]
    order = [draw.clip for draw in draws("c", corpus, 1, 8)]
    put(tmp_path / "recordings" / f"{order[1]}.wav", content)
    files = {path: path.read_bytes() for path in (tmp_path / "recordings").iterdir()}
    left = [order[0], *order[2:]]
    for first, last in ((0, 2), (2, 4), (4, 6), (0, 7)):
        clips, reasons = chunk(tmp_path, corpus, first, last)
        assert clips == left[first:last]
        assert list(reasons) == [f"{order[1]}.wav"]
        assert words in reasons[f"{order[1]}.wav"]
    assert f"corpus c: {order[1]}.wav is skipped" in caplog.text
    assert {path: path.read_bytes() for path in (tmp_path / "recordings").iterdir()} == files


def test_a_recording_that_is_gone_is_no_bad_recording(tmp_path, corpus):
    first = ordered("c", corpus, 1)[0]
    (tmp_path / "recordings" / first).unlink()  # or the disk is
    with pytest.raises(DapError, match=rf"{first}: cannot be read as audio: No such file"):
        chunk(tmp_path, corpus, 0, 2)


@pytest.mark.parametrize("kind", BAD)
def test_a_study_may_want_none_to_be_skipped(tmp_path, corpus, kind):
    content, words = BAD[kind]
    first = ordered("c", corpus, 1)[0]
    put(tmp_path / "recordings" / first, content)
    with pytest.raises(DapError, match=rf"{first}: .*{words}"):
        chunk(tmp_path, corpus, 0, 2, unreadable="fail")
    assert not (tmp_path / "0-2").exists()


def test_a_recording_that_may_not_be_read(tmp_path, corpus, monkeypatch):
    first = ordered("c", corpus, 1)[0]
    (tmp_path / "recordings" / first).chmod(0)
    if os.access(tmp_path / "recordings" / first, os.R_OK):  # root may

        def refuse(path, *arguments, **options):
            if path.name == first:
                raise PermissionError
            return opened(path, *arguments, **options)

        opened = Path.open
        monkeypatch.setattr(Path, "open", refuse)
        monkeypatch.setattr(decoding, "begins_with_sound", lambda path, rate: path.name != first)
    _, reasons = chunk(tmp_path, corpus, 0, 2)
    assert reasons == {first: "cannot be read as audio: this user may not read it"}


def test_where_nothing_is_skipped_nothing_is_listed(tmp_path, corpus):
    clips, reasons = chunk(tmp_path, corpus, 0, 20)
    assert clips == [draw.clip for draw in draws("c", corpus, 1, 20)]
    assert reasons == {}
    assert not (tmp_path / "0-20" / SKIPPED).exists()


def test_what_was_put_right_is_listed_no_more(tmp_path, corpus, hiss):
    first = ordered("c", corpus, 1)[0]
    put(tmp_path / "recordings" / first, b"")
    assert list(chunk(tmp_path, corpus, 0, 2)[1]) == [first]
    put(tmp_path / "recordings" / first, hiss)
    assert chunk(tmp_path, corpus, 0, 2)[1] == {}
    names = {path.name for path in (tmp_path / "0-2").iterdir()}
    assert not any(SKIPPED in name for name in names)


def test_further_windows_take_the_places_where_there_are_no_more_recordings(tmp_path, corpus):
    order = ordered("c", corpus, 1)
    put(tmp_path / "recordings" / order[3], b"")
    clips, reasons = chunk(tmp_path, corpus, 4, 8)
    stems = [name.removesuffix(".wav") for name in order]
    assert clips == [*stems[5:], f"{stems[0]}.1"]
    assert list(reasons) == [order[3]]


def test_a_clip_too_few_is_said_where_there_are_no_windows_either(tmp_path, corpus, hiss):
    order = ordered("c", corpus, 1)
    for name in order:
        put(tmp_path / "recordings" / name, hiss[:3000])
    put(tmp_path / "recordings" / order[3], b"")
    clips, reasons = chunk(tmp_path, corpus, 6, 8)
    assert clips == [order[7].removesuffix(".wav")]
    assert list(reasons) == [order[3], order[0]]
    assert reasons[order[0]].startswith("has no further clip")
    # a chunk of none
    assert chunk(tmp_path, corpus, 7, 8)[0] == []
    # what would not be there with all recordings is asked for by mistake
    with pytest.raises(DapError, match="ask for fewer clips"):
        chunk(tmp_path, corpus, 8, 9)


def test_a_corpus_of_nothing_usable_is_an_error(tmp_path, corpus):
    for name in ordered("c", corpus, 1):
        put(tmp_path / "recordings" / name, b"")
    with pytest.raises(
        DapError, match=r"corpus c: none of its 8 recordings can be used: .*not recog"
    ):
        chunk(tmp_path, corpus, 0, 1)


def test_a_folder_that_changed_since_it_was_listed(tmp_path, corpus):
    expected = draws("c", corpus, 2, 2)
    with pytest.raises(DapError, match="others than when Snakemake began"):
        chunk(tmp_path, corpus, 0, 2, expected=expected)


def test_sound_behind_the_last_window_alone(tmp_path, corpus):
    first = ordered("c", corpus, 1)[0]
    sound = np.zeros(2 * 2048 + 50, np.float32)
    sound[-20:] = 0.5
    put(tmp_path / "recordings" / first, sound)
    assert chunk(tmp_path, corpus, 0, 2)[1] == {}
    (row, _) = read_rows(tmp_path / "0-2" / MANIFEST)
    assert float(row["start"]) == (2048 + 50) / RATE


def test_what_tables_say(tmp_path):
    manifests = [tmp_path / name / MANIFEST for name in "ab"]
    write_skipped(manifests[0], {"1.wav": "is silent"})
    write_skipped(manifests[1], {"1.wav": "is silent", "caf\udce9\n.wav": "holds\nno samples"})
    assert notes({"mine": manifests[:1], "other": []}) == [
        "1 recording of corpus mine was skipped: 1.wav: is silent."
    ]
    (text,) = notes({"mine": manifests})
    assert text.startswith("2 recordings of corpus mine were skipped: 1.wav: is silent; caf\\xe9")
    assert text.endswith("holds no samples.")
    assert "\n" not in text
    write_skipped(manifests[1], {f"{i}.wav": "is silent" for i in range(30)})
    assert notes({"mine": manifests})[0].endswith("; and 10 more (skipped.csv).")


CONTENTS = st.sampled_from([*BAD, "good", "good", "quiet start"])


def fuzzed(folder, contents, count):
    rng = np.random.default_rng(0)
    for i, kind in enumerate(contents):
        sound = rng.normal(0, 0.1, 5000).astype(np.float32)
        if kind == "quiet start":
            sound[:4000] = 0
        put(folder / f"{i}.wav", BAD[kind][0] if kind in BAD else sound)
    entry = {"folder": str(folder), "files": "*", "samples": 2048}
    entry |= {"level": "peak", "window": "seeded"}
    good = [f"{i}.wav" for i, kind in enumerate(contents) if kind not in BAD]
    listed = ordered("c", entry, 1)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    options = {"seed": 1, "sample_rate": RATE, "unreadable": "skip"}
    if good:
        chosen, reasons = select("c", entry, count, **options)
    else:
        with pytest.raises(DapError, match=r"none of its \d+ recordings can be used: .*$"):
            select("c", entry, count, **options)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    if not good:
        return
    assert [draw.file for draw in chosen][: len(good)] == [file for file in listed if file in good][
        :count
    ]
    assert not set(reasons) & set(good)
    fewer, _ = select("c", entry, max(1, count - 1), **options)
    assert fewer == chosen[: max(1, count - 1)]


@given(st.lists(CONTENTS, min_size=1, max_size=6), st.integers(1, 8))
@settings(max_examples=30)
def test_of_any_folder_the_good_are_drawn(tmp_path_factory, contents, count):
    fuzzed(tmp_path_factory.mktemp("folder"), contents, count)


@pytest.mark.slow
@given(st.lists(CONTENTS, min_size=1, max_size=12), st.integers(1, 20))
@settings(max_examples=500)
def test_of_many_folders_the_good_are_drawn(tmp_path_factory, contents, count):
    fuzzed(tmp_path_factory.mktemp("folder"), contents, count)


def test_reading_again_warns_once(tmp_path, corpus, caplog, tone):
    """Recordings of other chunks are looked at, and nothing is said of them."""
    order = ordered("c", corpus, 1)
    cancelling = np.stack((tone, -0.95 * tone), axis=1)
    soundfile.write(tmp_path / "recordings" / order[0], cancelling, RATE, subtype="PCM_16")
    with caplog.at_level(logging.WARNING, logger="dap"):
        chunk(tmp_path, corpus, 0, 2)
        assert caplog.text.count("channels cancel") == 1
        chunk(tmp_path, corpus, 2, 4)
        assert caplog.text.count("channels cancel") == 1
