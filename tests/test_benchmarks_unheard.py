"""What not hearing an instrument costs: what the benchmark measures."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from small_trainings import RATE, SAMPLES, hiss, tone, trained

from benchmarks import unheard
from dap.store import write_rows, write_signal
from dap.training.model import content, load

CLIPS = 5


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two models, for two hold-outs, and clips of the target and of the two."""
    folder = tmp_path_factory.mktemp("results")
    result, described = trained(steps=30, validation_every=30, width=0.2)
    for holdout, heard in (("hiss", "buzz"), ("buzz", "hiss")):
        configuration = replace(described, heard=(heard,))
        made = {"pair": f"tones+{holdout}", "precision": "float32"}
        path = folder / "models" / "e" / made["pair"] / "conv7" / "0" / "model.safetensors"
        path.parent.mkdir(parents=True)
        path.write_bytes(content(configuration, result.state, made))
    for corpus in ("tones", "hiss", "buzz"):
        rows = []
        for i in range(CLIPS):
            signal = tone(700 + i) if corpus == "tones" else hiss(i + (corpus == "buzz"))
            path = folder / "clips" / corpus / "000" / f"{i}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            digest = write_signal(path, signal, RATE)
            rows.append({"clip": str(i), "file": path.name, "sha256": digest})
        write_rows(path.parent / "manifest.csv", rows)
    return folder


def test_the_errors_of_one_network_are_the_same_heard_or_not(results):
    found = unheard.measure(results, CLIPS)
    assert sorted(found) == [("conv7", "buzz"), ("conv7", "hiss")]
    for by_holdout in found.values():
        assert sorted(by_holdout) == ["buzz", "hiss"]
        # the two models have the same parameters
        np.testing.assert_array_equal(by_holdout["buzz"], by_holdout["hiss"])
        assert (by_holdout["hiss"] > 0.01).all()
        assert (by_holdout["hiss"] < 0.5).all()


def test_silence_is_not_counted(results):
    (path, _) = sorted(results.rglob("*.safetensors"))
    model, voices = load(path), [tone(700)[:SAMPLES]] * 2
    found = unheard.errors(model, voices, [hiss(0)[:SAMPLES], 0 * voices[0]], "float32")
    assert np.isfinite(found).tolist() == [True, False]


def test_lines_by_hand():
    seen = np.array([0.1, 0.2, 0.3, 0.4, np.nan])
    found = {("conv7", "hiss"): {"hiss": seen + 0.05, "buzz": seen, "hum": seen + 0.02}}
    (row,) = list(unheard.lines(found))[2:]
    # 0.25 on average, and 0.01 more, where it was heard
    assert row.startswith("| conv7 | hiss | 4 | 0.2600 | 0.3000 | +0.0400 ")


def test_the_command(results):
    done = CliRunner().invoke(unheard.main, [str(results), "--clips", str(CLIPS)])
    assert done.exit_code == 0, done.output
    assert done.output.count("+0.0000 [+0.0000, +0.0000]") == 2


def test_what_is_missing_is_said(results, tmp_path):
    done = CliRunner().invoke(unheard.main, [str(results), "--clips", "6"])
    assert (done.exit_code, "has 5 clips of tones, not 6" in done.output) == (1, True)
    done = CliRunner().invoke(unheard.main, [str(tmp_path)])
    assert (done.exit_code, "holds no models" in done.output) == (1, True)
