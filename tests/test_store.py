import errno
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dap import store
from dap.errors import DapError, UnwritableError


class KilledError(Exception):
    pass


def half(path: Path, content: bytes) -> None:
    """Write as a process that is killed halfway."""
    with path.open("wb") as file:
        file.write(content[: len(content) // 2])
    raise KilledError


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "new" / "rows.csv"
    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(KilledError):
        store.write_bytes(path, b"12345678")
    assert not path.exists()
    monkeypatch.undo()
    store.write_bytes(path, b"12345678")
    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(KilledError):
        store.write_bytes(path, b"abcdefgh")
    assert path.read_bytes() == b"12345678"


def test_a_signal_is_whole_or_not_there(tmp_path, tone, monkeypatch):
    path = tmp_path / "new" / "a.wav"
    monkeypatch.setattr(store, "write", lambda path, signal, rate: half(path, signal.tobytes()))
    with pytest.raises(KilledError):
        store.write_signal(path, tone, 16000)
    assert not path.exists()
    monkeypatch.undo()
    digest = store.write_signal(path, tone, 16000)
    assert digest == store.sha256(path)
    assert soundfile.info(path).subtype == "FLOAT"
    np.testing.assert_array_equal(store.read_checked_signal(path.parent, "a.wav", digest), tone)


def test_nothing_else_is_left(tmp_path, tone):
    store.write_bytes(tmp_path / "a", b"1")
    store.write_signal(tmp_path / "a.wav", tone, 16000)
    store.write_arrays(tmp_path / "a.npz", {"x": np.arange(3)})
    store.write_rows(tmp_path / "a.csv", [{"x": 1}])
    names = {"a", "a.wav", "a.npz", "a.csv", ".a.csv.sha256"}
    assert {path.name for path in tmp_path.iterdir()} == names
    store.remove([tmp_path / "a", tmp_path / "never"])
    assert not (tmp_path / "a").exists()


def test_sha256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert store.sha256(tmp_path / "abc") == digest
    assert store.checked(tmp_path, "abc", digest) == tmp_path / "abc"


@pytest.mark.parametrize("content", [None, b"", b"abd"])
def test_another_file_and_its_remedy_are_named(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(b"abc")
    digest = store.sha256(tmp_path / "a.wav")
    if content is None:
        (tmp_path / "a.wav").unlink()
        problem = "is missing, though the manifest lists it"
    else:
        (tmp_path / "a.wav").write_bytes(content)
        problem = r"is not the file that the manifest lists \(sha256 differs\)"
    with pytest.raises(
        DapError, match=rf"a\.wav: {problem}; delete .*manifest\.csv and run Snakemake again"
    ):
        store.read_checked_signal(tmp_path, "a.wav", digest)


def test_rows_keep_every_digit_and_character(tmp_path):
    rows = [{"a": 1 / 3, "b": 'x, "y"\nz'}, {"a": 1e-300, "b": "é"}]
    store.write_rows(tmp_path / "a.csv", rows)
    rows_read = store.read_rows(tmp_path / "a.csv")
    assert [float(row["a"]) for row in rows_read] == [1 / 3, 1e-300]
    assert [row["b"] for row in rows_read] == [row["b"] for row in rows]
    with pytest.raises(DapError, match=r"b\.csv: is not there; run Snakemake again"):
        store.read_rows(tmp_path / "b.csv")


def test_arrays(tmp_path):
    arrays = {"x": np.float32([[1 / 3, np.nan]]), "y.z": np.array([True]), "w": np.array("{}")}
    store.write_arrays(tmp_path / "a.npz", arrays)
    arrays_read = store.read_arrays(tmp_path / "a.npz")
    assert list(arrays_read) == list(arrays)
    for name, array in arrays.items():
        assert arrays_read[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays_read[name], array)


def test_nothing_in_an_array_is_executed(tmp_path):
    store.write_arrays(tmp_path / "a.npz", {"x": np.array([{}], object)})
    with pytest.raises(ValueError, match="allow_pickle=False"):
        store.read_arrays(tmp_path / "a.npz")


def test_what_a_killed_job_left_is_discarded(tmp_path):
    for name in (".clip.s0.estimate.last.wav.4711", ".manifest.csv.12", ".clip.s0.npz", "a.1"):
        (tmp_path / name).write_bytes(b"x")
    store.discard_partial(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".clip.s0.npz", "a.1"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (
            errno.ENOSPC,
            "the disk is full, or the quota used up: free some space, and try again",
        ),
        (errno.EROFS, "or it is mounted read-only: make it writable, and try again"),
        (errno.EIO, "Input/output error: put that right, and try again"),
    ],
)
def test_what_cannot_be_written_is_named_with_the_remedy(tmp_path, monkeypatch, number, words):
    def write(path, content):
        with path.open("wb") as file:
            file.write(content[:1])
        raise OSError(number, os.strerror(number))

    store.write_bytes(tmp_path / "a", b"before")
    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(UnwritableError, match=re.escape(f"{tmp_path / 'a'}: cannot be written (")):
        store.write_bytes(tmp_path / "a", b"after")
    with pytest.raises(UnwritableError, match=words):
        store.write_bytes(tmp_path / "a", b"after")
    assert (tmp_path / "a").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_seal_is_what_sha256sum_checks(tmp_path):
    rows = [{"clip": f"c{i}", "value": i} for i in range(9)]
    store.write_rows(tmp_path / "a.csv", rows)
    store.write_arrays(tmp_path / "a.npz", {"x": np.arange(3)})
    store.seal(tmp_path / "a.csv", tmp_path / "a.npz")
    subprocess.run(["sha256sum", "--check", "--quiet", ".a.csv.sha256"], cwd=tmp_path, check=True)
    assert store.verified(tmp_path / "a.npz", tmp_path / "a.csv") == tmp_path / "a.npz"
    assert len(store.read_rows(tmp_path / "a.csv")) == 9


def test_a_torn_csv_is_found(tmp_path):
    path = tmp_path / "a.csv"
    store.write_rows(path, [{"clip": f"c{i}", "value": i} for i in range(9)])
    whole = path.read_bytes()
    # at the end of a row, a reader that only parses sees nothing wrong
    for content in (whole[: whole.index(b"c5")], whole.replace(b"c5,5", b"c5,6"), b""):
        path.write_bytes(content)
        with pytest.raises(
            DapError, match=r"a\.csv: is torn or was changed .*; delete .*a\.csv and run Snakemake"
        ):
            store.read_rows(path)
    path.write_bytes(whole)
    (tmp_path / ".a.csv.sha256").write_bytes(b"")
    with pytest.raises(DapError, match="is torn or was changed"):
        store.read_rows(path)
    (tmp_path / ".a.csv.sha256").unlink()
    assert len(store.read_rows(path)) == 9


def test_a_torn_file_of_a_seal_names_what_to_delete(tmp_path):
    store.write_rows(tmp_path / "m.csv", [{"x": 1}])
    store.write_arrays(tmp_path / "s.npz", {"x": np.arange(100)})
    store.seal(tmp_path / "m.csv", tmp_path / "s.npz")
    content = (tmp_path / "s.npz").read_bytes()
    (tmp_path / "s.npz").write_bytes(content[:-1])
    with pytest.raises(
        DapError, match=r"s\.npz: is torn or was changed .* delete .*m\.csv and run"
    ):
        store.verified(tmp_path / "s.npz", tmp_path / "m.csv")
    (tmp_path / "s.npz").unlink()
    with pytest.raises(DapError, match=r"s\.npz: is not there; delete .*m\.csv and run Snakemake"):
        store.verified(tmp_path / "s.npz", tmp_path / "m.csv")


def test_what_was_kept_is_whole_or_nothing(tmp_path):
    path = tmp_path / "a.npz"
    assert store.read_intact(path) == {}
    store.write_arrays(path, {"x": np.arange(1000)})
    assert list(store.read_intact(path)) == ["x"]
    content = path.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    for torn in (b"", content[:10], content[:-30], flipped):
        path.write_bytes(torn)
        assert store.read_intact(path) == {}
