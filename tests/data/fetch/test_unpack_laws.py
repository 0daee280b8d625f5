"""Archives damaged at random: right recordings come out or one clear error, and nothing beside."""

import bz2
import gzip
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from archives import SOURCE, info, tar, zipped
from hypothesis import given
from hypothesis import strategies as st

from dap.data.fetch.unpack import unpack
from dap.errors import DapError

CONTENTS = {f"{i}.wav": np.random.default_rng(i).bytes(300 + 200 * i) for i in range(3)}
MEMBERS = {f"sc09/test/{name}": content for name, content in CONTENTS.items()} | {
    "sc09/train/other.wav": b"of another part",
    "README": b"read me",
}
FORMATS = {
    "tar.gz": tar(*(info(*member) for member in MEMBERS.items()), pack=gzip.compress),
    "tar.bz2": tar(*(info(*member) for member in MEMBERS.items()), pack=bz2.compress),
    "tar in gz, stored": tar(
        *(info(*member) for member in MEMBERS.items()), pack=lambda raw: gzip.compress(raw, 0)
    ),
    "zip": zipped(*MEMBERS.items()),
}


def replaced(content: bytes, at: int, count: int, new: bytes) -> bytes:
    """With other bytes in place of some, or of none."""
    at %= len(content) + 1
    return content[:at] + new + content[at + count :]


def flipped(content: bytes, at: int, bit: int) -> bytes:
    """With one other bit, if there is one."""
    at %= len(content) + 1
    return (
        content[:at] + bytes(byte ^ 1 << bit for byte in content[at : at + 1]) + content[at + 1 :]
    )


# headers are at the beginning, and the directory of a zip archive at the end
PLACES = st.one_of(st.integers(0, 2**20), st.integers(0, 600), st.integers(-600, -1))
LENGTHS = st.one_of(st.just(0), st.integers(1, 600), st.just(2**20))
DAMAGE = st.one_of(
    st.builds(partial, st.just(flipped), at=PLACES, bit=st.integers(0, 7)),
    st.builds(partial, st.just(replaced), at=PLACES, count=LENGTHS, new=st.binary(max_size=20)),
)


def outcome(content: bytes) -> dict[str, bytes] | None:
    """What an archive gives; None where it is refused. Nothing else is written."""
    with tempfile.TemporaryDirectory() as folder:
        archive, target = Path(folder) / "a.archive", Path(folder) / "deep" / "er" / "c"
        archive.write_bytes(content)
        rows, refusal = None, None
        try:
            rows = unpack([archive], SOURCE, target)
        except DapError as error:
            refusal = str(error)
        inside = {
            path.relative_to(target).as_posix(): path.read_bytes()
            for path in target.rglob("*")
            if path.is_file()
        }
        outside = {path for path in Path(folder).rglob("*") if not path.is_relative_to(target)}
        lock = target.with_name(".c.lock")
        assert outside - {lock} == {archive, target.parent, target.parent.parent}
        assert archive.read_bytes() == content
    if rows is None:
        assert refusal.startswith(f"{archive}: ")
        assert "\n" not in refusal
        assert not inside
        return None
    assert rows == [{"file": name, "bytes": len(inside[name])} for name in sorted(inside)]
    return inside


@pytest.mark.parametrize("form", FORMATS)
def test_an_archive_that_is_whole(form):
    assert outcome(FORMATS[form]) == CONTENTS


@pytest.mark.parametrize("form", FORMATS)
@given(damages=st.lists(DAMAGE, min_size=1, max_size=3))
def test_a_damaged_archive(form: str, damages: list[Callable[[bytes], bytes]]):
    content = FORMATS[form]
    for damage in damages:
        content = damage(content)
    recordings = outcome(content)
    if recordings is not None and form == "zip":
        # the directory has no checksum of its own: a name that is damaged there may hide a
        # recording from it, which the archive's checksum shows before it is unpacked
        assert recordings.items() <= CONTENTS.items()
    elif recordings is not None:
        assert recordings == CONTENTS


@given(damages=st.lists(DAMAGE, min_size=1, max_size=4))
def test_a_tar_that_was_damaged_before_it_was_packed(damages: list[Callable[[bytes], bytes]]):
    content = tar(*(info(*member) for member in MEMBERS.items()), pack=bytes)
    for damage in damages:
        content = damage(content)
    # its checksum is right: names, sizes and kinds can be anything
    recordings = outcome(gzip.compress(content, 1))
    assert recordings is None or all(
        name.endswith(".wav") and "/" not in name for name in recordings
    )
