"""What is declared of the known corpora, and where they are looked for."""

import json
import re

import pytest

from dap.data import known
from dap.data.known import is_usable, locate, matches, metadata
from dap.data.origin import caveat
from dap.errors import DapError
from dap.plugins import VARIABLE, plugins, use

KNOWN = plugins("archives")


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_all_of_the_papers_are_known():
    assert set(KNOWN) == {"ljspeech", "sc09", "drums", "piano", "demand", "music", "sound-font"}


@pytest.mark.parametrize("name", KNOWN)
def test_declarations(name):
    corpus = metadata(name)
    assert all(corpus[key] for key in ("title", "licence", "citation", "size"))
    for source in corpus["sources"]:
        assert source["members"]
        assert source["folders"]
        for archive in source["archives"]:
            assert archive["url"].endswith(f"/{archive['file']}")
            assert re.fullmatch("[0-9a-f]{64}", archive.get("sha256", "0" * 64))
            assert re.fullmatch("[0-9a-f]{32}", archive.get("md5", "0" * 32))
            # room for what is known of its size, and a bound all the same
            assert archive.get("bytes", 0) < source["most_bytes"] < 10**10
            assert source["most_members"] <= 10**5


def test_what_is_published_of_ljspeech():
    (archive,) = metadata("ljspeech")["sources"][0]["archives"]
    assert archive["bytes"] == 2_748_572_632
    assert archive["sha256"].startswith("be1a3045")
    assert archive["sha256"].endswith("e3de8aa5")


def test_without_a_mirror_all_sources_may_be_downloaded():
    location = locate("sc09", None)
    assert [source["root"] for source in location.sources] == ["sc09/test", ""]
    assert (location.archives, location.folder) == ((), None)


def test_a_mirror_of_archives(tmp_path):
    put(tmp_path, "DLIVING_16k.zip", "speech_commands_v0.01.tar.gz", "sc09/test/a.wav")
    with pytest.raises(
        DapError, match=r"none of: DLIVING_16k\.zip and STRAFFIC_16k\.zip, the fold"
    ):
        locate("demand", str(tmp_path))
    put(tmp_path, "STRAFFIC_16k.zip")
    archives = locate("demand", str(tmp_path)).archives
    assert archives == tuple(str(tmp_path / f"{name}_16k.zip") for name in ("DLIVING", "STRAFFIC"))
    # an archive, which can be verified, before a folder
    location = locate("sc09", str(tmp_path))
    assert location.archives == (str(tmp_path / "speech_commands_v0.01.tar.gz"),)
    assert [source["root"] for source in location.sources] == [""]
    put(tmp_path, "sc09.tar.gz")
    assert locate("sc09", str(tmp_path)).sources[0]["root"] == "sc09/test"


@pytest.mark.parametrize(
    ("name", "file", "folder"),
    [
        ("ljspeech", "LJSpeech-1.1/wavs/LJ001-0001.wav", "LJSpeech-1.1/wavs"),
        ("sc09", "speech_commands_v0.01/zero/a.wav", "speech_commands_v0.01"),
        ("demand", "demand/DLIVING/ch01.wav", "demand"),
        ("demand", "DLIVING/ch01.wav", "."),
        ("music", "music/violin/a.wav", "music"),
    ],
)
def test_a_mirror_of_folders(tmp_path, name, file, folder):
    put(tmp_path, file)
    location = locate(name, str(tmp_path))
    assert (location.archives, location.folder) == ((), str(tmp_path / folder))


def test_music_is_the_users(tmp_path):
    with pytest.raises(DapError, match=r"a list of video ids.*PATH/music/<instrument>/\*\.wav"):
        locate("music", None)
    with pytest.raises(DapError, match=r"has none of: the folder music/; music is published as"):
        locate("music", str(tmp_path))


def test_a_source_without_folders_is_none_of_a_mirrors(tmp_path, monkeypatch):
    source = {"archives": [{"file": "a.zip"}], "root": "", "members": ["*"], "folders": []}
    monkeypatch.setattr(known, "metadata", lambda name: {"sources": [source]})
    with pytest.raises(DapError, match=r"mirror '.*' has none of: a\.zip$"):
        locate("mine", str(tmp_path))


def test_a_node_that_does_not_see_the_mirror_reads_what_is_unpacked(tmp_path):
    with pytest.raises(
        DapError, match=r"mirror '.*gone' has none of: LJSpeech-1\.1\.tar\.bz2, the"
    ):
        locate("ljspeech", str(tmp_path / "gone"))
    assert locate("ljspeech", str(tmp_path / "gone"), seen=False).folder is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sha256, as published", "md5, as published"], None),
        (
            ["sha256, as published", "sha256, as b states; NOT the published archive"],
            "2: sha256, as b states",
        ),
        (["sha256, noted at this first download: none is published"], "at this first download"),
        ([], "3 recordings, not checked: a folder"),
    ],
)
def test_what_a_table_says_of_a_corpus(tmp_path, words, said):
    path = tmp_path / "origin.json"
    rows = [{"file": f"x/{i + 1}", "checked": checked} for i, checked in enumerate(words)]
    path.write_text(json.dumps({"archives": rows, "recordings": 3}))
    sentence = caveat("SC09", path)
    if said is None:
        assert sentence is None
    else:
        assert sentence.startswith("SC09 is what was found under its name: 3 recordings, ")
        assert said in sentence


def test_unknown():
    with pytest.raises(DapError, match=r"unknown known corpus 'vctk': there are demand"):
        metadata("vctk")


SOURCE = {"archives": [{"file": "a", "url": "http://x/a"}], "root": "", "members": ["*"]}
SOURCE |= {"folders": ["a"], "most_members": 1, "most_bytes": 1}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (SOURCE, ""),
        ({"archives": []}, "a source lacks root, members, folders"),
        (
            {key: value for key, value in SOURCE.items() if "most" not in key},
            "a source with archives lacks most_members, most_bytes",
        ),
        ({**SOURCE, "archives": [{"file": "a"}]}, "an archive lacks url"),
        ({**SOURCE, "archives": []}, "it, which has no archive, lacks why_no_archive"),
    ],
)
def test_declarations_from_outside(tmp_path, monkeypatch, source, message):
    corpus = dict.fromkeys(("title", "licence", "citation", "size"), "x") | {"sources": [source]}
    (tmp_path / "mine.py").write_text(f"ARCHIVES = {{'mine': {corpus!r}}}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "")
    use(["mine.py"])
    if message:
        with pytest.raises(DapError) as refused:
            metadata("mine")
        assert str(refused.value) == f"mine.py: ARCHIVES: mine: {message}"
    else:
        assert metadata("mine") == corpus


def test_globs():
    assert matches("a/b/c.wav", "**/*")
    assert matches("a/c.wav", "*/c.wav")
    assert not matches("b/a/c.wav", "*/c.wav")
    assert not matches("a/c.wav", "*.wav")
    source = {"members": ["violin/*", "cello/*"]}
    names = ["violin/a.wav", "cello/a.FLAC", "guitar/a.wav", "violin/a.txt", "violin/._a.wav"]
    assert [name for name in names if is_usable(name, source)] == ["violin/a.wav", "cello/a.FLAC"]
