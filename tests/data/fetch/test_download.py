"""Downloads from a server that misbehaves: each ends verified, or in a clear error."""

import gzip
import hashlib
import io
import logging
import multiprocessing
import re
import tarfile

import numpy as np
import pytest
from misbehaving import serving

from dap.data.fetch import download
from dap.data.fetch.checksums import verify
from dap.data.fetch.download import fetch, from_mirror
from dap.errors import DapError

LOG = logging.getLogger("dap")
NAME = "corpus.tar.gz"
# of random samples, so that no block of it is like another: 256 KiB and a bit
SOUND = np.random.default_rng(0).bytes(2**18)


def packed(content=SOUND):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("sc09/test/Eight_00b01445_nohash_0.wav")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


ARCHIVE = packed()
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.01)
    monkeypatch.setattr(download, "TIMEOUT", (2.0, 0.5))
    monkeypatch.setattr(download, "CHUNK_BYTES", 2**12)
    with serving(ARCHIVE) as server:
        yield server


def source(server, file=NAME, **published):
    return {"archives": [{"file": file, "url": server.url(file), **published}]}


def get(server, folder, *, sha256=SHA256, **published):
    if sha256:
        published["sha256"] = sha256
    return fetch([source(server, **published)], folder, LOG)[1]


def left(folder):
    """What lies there, lock files of the process aside."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_whole(server, tmp_path):
    (row,) = get(server, tmp_path, bytes=len(ARCHIVE))
    assert row == {
        "file": str(tmp_path / NAME),
        "url": server.url(NAME),
        "sha256": SHA256,
        "checked": "sha256, as published",
    }
    assert (tmp_path / NAME).read_bytes() == ARCHIVE
    assert left(tmp_path) == [NAME]
    # what is there is verified, and not asked for again
    assert get(server, tmp_path) == [row]
    assert len(server.requests) == 1


def test_a_line_of_the_log_now_and_then(server, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(download, "LINE_SECONDS", 0)
    (tmp_path / f"{NAME}.part").write_bytes(ARCHIVE[: len(ARCHIVE) // 2])
    with caplog.at_level("INFO"):
        get(server, tmp_path)
    lines = [line for line in caplog.messages if line.startswith(f"{NAME}: ") and "B/s" in line]
    assert f"{NAME}: 100%|" in lines[-1]
    assert all(int(line.split("%")[0].split()[-1]) >= 50 for line in lines)


@pytest.mark.parametrize("cut", [1, 5000, len(ARCHIVE) - 1])
@pytest.mark.parametrize("etag", ['"1"', None, 'W/"1"'])
def test_a_cut_is_resumed_where_it_was(server, tmp_path, cut, etag):
    server.etag = etag
    server.plan = [{"cut": cut}, {}]
    get(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == ARCHIVE
    assert left(tmp_path) == [NAME]
    # what did not fill a block when the connection broke may be asked for again
    (_, first), (_, second) = server.requests
    resumed = int((second or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    assert first is None
    assert cut - 2**12 < resumed <= cut


def test_a_line_that_breaks_all_the_time_gets_there(server, tmp_path):
    # more often than there are attempts that may bring nothing
    server.plan = [{"cut": 20_000 * k} for k in range(1, 14)] + [{}]
    get(server, tmp_path)
    assert len(server.requests) == 14
    assert (tmp_path / NAME).read_bytes() == ARCHIVE


def test_after_a_kill_another_process_goes_on(server, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(ARCHIVE[:100_000])
    get(server, tmp_path, sha256=None)
    assert server.requests == [(f"/{NAME}", "bytes=100000-")]
    assert (tmp_path / NAME).read_bytes() == ARCHIVE


@pytest.mark.parametrize("published", [{"bytes": len(ARCHIVE)}, {}])
def test_after_a_kill_before_the_renaming(server, tmp_path, published):
    (tmp_path / f"{NAME}.part").write_bytes(ARCHIVE)
    get(server, tmp_path, **published)
    assert len(server.requests) == (0 if published else 1)
    assert left(tmp_path) == [NAME]


def test_a_cut_in_an_answer_of_no_stated_length(server, tmp_path):
    server.plan = [{"no_length": True, "cut": 100_000}, {"no_length": True}]
    get(server, tmp_path, bytes=len(ARCHIVE))
    assert [asked for _, asked in server.requests] == [None, "bytes=100000-"]
    assert (tmp_path / NAME).read_bytes() == ARCHIVE


def test_more_than_is_published(server, tmp_path):
    server.plan = [{"no_length": True, "content": ARCHIVE + b"more"}]
    with pytest.raises(DapError, match=f"sent {len(ARCHIVE) + 4} bytes, and {len(ARCHIVE)} were"):
        get(server, tmp_path, bytes=len(ARCHIVE))
    server.plan = []
    get(server, tmp_path, bytes=len(ARCHIVE))
    assert (tmp_path / NAME).read_bytes() == ARCHIVE


def test_a_part_that_is_longer_than_the_file(server, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(ARCHIVE + b"more")
    get(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == ARCHIVE


@pytest.mark.parametrize("plan", [{"no_ranges": True}, {"shift": 10}])
def test_ranges_that_are_ignored_or_wrong(server, tmp_path, plan):
    server.plan = [{"cut": 100_000}, plan, {}]
    get(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == ARCHIVE


def test_another_version_is_not_mixed_in(server, tmp_path):
    newer = packed(SOUND[::-1])
    server.plan = [{"cut": 100_000}, {"content": newer}]

    class Changed(list):
        def append(self, request):
            super().append(request)
            server.etag = f'"{len(self)}"'

    server.requests = Changed()
    get(server, tmp_path, sha256=None)
    assert (tmp_path / NAME).read_bytes() == newer


@pytest.mark.parametrize(
    "plan",
    [
        [{"status": 503}, {"status": 429}, {}],
        [{"redirect": "/moved/1"}],
        [{"cut": 50_000, "stall": 1.0}, {}],
        [{"sleep": 0.8}, {}],
        [{"no_length": True}],
        [{"encoding": "gzip"}],
        [{"encoding": "x-gzip", "cut": 70_000}, {}],
    ],
    ids=["busy", "redirect", "stall", "late", "no length", "label", "label and cut"],
)
def test_what_is_got_over(server, tmp_path, plan):
    server.plan = plan
    get(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == ARCHIVE
    assert left(tmp_path) == [NAME]


@pytest.mark.parametrize(
    ("plan", "published", "message", "requests"),
    [
        ([{"status": 404}], {}, "the server says 404", 1),
        ([{"status": 403}], {}, "the server says 403", 1),
        ([{"status": 503}], {}, r"5 attempts in a row brought nothing \(the server says 503\)", 5),
        ([{"sleep": 0.8}], {}, r"5 attempts .* \(the server sends nothing\)", 5),
        ([{"redirect": f"/{NAME}"}], {}, "redirects for ever", 31),
        (
            [{"content": b"<html>Sign in</html>", "type": "text/html; charset=utf-8"}],
            {},
            r"sent a web page \(text/html\), not the archive",
            1,
        ),
        (
            [{}],
            {"bytes": 7},
            f"the server has {len(ARCHIVE)} bytes, and 7 are expected",
            1,
        ),
    ],
    ids=["404", "403", "always busy", "never answers", "redirects", "web page", "another size"],
)
def test_what_is_refused(server, tmp_path, plan, published, message, requests):
    server.plan = plan
    with pytest.raises(DapError, match=message) as caught:
        get(server, tmp_path, **published)
    assert "\n" not in str(caught.value)
    assert f"put the archive into {tmp_path}; or add --config mirror=PATH" in str(caught.value)
    assert len(server.requests) == requests
    assert not (tmp_path / NAME).exists()
    # a part of nothing may stay, and nothing else
    assert all(path.stat().st_size == 0 for path in tmp_path.glob("*.part"))
    server.plan = []
    get(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == ARCHIVE


def test_a_web_page_that_claims_to_be_an_archive(server, tmp_path):
    server.plan = [{"content": b"<html>Sign in</html>"}]
    with pytest.raises(DapError, match=r"sent b'<htm'\.\.\., which is no archive; kept as .*wrong"):
        get(server, tmp_path, sha256=None)
    # no lock file of it
    assert left(tmp_path) == [f"{NAME}.wrong"]
    server.plan = []
    get(server, tmp_path, sha256=None)
    assert (tmp_path / f"{NAME}.sha256").read_text() == f"{SHA256}  {NAME}\n"


def test_nobody_there(server, tmp_path):
    gone = {"archives": [{"file": NAME, "url": "http://127.0.0.1:9/x", "sha256": SHA256}]}
    with pytest.raises(DapError, match=r"brought nothing \(no connection \(ConnectionError\)\)"):
        fetch([gone], tmp_path, LOG)


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_one_wrong_byte(server, tmp_path, kind):
    wrong = bytearray(ARCHIVE)
    wrong[200_000] ^= 1
    server.plan = [{"content": bytes(wrong)}]
    theirs, ours = (hashlib.new(kind, content).hexdigest() for content in (wrong, ARCHIVE))
    with pytest.raises(DapError) as caught:
        get(server, tmp_path, **{"sha256": None, kind: ours})
    for word in (f"{NAME}.part: its {kind} is {theirs}", ours, "published", f"{NAME}.wrong"):
        assert word in str(caught.value)
    # kept, under a name that nobody takes for the archive
    assert (tmp_path / f"{NAME}.wrong").read_bytes() == wrong
    assert not (tmp_path / NAME).exists()
    server.plan = []
    get(server, tmp_path, **{"sha256": None, kind: ours})
    assert (tmp_path / NAME).read_bytes() == ARCHIVE


def test_an_archive_that_is_damaged_later(server, tmp_path):
    get(server, tmp_path)
    with (tmp_path / NAME).open("r+b") as file:
        file.write(b"?")
    with pytest.raises(DapError, match=f"its sha256 is .* and {SHA256} is published"):
        get(server, tmp_path)
    get(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == ARCHIVE


def test_without_a_published_checksum_the_first_download_counts(server, tmp_path):
    (first,) = get(server, tmp_path, sha256=None)
    assert first["checked"] == "sha256, noted at this first download: none is published"
    assert left(tmp_path) == [NAME, f"{NAME}.sha256"]
    (again,) = get(server, tmp_path, sha256=None)
    assert again["checked"] == "sha256, as at the first download: none is published"
    # another machine's lock file, or the archive fetched anew
    (tmp_path / NAME).unlink()
    server.content = packed(b"another")
    theirs = hashlib.sha256(server.content).hexdigest()
    message = f"its sha256 is {theirs}, and the first download's was {SHA256}"
    with pytest.raises(DapError, match=message) as caught:
        get(server, tmp_path, sha256=None)
    assert "the lock file too if the change is to be taken over" in str(caught.value)
    (tmp_path / f"{NAME}.sha256").unlink()
    get(server, tmp_path, sha256=None)


def test_a_lock_file_that_is_none(server, tmp_path):
    get(server, tmp_path, sha256=None)
    (tmp_path / f"{NAME}.sha256").write_text("none")
    with pytest.raises(DapError, match="does not begin with a sha256"):
        get(server, tmp_path, sha256=None)
    assert (tmp_path / NAME).read_bytes() == ARCHIVE  # not the archive's fault
    (tmp_path / "a").write_bytes(b"a")
    noted = tmp_path / "a.sha256"
    noted.write_text("<html>")
    with pytest.raises(DapError, match=r"a\.sha256: does not begin with a sha256 of 64 digits"):
        verify(tmp_path / "a", {"file": "a"}, lock=noted, log=LOG)


@pytest.mark.parametrize("plan", [[{"status": 404}, {}], [{"content": b"PK\3\4 no"}, {}]])
def test_the_fallback_is_taken(server, tmp_path, plan, caplog):
    server.plan = plan
    first = source(server, "sc09.tar.gz", md5="0" * 32)
    second = source(server, "speech_commands_v0.01.tar.gz", sha256=SHA256) | {"root": ""}
    with caplog.at_level("WARNING"):
        taken, (row,) = fetch([first, second], tmp_path, LOG)
    assert taken is second
    assert row["file"] == str(tmp_path / "speech_commands_v0.01.tar.gz")
    assert "sc09.tar.gz" in caplog.text


def test_all_addresses_fail(server, tmp_path):
    server.plan = [{"status": 404}, {"status": 410}]
    with pytest.raises(DapError, match=r"a\.zip: the server says 404; .*b\.zip: .* says 410\. Run"):
        fetch([source(server, "a.zip"), source(server, "b.zip")], tmp_path, LOG)


def _get_in_process(url, folder):
    archive = {"file": NAME, "url": url, "sha256": SHA256}
    fetch([{"archives": [archive]}], folder, LOG)


def test_two_runs_at_once(server, tmp_path):
    server.plan = [{"cut": 100_000}, {"sleep": 0.3}]
    fork = multiprocessing.get_context("fork")
    runs = [
        fork.Process(target=_get_in_process, args=(server.url(NAME), tmp_path)) for _ in range(2)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join(30)
    assert [run.exitcode for run in runs] == [0, 0]
    assert len(server.requests) == 2  # of one run: the other found it finished
    assert (tmp_path / NAME).read_bytes() == ARCHIVE


def test_a_full_disk_is_seen_before(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DapError, match=f"{len(ARCHIVE)} bytes are to come, and the disk has 10"):
        get(server, tmp_path)


def test_mirror(tmp_path, caplog):
    mirror, folder = tmp_path / "mirror", tmp_path / "own"
    mirror.mkdir()
    (mirror / NAME).write_bytes(ARCHIVE)

    def taken(**published):
        source = {"archives": [{"file": NAME, "url": "http://x", **published}]}
        return from_mirror(source, [str(mirror / NAME)], folder, LOG)[1][0]["checked"]

    assert taken(sha256=SHA256) == "sha256, as published"
    assert left(mirror) == [NAME]
    with pytest.raises(DapError, match=f"its sha256 is {SHA256}, and {'0' * 64} is published"):
        taken(sha256="0" * 64)
    lock = re.escape(str(mirror / f"{NAME}.sha256"))
    with pytest.raises(DapError, match=f"or state its sha256 in {lock}, if it is meant to be ano"):
        taken(sha256="0" * 64)
    # nothing is written into the mirror
    assert taken() == "sha256, noted at this first download: none is published"
    assert left(mirror) == [NAME]
    assert left(folder) == [f"{NAME}.sha256"]
    # an archive of the user's own making, which they vouch for
    (mirror / f"{NAME}.sha256").write_text(f"{SHA256}  {NAME}\n")
    with caplog.at_level("WARNING"):
        assert taken(sha256="0" * 64).endswith("NOT the published archive")
    assert "is not the published archive" in caplog.text
    assert taken() == f"sha256, as {NAME}.sha256 states: none is published"
    (mirror / f"{NAME}.sha256").write_text(f"{'1' * 64}  {NAME}\n")
    with pytest.raises(DapError, match="is published"):
        taken(sha256="0" * 64)
    with pytest.raises(DapError, match="1" * 64):
        taken()
