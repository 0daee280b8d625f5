from pathlib import Path

import numpy as np
import pytest
import soundfile

from dap import store
from dap.errors import DapError


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
    assert {path.name for path in tmp_path.iterdir()} == {"a", "a.wav", "a.npz", "a.csv"}
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
    found = store.read_rows(tmp_path / "a.csv")
    assert [float(row["a"]) for row in found] == [1 / 3, 1e-300]
    assert [row["b"] for row in found] == [row["b"] for row in rows]
    with pytest.raises(DapError, match=r"b\.csv: is not there; run Snakemake again"):
        store.read_rows(tmp_path / "b.csv")


def test_arrays(tmp_path):
    arrays = {"x": np.float32([[1 / 3, np.nan]]), "y.z": np.array([True]), "w": np.array("{}")}
    store.write_arrays(tmp_path / "a.npz", arrays)
    found = store.read_arrays(tmp_path / "a.npz")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_nothing_in_an_array_is_executed(tmp_path):
    store.write_arrays(tmp_path / "a.npz", {"x": np.array([{}], object)})
    with pytest.raises(ValueError, match="allow_pickle=False"):
        store.read_arrays(tmp_path / "a.npz")


def test_what_a_killed_job_left_is_discarded(tmp_path):
    for name in (".clip.s0.estimate.last.wav.4711", ".manifest.csv.12", ".clip.s0.npz", "a.1"):
        (tmp_path / name).write_bytes(b"x")
    store.discard_partial(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".clip.s0.npz", "a.1"]
