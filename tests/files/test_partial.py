"""What a restoration that was stopped leaves, and what is taken up of it."""

import errno
import logging
import os
from pathlib import Path

import numpy as np
import pytest

import dap
from dap.errors import DapError
from dap.files.partial import Partial, beside, versions

MARKS = {"the recording": "abc", "the options": "{}"}
ARRAYS = {"signal": np.arange(5.0), "unrestored": np.array(False)}


def test_a_part_comes_back_to_the_bit(tmp_path):
    folder = beside(tmp_path / "out.wav")
    assert folder.name == "out.wav.partial"
    Partial(folder, MARKS, resume=False).save("a", ARRAYS)
    store = Partial(folder, MARKS, resume=True)
    found = store.load("a")
    np.testing.assert_array_equal(found["signal"], ARRAYS["signal"])
    assert not found["unrestored"]
    assert store.load("b") == {}
    store.remove()
    assert not folder.exists()


def test_nothing_is_written_before_a_part_is_done(tmp_path):
    for resume in (False, True):
        Partial(tmp_path / "p", MARKS, resume)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("name", MARKS)
def test_what_is_of_another_run_is_not_gone_on_with(name, tmp_path):
    Partial(tmp_path / "p", MARKS, resume=False).save("a", ARRAYS)
    with pytest.raises(DapError, match=f"is of another run.*not the same are {name}; put that"):
        Partial(tmp_path / "p", MARKS | {name: "other"}, resume=True)
    assert Partial(tmp_path / "p", MARKS, resume=True).load("a")


def test_a_folder_without_marks_is_no_run(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "marks.json").write_text("{torn")
    with pytest.raises(DapError, match="not the same are the options, the recording"):
        Partial(tmp_path / "p", MARKS, resume=True)


def test_a_torn_part_is_done_again(tmp_path):
    Partial(tmp_path / "p", MARKS, resume=False).save("a", ARRAYS)
    path = tmp_path / "p" / "a.npz"
    content = path.read_bytes()
    store = Partial(tmp_path / "p", MARKS, resume=True)
    for torn in (content[:-10], b"", content[:200] + bytes(10) + content[210:]):
        path.write_bytes(torn)
        assert store.load("a") == {}
    store.save("a", ARRAYS)
    assert path.read_bytes() == content


def test_without_resume_what_is_there_is_said_and_goes_once_a_part_is_done(tmp_path, caplog):
    Partial(tmp_path / "p", MARKS, resume=False).save("a", ARRAYS)
    with caplog.at_level(logging.WARNING, "dap"):
        store = Partial(tmp_path / "p", MARKS, resume=False)
    assert "give --resume, to go on with it" in caplog.text
    assert store.load("a") == {}
    assert (tmp_path / "p" / "a.npz").exists()
    store.save("b", ARRAYS)
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["b.npz", "marks.json"]


def test_a_full_disk_ends_no_run(tmp_path, monkeypatch, caplog):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = Partial(tmp_path / "p", MARKS, resume=False)
    monkeypatch.setattr("numpy.savez", full)
    with caplog.at_level(logging.WARNING, "dap"):
        store.save("a", ARRAYS)
        store.save("b", ARRAYS)
    (line,) = caplog.messages  # once
    assert "No space left on device): the run goes on, and cannot be resumed" in line
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["marks.json"]


def test_versions_name_the_code_and_the_libraries(monkeypatch):
    assert versions() == versions()
    assert versions().startswith("dap 0.1.0 ")
    read, read_bytes = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path) or read_bytes(path))
    versions()
    package = Path(dap.__file__).parent
    assert {package / name for name in ("noise.py", "baselines/janssen.py")} <= set(read)
    assert any(path.suffix == ".c" for path in read)
    assert f"numpy {np.__version__}" in versions()
