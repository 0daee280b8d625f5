"""Faults that last: one clear error that names the file and the remedy, and then the same tables.

`make test-faults` runs these; mounts need root.
"""

import os
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.faults]

SPEECH = "denoise/synthetic-speech"
OBSERVED = f"results/tiny/observations/{SPEECH}/000/manifest.csv"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


def errors(said: str) -> list[str]:
    """The errors that jobs and the workflow ended with, each once."""
    messages = re.findall(
        r"(?:error: |clip [^ ]+, \w+: )(.*(?:run Snakemake again|try again).*)", said
    )
    return list(dict.fromkeys(messages))


def assert_same(checkout, original):
    tables = checkout.files("tables/table1.*")
    assert len(tables) == 3
    assert tables == original.files("tables/table1.*")
    assert checkout.files("fits/**/*.wav") == original.files("fits/**/*.wav")


@contextmanager
def mounted(folder: Path, *options: str):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@needs_root
def test_a_full_disk(fresh, original):
    results = fresh.folder / "results"
    with mounted(results, "-t", "tmpfs", "-o", "size=20m", "tmpfs"):
        fresh.run(OBSERVED)
        filler, space = results / "filler", os.statvfs(results)
        filler.write_bytes(bytes(space.f_bavail * space.f_frsize - 60_000))
        failed = fresh.snakemake("--keep-going")
        assert failed.returncode != 0
        said = errors(failed.stdout)
        assert said
        for line in said:
            file = r"results/tiny/(fits|scores|tables|figures)/\S+"
            assert re.match(rf"{file}: cannot be written \(the disk is full", line), line
        assert "this should not happen" not in failed.stdout
        # a fit that could not be written down is not one that cannot be fitted
        assert "missing" not in "".join(
            path.read_text() for path in results.glob("tiny/fits/**/manifest.csv")
        ).replace(",missing\n", "")

        filler.unlink()
        assert fresh.snakemake("--rerun-incomplete").returncode == 0
        assert_same(fresh, original)


@needs_root
def test_a_read_only_results_folder(fresh, original):
    fresh.run(OBSERVED)
    results = fresh.folder / "results"
    with mounted(results, "--bind", str(results)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(results)], check=True)
        failed = fresh.snakemake()
        assert failed.returncode != 0
        assert "results/tiny: cannot be written (this user may not write there" in failed.stdout
        assert "make it writable, and try again" in failed.stdout
        assert failed.stdout.count("Error in rule") == 0
    assert fresh.snakemake().returncode == 0
    assert_same(fresh, original)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_after_a_row(path: Path) -> None:
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(rows[: len(rows) // 2]))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "damage", "reader"),
    [
        (
            "clips/synthetic-speech/000/speech-00001.wav",
            flip,
            f"scores/{SPEECH}/conv/000.csv",
        ),
        (
            f"observations/{SPEECH}/000/speech-00000.wav",
            cut,
            f"fits/{SPEECH}/conv/000/manifest.csv",
        ),
        (
            f"fits/{SPEECH}/conv/000/speech-00002.s0.estimate.last.wav",
            flip,
            f"scores/{SPEECH}/conv/000.csv",
        ),
        (f"fits/{SPEECH}/conv/000/snapshots.npz", cut, f"scores/{SPEECH}/conv/000.csv"),
        (f"fits/{SPEECH}/conv/000/manifest.csv", cut_after_a_row, f"scores/{SPEECH}/conv/000.csv"),
        (f"scores/{SPEECH}/dilated/000.csv", cut_after_a_row, "tables/table1.csv"),
    ],
)
def test_an_intermediate_file_that_was_damaged(finished, original, file, damage, reader):
    damage(finished.results / file)
    (finished.results / reader).unlink()  # what is made from it is to be made again
    failed = finished.snakemake("--keep-going")
    assert failed.returncode != 0
    said = errors(failed.stdout)
    assert said
    assert all(line.startswith(f"results/tiny/{file}: ") for line in said), said
    remedies = {re.search(r"delete (\S+)", line)[1].rstrip(",") for line in said}
    assert len(remedies) == 1
    (finished.folder / remedies.pop()).unlink()
    again = finished.snakemake("--rerun-incomplete")
    assert again.returncode == 0, again.stdout
    assert_same(finished, original)


def test_two_snakemakes_in_one_folder(fresh, original):
    first = fresh.start()
    owner = fresh.folder / ".snakemake" / "owner.json"
    try:
        fresh.wait(first, owner.exists)
        note = owner.read_text()
        # without the option, it may stumble over a file that the first is at work on before that
        second = fresh.snakemake("--rerun-incomplete")
        assert second.returncode != 0
        assert "Directory cannot be locked" in second.stdout
        assert str(fresh.folder) in second.stdout
        assert "--unlock" in second.stdout
        assert owner.read_text() == note
        assert "still alive" in fresh.owner().stdout
        assert first.wait(300) == 0
    finally:
        if first.poll() is None:
            fresh.kill(first)
    assert_same(fresh, original)
