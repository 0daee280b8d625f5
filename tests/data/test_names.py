"""Ids of recordings whose names differ in little, or are hard to write."""

import unicodedata

import pytest

from dap.data.catalogue import draws
from dap.data.folders import listing
from dap.data.names import as_text, folded, ids
from dap.errors import DapError


def test_ids_of_plain_names_are_the_names():
    plain = {
        "part 1/take-05.flac": "part_1_take-05",
        "LJ001-0001.wav": "LJ001-0001",
        "a(1), b.WAV": "a_1_b",
        "x.y.wav": "x.y",
        "a _b.wav": "a__b",
    }
    assert ids(list(plain)) == plain


def test_ids_keep_the_letters_of_all_scripts():
    names = ["Grüße", "Москва", "録音", "مرحبا", "हिन्दी", "สวัสดี", "αβγ"]
    named = ids([f"{name}.wav" for name in names])
    assert list(named.values()) == [unicodedata.normalize("NFC", name) for name in names]


@pytest.mark.parametrize(
    "names",
    [
        ("a b.wav", "a_b.wav"),
        ("a.wav", "a.flac"),
        ("a.wav", "a.WAV"),
        ("Take.wav", "take.wav"),
        ("GRÜSSE.wav", "grüße.wav"),
        ("caf\u00e9.wav", "cafe\u0301.wav"),
        ("\ufb01n.wav", "fin.wav"),
        ("a/b.wav", "a b.wav"),
        ("!.wav", "?.wav"),
        ("\U0001f600.wav", "\U0001f601.wav"),
        ("a{x}.wav", "a[x].wav"),
        ("caf\udce9.wav", "caf\udce8.wav"),
        ("caf\udce9.wav", "caf\\xe9.wav"),
    ],
)
def test_recordings_whose_names_differ_in_little(names):
    named = ids([*names, "other.wav"])
    assert len(set(map(folded, named.values()))) == 3
    assert named["other.wav"] == "other"
    # neither order nor another recording matters
    assert ids([*reversed(names)]) == {name: named[name] for name in names}


def test_a_long_name_is_cut_and_one_that_is_no_text_has_its_hash():
    long = ids([f"{'録' * 80}{k}.wav" for k in range(2)] + ["a" * 84 + ".wav"])
    assert [len(name.encode()) <= 84 for name in long.values()] == [True] * 3
    assert len(set(long.values())) == 3
    assert long["a" * 84 + ".wav"] == "a" * 84
    (name,) = ids(["caf\udce9.wav"]).values()
    assert name.startswith("caf_xe9-")
    assert name.encode()
    assert as_text("caf\udce9.wav") == "caf\\xe9.wav"


def test_a_recording_that_is_named_like_anothers_id():
    first = ids(["a.wav", "a.flac"])["a.wav"]
    with pytest.raises(DapError, match=f"a.wav and {first}.wav give the same clip id.*rename one"):
        ids(["a.wav", "a.flac", f"{first}.wav"])


def test_a_second_clip_does_not_take_a_recordings_id(tmp_path):
    for name in ("a.wav", "A.1.wav"):
        (tmp_path / name).touch()
    entry = {"folder": str(tmp_path), "files": "*"}
    few, many = ([draw.clip for draw in draws("c", entry, 1, count)] for count in (2, 6))
    assert sorted(few) == ["A.1", "a"]
    assert many[:2] == few
    assert len({folded(clip) for clip in many}) == 6


def test_names_that_are_no_text_are_drawn(tmp_path):
    names = ["caf\udce9.wav", "plain.wav"]
    for name in names:
        (tmp_path / name).touch()
    entry = {"folder": str(tmp_path), "files": "*"}
    assert sorted(listing(**entry)) == sorted(names)
    assert {draw.file for draw in draws("c", entry, 1, 4)} == set(names)
