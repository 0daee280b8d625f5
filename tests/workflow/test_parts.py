"""A study that is made in parts, on real runs: joined, shown before it is finished, and refused."""

import json
import re
import subprocess
import sys

import pytest
from checkout import Checkout
from edits import change
from once import once

pytestmark = pytest.mark.slow

SPEECH = "denoise/synthetic-speech"
METHODS = ("observed", "conv", "dilated")
SCORED = {
    "tables/table1",
    "tables/cost",
    "figures/curves",
    "figures/overview",
    "provenance",
    "report",
}
SHOWN = {*SCORED, "figures/example"}
ONLY_SHOW = ("tables", "figures", "report")


def in_chunks(sources, folder):
    """A checkout whose study has 3 clips in 3 chunks."""
    checkout = sources.copy(folder)
    checkout.change(clips=3, clips_per_job=1)
    return checkout


@pytest.fixture(scope="session")
def whole(sources, tmp_path_factory) -> Checkout:
    """The study, made at once; not to be changed."""
    return Checkout(once(tmp_path_factory, "whole", lambda to: in_chunks(sources, to).run()))


@pytest.fixture(scope="session")
def archives(sources, tmp_path_factory):
    """Two parts, made in two folders and packed, of chunks 000 and 002, and of 001."""

    def make(folder):
        folder.mkdir()
        for index in (1, 2):
            part = in_chunks(sources, folder / f"folder{index}")
            part.run("--config", f"part={index}/2")
            assert not (part.results / "tables").exists()
            dap(part, "collect", "results/tiny", "--export", f"../part{index}.tar.zst")

    folder = once(tmp_path_factory, "parts", make)
    return [folder / "part1.tar.zst", folder / "part2.tar.zst"]


@pytest.fixture
def elsewhere(sources, tmp_path) -> Checkout:
    """A folder in which nothing was run."""
    return in_chunks(sources, tmp_path)


def dap(checkout, *arguments, status=0):
    """Run the command of the checkout; what it says."""
    command = [sys.executable, "-m", "dap", *map(str, arguments)]
    done = subprocess.run(command, cwd=checkout.folder, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done.stderr


def fits_and_scores(*chunks):
    rules = {"observed": "baseline"}
    made = {
        f"{rule}/{SPEECH}/{method}/{chunk}"
        for method in METHODS
        for chunk in chunks
        for rule in (rules.get(method, "fit"), "score")
    }
    made |= {f"clips/synthetic-speech/{chunk}" for chunk in chunks}
    return made | {f"observations/{SPEECH}/{chunk}" for chunk in chunks}


def records(*chunks):
    return {f"record/{SPEECH}/{method}/{chunk}" for method in METHODS for chunk in chunks}


def test_parts_add_up_to_the_tables_of_the_whole(whole, archives, elsewhere):
    said = dap(elsewhere, "collect", *archives, "--into", "results/tiny")
    assert "results/tiny: 9 chunks of tiny joined, 0 repeats dropped; 9 on " in said
    assert elsewhere.run(*ONLY_SHOW) == SHOWN
    tables = elsewhere.files("tables/table1.*")
    assert len(tables) == 3
    assert tables == whole.files("tables/table1.*")
    scores = elsewhere.files("collected/scores/**/0*.csv")
    made = whole.files("scores/**/0*.csv")
    assert {name.removeprefix("collected/"): scores[name] for name in scores} == made
    provenance = json.loads((elsewhere.results / "tables" / "provenance.json").read_text())
    assert len(provenance["fits"]["cpu"]) == 1
    # nor is there anything else to be done, in this study or of a part of it
    for arguments in ((), ("--config", "part=1/2"), ("--config", "part=1/1", "hours=1")):
        done = elsewhere.snakemake(*arguments)
        assert done.returncode == 0, done.stdout
        assert not re.search(r"^(rule|localrule) (fit|score|clips)\b", done.stdout, re.MULTILINE)
    again = dap(elsewhere, "collect", *archives, "--into", "results/tiny")
    assert "0 chunks of tiny joined, 9 repeats dropped" in again


def test_what_is_missing_is_made_beside_what_was_collected(whole, archives, elsewhere):
    dap(elsewhere, "collect", archives[0], "--into", "results/tiny")
    assert elsewhere.run("--config", "unfinished=true") == SHOWN
    table = (elsewhere.results / "tables" / "table1.md").read_text()
    assert table.startswith("# table1 (unfinished)\n")
    assert "n = 2 clips" in table
    assert "Of 3 clips, so far: observed 2, conv 2, dilated 2." in table
    assert re.search(r"Unfinished: 6 of 9 chunks are made; the other 3 take [\d.e-]+ hours", table)
    report = (elsewhere.results / "report.html").read_text()
    assert "tiny (unfinished)" in report
    summary = (elsewhere.results / "summary.md").read_text()
    assert summary.startswith("# tiny (unfinished)\n")
    assert "## Which iterate" in summary
    for text in (report, summary):
        assert "Unfinished: 6 of 9 chunks are made" in text
    # nothing is begun that does not end in time
    nothing = elsewhere.snakemake("--config", "hours=0")
    assert "this sitting makes 0 of 3 missing chunks" in nothing.stdout, nothing.stdout
    assert not (elsewhere.results / "fits").exists()
    # with one GPU, fits are not beside each other, however many cores there are
    for options, slots in ((), 4), (("--resources", "gpu=1"), 1):
        told = elsewhere.snakemake("-n", "--cores", "4", *options, "--config", "hours=0").stdout
        assert f"{slots} are made at a time" in told, told
    # and with an hour, by what was measured on this kind of CPU, all that is missing is made
    assert elsewhere.run("--config", "hours=1") == fits_and_scores("001") | records("001")
    assert elsewhere.run() == SCORED
    assert elsewhere.files("tables/table1.*") == whole.files("tables/table1.*")
    packed = dap(elsewhere, "collect", "results/tiny", "--export", "new.tar.gz")
    assert "new.tar.gz: 3 chunks of tiny packed" in packed


def test_methods_are_timed_where_none_was(elsewhere):
    done = elsewhere.snakemake("--config", "part=clips:2", "hours=1")
    assert "this sitting makes 3 of 3 missing chunks of part clips:2" in done.stdout, done.stdout
    assert len(elsewhere.files(f"records/{SPEECH}/*/001.json")) == 3
    # the methods were timed on the first clip, of which nothing else was made
    assert elsewhere.files(f"observations/{SPEECH}/000/manifest.csv")
    assert not elsewhere.files(f"fits/{SPEECH}/*/000/*")
    (times,) = elsewhere.results.glob("timings/*.json")
    entries = json.loads(times.read_text())
    assert [entry["chunk"]["method"] for entry in entries] == list(METHODS)


def test_a_part_that_was_killed_goes_on(elsewhere):
    sitting = ("--config", "part=clips:1")
    scores = elsewhere.results / "scores" / SPEECH
    elsewhere.killed(*sitting, when=(scores / "observed" / "000.csv").exists)
    assert elsewhere.snakemake("--unlock").returncode == 0
    elsewhere.run(*sitting, "--rerun-incomplete")
    said = dap(elsewhere, "collect", "results/tiny", "--into", "joined/results/tiny")
    assert "3 chunks of tiny joined" in said


def test_what_is_refused_before_any_job(archives, elsewhere):
    def refused(*arguments):
        done = elsewhere.snakemake("-n", *arguments)
        assert done.returncode == 1, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    assert "part is '0/8': must be K/N" in refused("--config", "part=0/8")
    assert "part is 'a/8': must be K/N" in refused("--config", "part=a/8")
    said = refused("--config", "part=clips:4")
    assert "there are no clips 4: this study has clips 1 to 3" in said
    assert "hours is '1:30': must be a number" in refused("--config", "hours=1:30")
    assert "leave part and hours out" in refused("--config", "unfinished=true", "hours=1")
    assert "results/tiny: has no scores yet" in refused("--config", "unfinished=true")
    dap(elsewhere, "collect", archives[0], "--into", "results/tiny")
    said = refused("--config", "fit={iterations: 4, snapshots: 3, width: 0.05}")
    assert re.search(r"fit\.\w+\.iterations is 3, and 4 in the study as it is: keep the", said)
    elsewhere.append("dap/nn/dilated_unet.py", "# a comment")
    assert elsewhere.snakemake("-n").returncode == 0
    change(elsewhere.folder / "dap" / "priors" / "conv.py", "build")
    said = refused()
    assert re.search(r"code of dap\.priors\.conv \(fits\.denoise\.conv\) is .* in the study", said)


def test_the_command_refuses_in_a_line(archives, elsewhere):
    (elsewhere.folder / "half.tar.zst").write_bytes(archives[0].read_bytes()[:999])
    said = dap(elsewhere, "collect", "half.tar.zst", "--into", "results/tiny", status=1)
    assert said == "Error: half.tar.zst: is damaged, or only half of it: copy it anew\n"
    assert not (elsewhere.results / "collected").exists()
    assert "--into" in dap(elsewhere, "collect", archives[0], status=2)
    both = ("--into", "a", "--export", "b.tar.gz")
    assert "either a folder" in dap(elsewhere, "collect", archives[0], *both, status=2)
