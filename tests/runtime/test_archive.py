"""Archives, in and out."""

import io
import tarfile

import pytest

from dap.errors import DapError
from dap.runtime.archive import packed, unpacked

FILES = {"a/b.csv": b"x" * 5000, "c.json": b""}


@pytest.mark.parametrize("suffix", ["zst", "xz", "gz"])
def test_what_is_packed_comes_out(tmp_path, suffix):
    path = tmp_path / f"part.tar.{suffix}"
    packed(path, FILES)
    assert path.stat().st_size < 1000
    with unpacked(path) as folder:
        out = {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file in folder.rglob("*")
            if file.is_file()
        }
    assert out == FILES
    assert not folder.exists()


def test_a_folder_is_taken_as_it_is(tmp_path):
    with unpacked(tmp_path) as folder:
        assert folder == tmp_path
    assert tmp_path.is_dir()


def test_another_program_reads_it(tmp_path):
    path = tmp_path / "part.tar.gz"
    packed(path, FILES)
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["a/b.csv", "c.json"]
        assert {member.mtime for member in tar} == {0}


def test_a_name_that_leads_out_is_refused(tmp_path):
    path = tmp_path / "part.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo("../out")
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(DapError, match=r"part\.tar\.gz: is damaged"), unpacked(path):
        pass
    assert not (tmp_path / "out").exists()
