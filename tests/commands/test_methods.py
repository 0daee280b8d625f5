"""`dap methods`, as it is typed."""

import re

import pytest
from click.testing import CliRunner

import dap
from dap.cli import main
from dap.commands.found import FOUND, seconds_per_second


def test_all_methods_are_listed():
    result = CliRunner().invoke(main, ["methods"])
    assert result.exit_code == 0, result.output
    assert re.findall(r"^(\S+) ", result.output, re.MULTILINE) == [m.name for m in dap.methods()]
    text = " ".join(result.output.split()).replace("cell- projection", "cell-projection")
    assert all(" ".join(said.split()) in text for said in FOUND.values())
    assert "Trained on speech in noise, of VoiceBank and DEMAND" in text
    assert max(map(len, result.output.splitlines())) <= 100


def test_what_was_found_is_of_methods_that_there_are():
    assert set(FOUND) <= {method.name for method in dap.methods()}


def test_those_of_one_task():
    result = CliRunner().invoke(main, ["methods", "--task", "inpaint"])
    assert "\njanssen " in result.output
    assert "wavelet" not in result.output


def test_seconds_are_measured(monkeypatch):
    taken = {"janssen": 0.25, "conv": 1234.5}

    def measured(method, spectrogram):
        if method.name not in taken:
            raise dap.DapError("its weights\nare not there")
        return taken[method.name]

    monkeypatch.setattr("dap.commands.found.seconds_per_second", measured)
    result = CliRunner().invoke(main, ["methods", "--task", "inpaint", "--time"])
    assert result.exit_code == 0
    assert re.search(r"^janssen +0\.25 s  classical  inpaint$", result.stdout, re.MULTILINE)
    assert re.search(r"^conv +1\.23e\+03 s  prior ", result.stdout, re.MULTILINE)
    assert "Warning: conv7: its weights are not there" in result.stderr


@pytest.mark.parametrize("name", ["janssen", "cell-projection", "wavelet"])
def test_a_measurement(name):
    from dap.restoration.api import SPECTROGRAM

    (method,) = (method for method in dap.methods() if method.name == name)
    assert 0 < seconds_per_second(method, SPECTROGRAM) < 60
