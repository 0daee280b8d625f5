"""A run that was killed goes on, and ends in the same tables."""

import json

import pytest

pytestmark = pytest.mark.slow

SPEECH = "denoise/synthetic-speech"


def resume(checkout):
    """What `make resume` does before it starts again."""
    assert checkout.owner().returncode == 0, checkout.owner().stdout
    assert checkout.snakemake("--unlock").returncode == 0
    return "--rerun-incomplete"


def test_a_run_killed_three_times_gives_the_tables_of_one_never_killed(original, fresh):
    results = fresh.results
    fresh.killed(when=(results / "clips" / "synthetic-speech" / "000" / "manifest.csv").exists)

    again = resume(fresh)
    fits = results / "fits" / SPEECH
    fresh.killed(again, when=lambda: any(fits.glob("[cd]*/000/.*.s0.npz")))  # conv or dilated
    finished = next(fits.glob("[cd]*/000/.*.s0.npz"))
    method, clip = finished.parents[1].name, finished.name.removeprefix(".").removesuffix(".npz")
    assert not (finished.parent / "manifest.csv").exists()

    again = resume(fresh)
    fresh.killed(again, when=(results / "scores" / SPEECH / method / "000.csv").exists)
    log = (results / "logs" / "fit" / SPEECH / method / "000.log").read_text()
    assert f"{clip}: was finished before" in log
    assert f"{clip} (" not in log
    # the one that was under way when the job was killed goes last
    assert "(4 of 4): 100%|" in log
    seals = {".manifest.csv.sha256", ".losses.csv.sha256"}
    assert {path.name for path in finished.parent.glob(".*")} == seals

    assert "report" in fresh.run(resume(fresh))
    tables = fresh.files("tables/table1.*")
    assert len(tables) == 3
    assert tables == original.files("tables/table1.*")
    assert fresh.files("fits/**/*.wav") == original.files("fits/**/*.wav")


def test_owner_refuses_while_a_run_lives(fresh):
    process = fresh.start("results/tiny/clips/synthetic-speech/000/manifest.csv")
    try:
        fresh.wait(process, (fresh.folder / ".snakemake" / "owner.json").exists)
        living = fresh.owner()
    finally:
        fresh.kill(process)
    assert living.returncode == 1
    assert "still alive" in living.stdout
    assert f"process {process.pid}: " in living.stdout
    gone = fresh.owner()
    assert (gone.returncode, gone.stdout, gone.stderr) == (0, "", "")


def test_owner_on_another_machine_cannot_be_looked_at(fresh):
    note = fresh.folder / ".snakemake" / "owner.json"
    note.parent.mkdir(exist_ok=True)  # dry runs of the sources may have left one
    note.write_text(json.dumps({"host": "elsewhere", "pid": 4711, "created": 0.0}))
    refused = fresh.owner()
    assert refused.returncode == 1
    assert "process 4711 on elsewhere" in refused.stdout
    assert f"delete {note}" in refused.stdout
