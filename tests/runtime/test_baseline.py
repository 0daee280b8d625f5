"""A baseline on a chunk: its products, and clips that it cannot restore."""

import logging
import subprocess
import sys

import numpy as np
import pytest
from small_chunks import RATE, job, observe

from dap.errors import DapError
from dap.runtime import baseline
from dap.runtime.baseline import restore_chunk
from dap.runtime.chunk import fit_chunk
from dap.store import read_rows


@pytest.fixture
def signals(tone, hiss):
    return {"one": tone, "two": tone + hiss[:4096]}


@pytest.fixture
def run(tmp_path, signals):
    """Restore the chunk; the manifest's rows."""

    def do(method="observed", missing="report"):
        observations = observe(tmp_path / "observations", signals)
        manifest = tmp_path / "fits" / "manifest.csv"
        restore_chunk(
            observations,
            manifest,
            logging.getLogger("dap"),
            method=method,
            task="denoise",
            sample_rate=RATE,
            threads=2,
            missing=missing,
        )
        return read_rows(manifest)

    return do


def test_products(run, tmp_path, signals):
    rows = run()
    assert [(row["clip"], row["seed"], row["selection"]) for row in rows] == [
        ("one", "0", "last"),
        ("two", "0", "last"),
    ]
    row = rows[0]
    assert row["file"] == "one.s0.estimate.last.wav"
    assert (row["iterations"], row["loss"], row["parameters"], row["gflop"]) == (
        "0",
        "",
        "0",
        "0.0",
    )
    assert (row["device"], row["engine"], row["precision"]) == ("cpu", "", "")
    assert (row["threads"], row["missing"]) == ("2", "")
    assert float(row["seconds"]) < 1
    # neither losses nor snapshots
    assert {path.name for path in (tmp_path / "fits").iterdir()} == {
        "manifest.csv",
        ".manifest.csv.sha256",
        "one.s0.estimate.last.wav",
        "two.s0.estimate.last.wav",
    }


def test_the_manifest_has_the_columns_of_fits(run, tmp_path, signals):
    fitted = job(tmp_path / "conv", observe(tmp_path / "one", {"one": signals["one"][:2048]}))
    fit_chunk(fitted, "cpu", logging.getLogger("dap"))
    assert list(run()[0]) == list(read_rows(fitted.manifest)[0])


def test_a_clip_that_cannot_be_restored(run, monkeypatch, tmp_path, caplog):
    restore = baseline.restore

    def refusing(method, task, observation):
        if np.abs(observation.signal).max() > 0.5:
            raise DapError("is too loud")
        return restore(method, task, observation)

    monkeypatch.setattr(baseline, "restore", refusing)
    rows = run()
    assert [(row["clip"], row["missing"], row["file"]) for row in rows] == [
        ("one", "", "one.s0.estimate.last.wav"),
        ("two", "is too loud", ""),
    ]
    assert "clip two, observed: is too loud" in caplog.text
    (tmp_path / "fits" / "manifest.csv").unlink()
    with pytest.raises(DapError, match="1 clips of this chunk failed: clip two, observed: is too"):
        run(missing="fail")
    assert not (tmp_path / "fits" / "manifest.csv").exists()


def test_what_a_plugin_raises_is_the_reason_and_its_traceback_is_in_the_log(
    run, monkeypatch, caplog
):
    def broken(observation, outputs):
        raise ZeroDivisionError("in a plugin")

    monkeypatch.setattr("dap.baselines.observed.restore", broken)
    reason = "observed (dap/baselines/observed.py): ZeroDivisionError: in a plugin"
    assert [row["missing"] for row in run()] == [reason, reason]
    assert f"clip one, observed: {reason}" in caplog.messages
    assert 'in broken\n    raise ZeroDivisionError("in a plugin")' in caplog.text
    with pytest.raises(DapError, match="2 clips of this chunk failed: clip one, observed: observ"):
        run(missing="fail")


def test_what_should_not_happen_says_where_it_did(run, monkeypatch):
    def broken(observation, outputs):
        raise MemoryError

    monkeypatch.setattr("dap.baselines.observed.restore", broken)
    with pytest.raises(MemoryError) as caught:
        run()
    assert caught.value.__notes__ == ["clip one, observed"]


def test_what_a_killed_job_was_about_to_write_is_removed(run, tmp_path):
    (tmp_path / "fits").mkdir()
    (tmp_path / "fits" / ".manifest.csv.12345").write_text("half")
    run()
    assert not list((tmp_path / "fits").glob(".*.12345"))


def test_a_baseline_depends_on_a_handful_of_modules():
    program = (
        "import sys; import dap.runtime.baseline, dap.baselines.observed; "
        "print(*(n for n, m in sys.modules.items() if n.startswith('dap.') and m.__file__))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    modules = set(done.stdout.decode().split())
    packages = {module.rpartition(".")[0] for module in modules}
    # how files are written and what logs say makes no number
    rest = {"dap.audio", "dap.store", "dap.runtime.baseline", "dap.runtime.manifest"}
    assert modules - packages - rest - {"dap.runtime.provenance"} == {
        "dap.baselines.observed",
        "dap.errors",
        "dap.fitting.baseline",
        "dap.fitting.restored",
        "dap.observation",
        "dap.plugin_literals",
        "dap.plugins",
        "dap.tasks",
    }
