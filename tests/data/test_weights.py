"""Trained weights: declared, found, downloaded and verified."""

import logging
import re

import pytest
from misbehaving import serving
from small_checkpoint import small_weights

from dap.data import weights
from dap.data.fetch import download
from dap.errors import DapError
from dap.plugins import plugin

LOG = logging.getLogger("dap")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Another file in place of the published ones: one, which a server of one content can send."""
    made = small_weights(tmp_path / "made")[1:]
    monkeypatch.setitem(plugin("baselines", "dfl").metadata["weights"], "files", made)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DAP_WEIGHTS", raising=False)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def content(files, tmp_path):
    return (tmp_path / "made" / files[0]["file"]).read_bytes()


@pytest.fixture
def server(files, content, monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.01)
    with serving(content) as server:
        files[0]["url"] = server.url(files[0]["file"])
        yield server


def test_the_published_files():
    declared = weights.declared("dfl")
    assert declared["by"] == "Germain, Chen and Koltun 2018"
    assert declared["licence"] == "MIT"
    assert [file["bytes"] for file in declared["files"]] == [1906, 643700]
    for file in declared["files"]:
        assert re.fullmatch("[0-9a-f]{64}", file["sha256"])
        # of one commit, which nobody can change
        assert re.search(r"/[0-9a-f]{40}/models/", file["url"])
        assert file["url"].endswith(file["file"])
    assert weights.declared("wiener") is None
    assert weights.declared("conv") is None


def test_what_a_declaration_lacks(files, monkeypatch):
    metadata = plugin("baselines", "dfl").metadata
    monkeypatch.setitem(metadata, "weights", {"by": "x", "files": [{"file": "a", "url": "b"}]})
    lacking = "on, licence, citation, files.bytes, files.sha256"
    with pytest.raises(DapError, match=f"dfl.py: BASELINES: dfl.weights lacks {lacking}$"):
        weights.declared("dfl")
    with pytest.raises(DapError, match="names no weights"):
        weights.folder("wiener")


def test_they_are_downloaded_once(server, tmp_path, caplog):
    folder = weights.folder("dfl")
    assert folder == tmp_path / "cache" / "dap" / "weights" / "dfl"
    said = "the trained weights of dfl (0.0 MB) are downloaded into"
    assert [line for line in caplog.messages if said in line] == [f"{said} {folder}, this once"]
    caplog.clear()
    assert weights.folder("dfl") == folder
    assert len(server.requests) == 1
    assert not caplog.messages


def test_a_download_that_is_cut_goes_on(server, content, files):
    server.plan = [{"cut": 100}, {}]
    folder = weights.folder("dfl")
    assert (folder / files[0]["file"]).read_bytes() == content
    assert len(server.requests) == 2


def test_another_file_is_not_taken(server, content, files, tmp_path):
    server.plan = [{"content": content[:-1] + b"?"}]
    with pytest.raises(DapError, match="is published: it is damaged or another file") as error:
        weights.folder("dfl")
    assert "set DAP_WEIGHTS to a folder that holds it" in str(error.value)
    server.plan = []
    assert weights.folder("dfl").is_dir()


def test_without_internet(files):
    files[0]["url"] = "http://127.0.0.1:9/nothing"
    download_pause = pytest.MonkeyPatch()
    with download_pause.context() as patch:
        patch.setattr(download, "PAUSE", 0.001)
        with pytest.raises(DapError, match="attempts in a row brought nothing") as error:
            weights.folder("dfl")
    assert "set DAP_WEIGHTS to a folder that holds it" in str(error.value)


def test_a_cache_that_cannot_be_written(files, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    with pytest.raises(DapError, match=r"dfl cannot be kept in the cache: .*DAP_WEIGHTS"):
        weights.folder("dfl")


@pytest.mark.parametrize("below", ["", "dfl"])
def test_a_folder_of_the_users_own(files, tmp_path, monkeypatch, below):
    place = tmp_path / "place"
    small_weights(place / below)
    monkeypatch.setenv("DAP_WEIGHTS", str(place))
    assert weights.folder("dfl") == place / below
    assert weights.mirrored("dfl", str(place)) == [str(place / below / files[0]["file"])]


def test_a_folder_that_has_them_not(files, tmp_path, monkeypatch):
    monkeypatch.setenv("DAP_WEIGHTS", str(tmp_path))
    name = re.escape(files[0]["file"])
    with pytest.raises(DapError, match=f"DAP_WEIGHTS is .*, which has none of {name}, the weights"):
        weights.folder("dfl")
    with pytest.raises(DapError, match=f"mirror .* has none of {name}, the weights of dfl"):
        weights.mirrored("dfl", str(tmp_path))


def test_a_workflow_copies_them_from_its_mirror(files, content, tmp_path):
    mirror = weights.mirrored("dfl", str(tmp_path / "made"))
    (row,) = weights.provide("dfl", mirror, LOG)
    assert row == {
        "file": mirror[0],
        "url": files[0]["url"],
        "sha256": files[0]["sha256"],
        "checked": "sha256, as published",
    }
    path = tmp_path / "resources" / "weights" / "dfl" / files[0]["file"]
    assert path.read_bytes() == content
    (tmp_path / "made" / files[0]["file"]).write_bytes(b"another")
    with pytest.raises(DapError, match="is published: it is damaged or another file"):
        weights.provide("dfl", mirror, LOG)


def test_a_workflow_downloads_them(server, content, files, tmp_path):
    (row,) = weights.provide("dfl", [], LOG)
    assert row["file"] == f"resources/weights/dfl/{files[0]['file']}"
    assert (tmp_path / row["file"]).read_bytes() == content
