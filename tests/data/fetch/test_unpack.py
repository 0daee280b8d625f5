"""Archives in the corpora's layouts, and hostile and damaged ones, which are refused."""

import bz2
import gzip
import itertools
import multiprocessing
import os
import shutil
import stat
import struct
import tarfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from archives import SOUND, SOURCE, info, tar, zipped

from dap.data.fetch.unpack import index_folder, unpack
from dap.data.known import metadata
from dap.errors import DapError

GOOD = "sc09/test/good.wav"


def zip_special(name, kind):
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = (kind | 0o777) << 16
    return member


def take(tmp_path, *contents, **source):
    archives = []
    for i, content in enumerate(contents):
        archives.append(tmp_path / f"{i}.archive")
        archives[-1].write_bytes(content)
    return unpack(archives, SOURCE | source, tmp_path / "corpora" / "c")


def files(tmp_path):
    root = tmp_path / "corpora" / "c"
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


# ---- what is unpacked


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_recordings_alone(tmp_path, pack):
    names = ["b.wav", "a.WAV", "._a.wav", "notes.txt", "deeper/c.wav"]
    folder = info("sc09/test", kind=tarfile.DIRTYPE)
    inside = [info(f"sc09/test/{name}") for name in names]
    outside = [info("sc09/train/x.wav"), info("other/sc09/test/x.wav"), info("sc09/test.wav")]
    rows = take(tmp_path, tar(folder, *inside, *outside, pack=pack), members=["*.wav", "*.WAV"])
    assert rows == [{"file": "a.WAV", "bytes": 3000}, {"file": "b.wav", "bytes": 3000}]
    assert files(tmp_path) == ["a.WAV", "b.wav"]
    assert (tmp_path / "corpora" / "c" / "b.wav").read_bytes() == SOUND


def test_modes_and_owners_are_not_the_archives(tmp_path):
    take(tmp_path, tar(info(GOOD, mode=0o7777, uid=4711)))
    made = (tmp_path / "corpora" / "c" / "good.wav").stat()
    assert made.st_mode & (stat.S_ISUID | stat.S_IXUSR) == 0
    assert made.st_uid == tmp_path.stat().st_uid


@pytest.mark.parametrize("name", ["ljspeech", "sc09", "drums", "piano", "demand"])
def test_layouts(tmp_path, name):
    for number, source in enumerate(metadata(name)["sources"]):
        root = f"{source['root']}/" if source["root"] else ""
        glob = source["members"]
        used = [member.replace("*.wav", "x.wav").replace("*", "x.wav") for member in glob]
        packs = [[one] for one in used] if len(source["archives"]) == 2 else [used]
        contents = []
        for archive, pack in zip(source["archives"], packs, strict=True):
            # "./" as tar writes it, for a folder packed from within
            members = [f"{root}{member}" for member in pack]
            if archive["file"].endswith("zip"):
                contents.append(zipped(*((member, SOUND) for member in members)))
            else:
                method = bz2.compress if archive["file"].endswith("bz2") else gzip.compress
                contents.append(tar(*(info(f"./{member}") for member in members), pack=method))
        folder = tmp_path / str(number)
        folder.mkdir()
        rows = take(folder, *contents, **source)
        assert [row["file"] for row in rows] == sorted(used) == files(folder)
        # the same, from a mirror's folder
        assert index_folder(folder / "corpora" / "c", source) == rows
    assert number == (1 if name == "sc09" else 0)


def test_the_fallback_holds_digits_alone(tmp_path):
    source = metadata("sc09")["sources"][1]
    names = ["zero/a.wav", "nine/a.wav", "bed/a.wav", "_background_noise_/a.wav", "LICENSE"]
    rows = take(tmp_path, tar(*map(info, names)), **source)
    assert [row["file"] for row in rows] == ["nine/a.wav", "zero/a.wav"]


def test_what_was_there_is_replaced_whole(tmp_path):
    take(tmp_path, tar(info(GOOD), info("sc09/test/old.wav")))
    take(tmp_path, tar(info(GOOD), info("sc09/test/new.wav")))
    assert files(tmp_path) == ["good.wav", "new.wav"]


def _slowly(archive, target):
    def copy(content, file, length):
        file.write(content.read(10))
        file.flush()
        time.sleep(60)

    shutil.copyfileobj = copy
    unpack([archive], SOURCE, target)


def test_an_unpack_that_is_killed_is_done_again(tmp_path):
    target, partial = tmp_path / "corpora" / "c", tmp_path / "corpora" / ".c.partial"
    archive = tmp_path / "a.archive"
    archive.write_bytes(tar(info(GOOD)))
    killed = multiprocessing.get_context("fork").Process(target=_slowly, args=(archive, target))
    killed.start()
    while not (partial / "good.wav").is_file() or not (partial / "good.wav").stat().st_size:
        assert killed.is_alive()
        time.sleep(0.002)
    killed.kill()
    killed.join()
    assert (partial / "good.wav").stat().st_size == 10
    assert not target.exists()
    unpack([archive], SOURCE, target)
    assert (target / "good.wav").read_bytes() == SOUND
    assert not partial.exists()


# ---- what is refused


def huge_pax():
    """A header that says it is a gigabyte long, of zeros: 1 MB packed."""
    header = info("pax", kind=tarfile.XHDTYPE)[0]
    header.size = 2**30
    return gzip.compress(header.tobuf(tarfile.USTAR_FORMAT) + bytes(2**24))


def negative_size():
    block = bytearray(info(GOOD)[0].tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 12  # -1 in base 256
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return gzip.compress(bytes(block) + bytes(10240))


def sparse():
    block = bytearray(info(GOOD, b"")[0].tobuf(tarfile.GNU_FORMAT))
    block[156:157] = tarfile.GNUTYPE_SPARSE
    block[386:398] = block[398:410] = b"%011o\0" % 0
    block[483:495] = b"%011o\0" % 90_000
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return gzip.compress(bytes(block) + bytes(10240))


def lying_zip():
    """A member that is longer than the directory says."""
    content = bytearray(zipped((GOOD, SOUND)))
    for signature, offset in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        start = content.index(signature) + offset
        content[start : start + 4] = struct.pack("<I", 10)
    return bytes(content)


def encrypted_zip():
    content = bytearray(zipped((GOOD, SOUND)))
    for signature, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


LINK, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
HOSTILE = {
    "absolute path": (tar(info("/etc/x.wav")), "has an absolute path"),
    "drive": (tar(info("C:/x.wav")), "has an absolute path"),
    "parent": (tar(info("sc09/test/../../../x.wav")), "leads out of the folder"),
    "parent by backslashes": (tar(info(r"sc09\..\..\x.wav")), "leads out of the folder"),
    "link out": (tar(info("sc09/l", kind=LINK, link="../../etc")), "is a link out of the folder"),
    "absolute link": (tar(info("l", kind=LINK, link="/etc/passwd")), "is a link out of the folder"),
    "hard link out": (tar(info("sc09/l", kind=HARD, link="../x")), "is a link out of the folder"),
    "link for a folder, then a file below": (
        tar(info("sc09/test", kind=LINK, link="../.."), info(GOOD)),
        "is a link out of the folder",
    ),
    "link for a recording": (
        tar(info("sc09/a.wav"), info(GOOD, kind=LINK, link="../a.wav")),
        "is a link, not a recording",
    ),
    "hard link for a recording": (
        tar(info("sc09/a.wav"), info(GOOD, kind=HARD, link="sc09/a.wav")),
        "is a link, not a recording",
    ),
    "device": (tar(info("sc09/d", kind=tarfile.BLKTYPE)), "is a device or a pipe"),
    "character device": (tar(info(GOOD, kind=tarfile.CHRTYPE)), "is a device or a pipe"),
    "pipe": (tar(info("p", kind=tarfile.FIFOTYPE)), "is a device or a pipe"),
    "sparse": (sparse(), "is a sparse file"),
    "many members": (
        tar(*(info(f"sc09/train/{i}.wav", b"") for i in range(51))),
        "holds more than 50 members",
    ),
    "bomb": (tar(info(GOOD, bytes(200_000))), "expands beyond 100000 bytes"),
    "bomb that no study uses": (tar(info("x", bytes(200_000))), "expands beyond 100000 bytes"),
    "bomb of small members": (
        tar(*(info(f"sc09/test/{i}.wav", bytes(9_000)) for i in range(20))),
        "expands beyond 100000 bytes",
    ),
    "bomb after the end": (tar(info(GOOD)) + gzip.compress(bytes(10**6)), "expands beyond 304800"),
    "huge header": (huge_pax(), "a header of 1073741824 bytes, which would fill the memory"),
    "negative size": (negative_size(), "damaged|ends before it begins|size of -1"),
    "twice": (tar(info(GOOD), info(GOOD, b"other")), "is there twice"),
    "twice by case": (tar(info(GOOD), info("sc09/test/GOOD.wav")), "is there twice"),
    "twice by accents": (
        tar(info("sc09/test/\u00e9.wav"), info("sc09/test/e\u0301.wav")),
        "is there twice",
    ),
    "twice by dots": (tar(info(GOOD), info("sc09/./test//good.wav")), "is there twice"),
    "line break": (tar(info("sc09/test/a\nb.wav")), "every file system can hold"),
    "no text": (tar(info("sc09/test/\udcff.wav")), "every file system can hold"),
    "long name": (tar(info(f"sc09/test/{'a' * 300}.wav")), "more than 255 bytes"),
    "zip: absolute path": (zipped(("/x.wav", SOUND)), "has an absolute path"),
    "zip: parent": (zipped(("../x.wav", SOUND)), "leads out of the folder"),
    "zip: backslashes": (zipped((r"..\x.wav", SOUND)), "leads out of the folder"),
    "zip: link": (
        zipped((zip_special(GOOD, stat.S_IFLNK), b"/etc/passwd")),
        "is a link, not a recording",
    ),
    "zip: device": (zipped((zip_special("d", stat.S_IFCHR), b"")), "is a device or a pipe"),
    "zip: bomb": (
        zipped((GOOD, bytes(200_000)), compression=zipfile.ZIP_DEFLATED),
        "expands beyond 100000 bytes",
    ),
    "zip: many members": (zipped(*((f"{i}", b"") for i in range(51))), "more than 50 members"),
    "zip: a size that is not true": (lying_zip(), "Bad CRC|ends after|damaged"),
    "zip: encrypted": (encrypted_zip(), "is encrypted, not a recording"),
    "no archive": (b"RIFF" + SOUND, r"begins with b'RIFF', and is neither"),
    "empty": (b"", "begins with b''"),
    "another archive": (tar(info("readme.wav")), r"holds no recording of sc09/test/ that matches"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile(tmp_path, kind):
    content, message = HOSTILE[kind]
    outside = tmp_path / "x.wav"
    outside.write_bytes(b"mine")
    take(tmp_path, tar(info("sc09/test/before.wav")))
    tracemalloc.start()
    with pytest.raises(DapError, match=message) as caught:
        take(tmp_path, tar(info("sc09/test/first.wav")), content)
    assert tracemalloc.get_traced_memory()[1] < 2**23  # no member fills the memory
    tracemalloc.stop()
    assert str(caught.value).startswith(f"{tmp_path / '1.archive'}: ")
    assert "\n" not in str(caught.value)
    # what was there before is there, and nothing of the new
    assert files(tmp_path) == ["before.wav"]
    assert not (tmp_path / "corpora" / ".c.partial").exists()
    assert outside.read_bytes() == b"mine"
    assert {path.name for path in tmp_path.iterdir()} == {
        "0.archive", "1.archive", "corpora", "x.wav",
    }  # fmt: skip


def test_two_archives_of_one_corpus_may_not_hold_the_same(tmp_path):
    with pytest.raises(DapError, match=r"1\.archive: refused: .* is there twice"):
        take(tmp_path, tar(info(GOOD)), tar(info(GOOD)))


# ---- damage


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zipfile])
def test_wherever_it_is_cut_or_damaged_it_is_refused(tmp_path, pack):
    names = [f"sc09/test/{i}.wav" for i in range(3)]
    if pack is zipfile:
        whole = zipped(*((name, SOUND) for name in names))
    else:
        whole = tar(*map(info, names), pack=pack)
    for i, length in enumerate(itertools.chain([1, 3], range(5, len(whole) - 8, 997))):
        folder = tmp_path / str(i)
        folder.mkdir()
        with pytest.raises(DapError, match=r"0\.archive: "):
            take(folder, whole[:length])
        assert files(folder) == []


def test_a_flipped_bit_is_seen_by_the_archives_own_checksum(tmp_path):
    whole = tar(*(info(f"sc09/test/{i}.wav") for i in range(3)))
    for i, position in enumerate(range(20, len(whole) - 8, 499)):
        flipped = bytearray(whole)
        flipped[position] ^= 0x10
        folder = tmp_path / str(i)
        folder.mkdir()
        with pytest.raises(DapError, match=r"0\.archive: "):
            take(folder, bytes(flipped))


def test_an_archive_that_is_gone(tmp_path):
    with pytest.raises(DapError, match=r"gone\.tar\.gz: cannot be unpacked: .*No such file"):
        unpack([tmp_path / "gone.tar.gz"], SOURCE, tmp_path / "c")


# ---- folders of a mirror


def test_a_folder_is_listed_and_not_opened(tmp_path):
    for name in ("b.wav", "a.wav", "notes.txt", "._a.wav", "deeper/c.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch(mode=0o000)
    (tmp_path / "d.wav").mkdir()
    assert index_folder(tmp_path, SOURCE) == [
        {"file": "a.wav", "bytes": 0},
        {"file": "b.wav", "bytes": 0},
    ]
    with pytest.raises(DapError, match=r"holds no recording that matches none/\*\.wav"):
        index_folder(tmp_path, SOURCE | {"members": ["none/*.wav"]})


def test_what_is_hidden_in_a_folder_is_not_listed(tmp_path):
    for name in ("a/b.wav", "@eaDir/c.wav", ".trash/d.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    source = SOURCE | {"members": ["*/*.wav"]}
    assert [row["file"] for row in index_folder(tmp_path, source)] == ["a/b.wav"]


def test_a_name_that_cannot_be_written_down_is_refused(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")).touch()
    with pytest.raises(DapError, match=r"'caf\\udce9\.wav' is no name in UTF-8: rename it"):
        index_folder(tmp_path, SOURCE)
