"""The papers' corpora in a workflow: from a mirror of archives, and from a server that is cut."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from misbehaving import serving

from dap.data.catalogue import draws
from dap.data.known import metadata
from dap.plugins import plugin

pytestmark = pytest.mark.slow

STUDY = "workflow/studies/interspeech2021.yaml"
# for each corpus: rate, seconds, the synthetic corpus that it is made of, the files of its archives
LAYOUTS = {
    "ljspeech": (22050, 2.0, "speech", [[f"LJSpeech-1.1/wavs/LJ001-000{i}.wav" for i in range(3)]]),
    "sc09": (
        16000,
        1.0,
        "speech",
        [[f"sc09/test/Eight_00b0144{i}_nohash_0.wav" for i in range(3)]],
    ),
    "piano": (48000, 4.0, "piano", [[f"piano/test/{i}.wav" for i in range(2)]]),
    "drums": (16000, 0.5, "drums", [[f"drums/test/{i}.wav" for i in range(3)]]),
    "demand": (16000, 4.0, "noise", [["DLIVING/ch01.wav"], ["STRAFFIC/ch01.wav"]]),
}


# real recordings of the corpora's kinds, where they lie beside the checkout
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "recordings"
REAL = {
    "ljspeech": "LJSpeech-1.1/wavs",
    "sc09": "sc09/test",
    "piano": "piano/test",
    "drums": "drums/test",
    "demand": "noise/street",
}


def recording(corpus, kind, rate, seconds, seed):
    """The bytes of a WAV file: of a real recording, where there is one, else of synthetic sound."""
    real = sorted((RECORDINGS / REAL[corpus]).glob("*.*"))
    if real:
        path = real[seed % len(real)]
        rate = soundfile.info(path).samplerate
        sound, _ = soundfile.read(path, frames=int(10 * rate))
    else:
        generate = plugin("synthetic", kind).load().generate
        sound = generate(np.random.default_rng(seed), int(rate * seconds), rate)
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def packed(file, contents):
    """An archive of the kind that the file's name says, with what nobody uses in it, too."""
    buffer = io.BytesIO()
    contents = {**contents, "README": b"read me", "sc09/train/x.wav": b"no sound"}
    if file.endswith(".zip"):
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=buffer, mode=f"w:{file.rpartition('.')[2]}") as archive:
            for name, content in contents.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """The archives of all corpora of paper A, and beside each the checksum that it has."""
    folder = tmp_path_factory.mktemp("mirror")
    for corpus, (rate, seconds, kind, archives) in LAYOUTS.items():
        for archive, names in zip(
            metadata(corpus)["sources"][0]["archives"], archives, strict=True
        ):
            sounds = {
                name: recording(corpus, kind, rate, seconds, i) for i, name in enumerate(names)
            }
            content = packed(archive["file"], sounds)
            (folder / archive["file"]).write_bytes(content)
            lock = f"{hashlib.sha256(content).hexdigest()}  {archive['file']}\n"
            (folder / f"{archive['file']}.sha256").write_text(lock)
    return folder


def overrides(mirror, clips):
    return [
        "--config",
        f"mirror={mirror}",
        f"clips={clips}",
        "clips_per_job=1",
        "fit={iterations: 2, width: 0.05, snapshots: 2}",
        # one design of the four, to be quick; the claims are of the others
        "experiments={denoise-gaussian: {methods: [observed, conv]}, "
        "convergence: {clips: {ljspeech: 1, sc09: 1, piano: 1}}}",
        "claims=[]",
    ]


def test_paper_a_from_a_mirror_of_archives(fresh, mirror, count_jobs):
    results = fresh.folder / "results" / "interspeech2021"
    table = "results/interspeech2021/tables/table1.csv"
    noisy = "results/interspeech2021/observations/denoise-environmental/sc09/000/manifest.csv"
    fresh.run(table, noisy, *overrides(mirror, 1), study=STUDY)

    frame = pd.read_csv(fresh.folder / table)
    assert set(frame["corpus"]) == {"ljspeech", "sc09", "piano"}
    scored = frame["metric"].isin(["snr", "psnr"])
    assert (frame.loc[scored, "n"] == 1).all()
    markdown = (fresh.folder / table).with_suffix(".md").read_text()
    assert (
        "LJSpeech is what was found under its name: 3 recordings, LJSpeech-1.1.tar.bz2" in markdown
    )
    assert "NOT the published archive" in markdown
    log = (results / "logs" / "download" / "ljspeech.log").read_text()
    assert "is not the published archive, but the one that" in log
    # only what a study can use is unpacked, and drawn in the order of a folder's recordings
    corpora = fresh.folder / "resources" / "corpora"
    assert sorted(path.name for path in (corpora / "sc09").iterdir()) == [
        f"Eight_00b0144{i}_nohash_0.wav" for i in range(3)
    ]
    clips = pd.read_csv(results / "clips" / "ljspeech" / "000" / "manifest.csv")
    entry = {"folder": str(corpora / "ljspeech"), "files": "*.wav"}
    assert list(clips["source"]) == [draw.file for draw in draws("ljspeech", entry, 2021, 1)]
    assert (clips["seconds"] == 2.048).all()
    assert clips["sha256"].str.len().eq(64).all()
    observed = pd.read_csv(fresh.folder / noisy)
    assert observed["metadata"].str.contains("DLIVING/ch01.wav|STRAFFIC/ch01.wav").all()

    again = fresh.snakemake(table, *overrides(mirror, 1), study=STUDY)
    assert "Nothing to be done" in again.stdout
    more = fresh.snakemake("-n", table, *overrides(mirror, 2), study=STUDY)
    assert count_jobs(more.stdout) == {
        "clips": 3, "observations": 3, "fit": 3, "baseline": 3, "score": 6, "table": 1,
    }  # fmt: skip
    # another archive in the mirror is not taken for the one that was there
    archive = mirror / "drums.tar.gz"
    archive.write_bytes(packed(archive.name, {"drums/test/0.wav": b"other"}))
    failed = fresh.snakemake("download_all", *overrides(mirror, 1), study=STUDY)
    assert failed.returncode != 0
    assert f"error: {archive}: its sha256 is " in failed.stdout


@pytest.fixture
def by_download(fresh):
    """The tiny study on drums that are downloaded."""
    fresh.change(
        clips=2,
        corpora={"drums": {"title": "drums", "archive": "drums", "samples": 2048}},
        experiments={
            "denoise": {
                "corruption": {"kind": "gaussian"},
                "corpora": ["drums"],
                "methods": ["observed", "conv"],
                "metrics": ["snr"],
            }
        },
        tables={},
        figures={},
    )
    return fresh


def test_a_download_that_was_killed_goes_on(by_download, count_jobs):
    names = [f"drums/test/{i}.wav" for i in range(3)]
    # drums are packed well, noise is not: several blocks of a download
    content = packed(
        "x.gz", {n: recording("demand", "noise", 16000, 4.0, i) for i, n in enumerate(names)}
    )
    assert len(content) > 250_000
    archives = by_download.folder / "resources" / "archives"
    part = archives / "drums.tar.gz.part"
    with serving(content) as server:
        module = by_download.folder / "dap" / "data" / "corpora" / "drums.py"
        url = metadata("drums")["sources"][0]["archives"][0]["url"]
        module.write_text(module.read_text().replace(url, server.url("drums.tar.gz")))
        server.plan = [{"cut": 200_000, "stall": 60}, {}]
        by_download.killed(
            "download_all", when=lambda: part.is_file() and part.stat().st_size == 3 * 2**16
        )
        assert not (archives / "drums.json").exists()
        by_download.run("--unlock")
        ran = by_download.run("download_all")
        assert ran == {"download/drums", "unpack/drums"}
        assert [asked for _, asked in server.requests] == [None, "bytes=196608-"]
        assert (archives / "drums.tar.gz").read_bytes() == content
        lock = f"{hashlib.sha256(content).hexdigest()}  drums.tar.gz\n"
        assert (archives / "drums.tar.gz.sha256").read_text() == lock

        # a recording that was changed since is named, and unpacked anew when its list is deleted
        manifest = "results/tiny/clips/drums/000/manifest.csv"
        for path in (by_download.folder / "resources" / "corpora" / "drums").iterdir():
            path.write_bytes(path.read_bytes()[:-1])
        failed = by_download.snakemake(manifest)
        assert failed.returncode != 0
        assert "in resources/corpora/drums.csv; delete that list, and run" in failed.stdout
        (by_download.folder / "resources" / "corpora" / "drums.csv").unlink()
        done = by_download.snakemake(manifest)
        assert count_jobs(done.stdout) == {"unpack": 1, "clips": 1}
        assert "localrule unpack:" in done.stdout  # never on a cluster's node

        # the report says what was used, and how it was checked
        by_download.run()
        report = (by_download.results / "report.html").read_text()
        for words in (
            "none published",
            "Adversarial Audio Synthesis, ICLR 2019",
            "drums.tar.gz: sha256, noted at this first download: none is published",
        ):
            assert words in report
        assert len(server.requests) == 2


def test_what_cannot_be_downloaded_is_said_in_one_line(by_download):
    with serving(b"") as server:
        module = by_download.folder / "dap" / "data" / "corpora" / "drums.py"
        url = metadata("drums")["sources"][0]["archives"][0]["url"]
        module.write_text(module.read_text().replace(url, server.url("drums.tar.gz")))
        server.plan = [{"status": 404}]
        failed = by_download.snakemake("download_all")
    assert failed.returncode != 0
    assert "drums.tar.gz: the server says 404. Run it again, which goes on" in failed.stdout
    assert "localrule download:" in failed.stdout
    assert "Traceback" not in failed.stdout.partition("RuleException")[0]
    left = [path.name for path in (by_download.folder / "resources").rglob("*") if path.is_file()]
    assert all(name.startswith(".") or name.endswith(".part") for name in left)
