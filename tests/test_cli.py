"""The command, as it is typed."""

import logging
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from small_checkpoint import small_weights

from dap.cli import main
from dap.commands.parameters import Gap
from dap.data.corruptions.quantization import cells
from dap.errors import DapError
from dap.files.estimate import Estimate
from dap.fitting.method import Restored
from dap.plugins import plugin


@pytest.fixture
def tone():
    time = np.arange(6000) / 16000
    return (0.25 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def test_the_command_takes_classical_methods(tone, tmp_path):
    damaged, restored = tmp_path / "damaged.wav", tmp_path / "restored.wav"
    soundfile.write(damaged, tone, 16000)
    arguments = ["restore", str(damaged), "-o", str(restored), "--force", "--method"]
    assert CliRunner().invoke(main, [*arguments, "wavelet"]).exit_code == 0
    assert soundfile.info(restored).frames == len(tone)
    result = CliRunner().invoke(main, [*arguments, "janssen"])
    assert result.exit_code == 2
    assert "janssen does not denoise: choose another method: conv, " in result.output
    for method in ("observed", "nmf", "wiener-known"):
        assert CliRunner().invoke(main, [*arguments, method]).exit_code == 2
    result = CliRunner().invoke(main, [*arguments, "wiener", "--seed", "3", "--iterations", "5"])
    assert result.exit_code == 2
    assert "wiener is fitted to nothing, and takes no --iterations, --seed" in result.output


def test_the_command_takes_a_trained_method(tone, tmp_path, monkeypatch):
    declared = plugin("baselines", "dfl").metadata["weights"]
    monkeypatch.setitem(declared, "files", small_weights(tmp_path / "weights"))
    monkeypatch.setenv("DAP_WEIGHTS", str(tmp_path / "weights"))
    damaged, restored = tmp_path / "damaged.wav", tmp_path / "restored.wav"
    soundfile.write(damaged, np.repeat(tone, 3), 48000)
    arguments = ["restore", str(damaged), "-o", str(restored), "--method", "dfl"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert (
        "Warning: dfl is a trained model: on speech in noise, of VoiceBank and DEMAND, by Germain, "
        "Chen and Koltun 2018; other sound may suffer\n"
    ) in result.output
    assert "restored by dfl up to 8000 Hz, wiener-tracked above" in result.output
    for options, message in {
        ("--gap", "0.1-0.2"): "dfl does not fill gaps: choose another method",
        ("--seed", "3"): "dfl is fitted to nothing, and takes no --seed",
    }.items():
        result = CliRunner().invoke(main, [*arguments, "--force", *options])
        assert result.exit_code == 2
        assert message in result.output
    monkeypatch.setenv("DAP_WEIGHTS", str(tmp_path / "none"))
    result = CliRunner().invoke(main, [*arguments, "--force"])
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("Error: DAP_WEIGHTS is ")


@pytest.mark.usefixtures("few_iterations")
def test_the_command_dequantizes_an_eight_bit_file(tone, tmp_path):
    damaged, restored = tmp_path / "damaged.wav", tmp_path / "restored.wav"
    soundfile.write(damaged, tone, 16000, subtype="PCM_U8")
    options = ["--iterations", "2", "--width", "0.05", "--method", "conv", "--consistency", "0.5"]
    command = ["restore", str(damaged), "-o", str(restored), "--force", "--dequantize"]
    result = CliRunner().invoke(main, [*command, "256", *options])
    assert result.exit_code == 0, result.output
    assert "WAV PCM_24, 16000 Hz, one channel (from WAV PCM_U8, 16000 Hz" in result.output
    before, after = (soundfile.read(path, dtype="float32")[0] for path in (damaged, restored))
    assert 0 < np.abs(before - after).max() <= 0.5 / 128 + 1e-7
    result = CliRunner().invoke(main, [*command, "64", *options])
    assert result.exit_code == 1
    assert "not the levels of a quantizer of 64 bins" in result.output
    result = CliRunner().invoke(main, [*command, "256", "--gap", "0.1-0.2"])
    assert result.exit_code == 2
    assert "exclude each other" in result.output
    result = CliRunner().invoke(main, ["restore", str(damaged), *options])
    assert result.exit_code == 2
    assert "--consistency is of --dequantize" in result.output


@pytest.mark.parametrize(
    ("learned", "status", "said"),
    [
        ([True] * 2, 0, "restored by conv"),
        ([False, True, False], 3, "Warning: segment 1 (0.0-0.2 s): left unrestored, since no fit"),
        ([False] * 4, 1, "Error: no fit learned anything in 2000 iterations, and nothing is resto"),
    ],
)
def test_segments_that_are_left_as_they_were(learned, status, said, tone, tmp_path, monkeypatch):
    def fitted(method, task, observation, **_):
        yield
        losses = np.array([1.0, 0.1 if learned.pop(0) else 1.0])
        return Restored(
            {"last": 0.5 * observation.signal[np.newaxis]}, *np.empty((2, 0)), losses, {}
        )

    monkeypatch.setattr("dap.restoration.segments.restoring", fitted)
    monkeypatch.setattr("dap.files.jobs.estimate", lambda *_, **__: Estimate(0, at_once=2))
    damaged, restored = tmp_path / "damaged.wav", tmp_path / "restored.wav"
    soundfile.write(damaged, tone, 16000, subtype="FLOAT")
    arguments = [
        "restore",
        str(damaged),
        "-o",
        str(restored),
        "--preset",
        "paper",
        "--method",
        "conv",
    ]
    result = CliRunner().invoke(main, [*arguments, "--segment", "0.25"])
    assert result.exit_code == status, result.output
    assert said in result.output
    assert not learned
    assert restored.exists() == (status != 1)
    if status == 3:
        after = soundfile.read(restored, dtype="float32")[0]
        np.testing.assert_array_equal(after[:2000], tone[:2000])  # the second begins there
        np.testing.assert_allclose(after[4000:], tone[4000:] / 2, atol=1e-3)
        assert f"{restored}: 0.375 s, WAV FLOAT, 16000 Hz, one channel" in result.output


def test_the_command_says_what_is_wrong(tmp_path):
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(4000), 16000)
    result = CliRunner().invoke(main, ["restore", str(silent)])
    assert result.exit_code == 1
    assert "the recording is silent" in result.output


GAPS = {
    "1.2-1.35": (1.2, 1.35),
    "0-.5": (0, 0.5),
    " 1. - 2 ": (1, 2),
    "1:07.1-1:07.2": (67.1, 67.2),
    "59.5-1:00": (59.5, 60),
    "90:00-90:01": (5400, 5401),
    "1:02:03.5-1:02:04": (3723.5, 3724),
    "0:00:00-100:00:00": (0, 360000),
}
NO_GAPS = {
    "0.2-0.1": "ends before it starts",
    "0.2-0.2": "ends before it starts",
    "1:00-59": "ends before it starts",
    "0:60-1:01": "what follows a colon has to be below 60",
    "1:60:00-2:00:00": "what follows a colon has to be below 60",
    f"0-{'9' * 400}": "no recording lasts so long",
} | dict.fromkeys(
    ["half", "", "-", "1", "1-", "-1", "-0.1-0.3", "nan-0.3", "0.1-nan", "0-inf", "1e-3-1",
     "1_0-11", "1,2-1,4", "1::2-3", ":1-2", "1-2-3", "0x1-2", "٣-٤", "1 0-11", "1.2.3-4",
     "a:1-2", "\udce9"],
    "is not START-END in seconds, such as 1.2-1.35, or with minutes, such as 1:07.1-1:07.2",
)  # fmt: skip


@pytest.mark.parametrize("text", GAPS)
def test_gaps_in_seconds_and_minutes(text):
    assert Gap().convert(text, None, None) == pytest.approx(GAPS[text])


@pytest.mark.parametrize("text", NO_GAPS)
def test_what_is_no_gap(text):
    with pytest.raises(click.BadParameter) as refused:
        Gap().convert(text, None, None)
    assert NO_GAPS[text] in refused.value.message


NUMBERS = ("--amount", "--consistency", "--learning-rate", "--width", "--segment")
WHOLE = ("--dequantize", "--iterations", "--seed", "--threads")


@pytest.mark.parametrize(
    "value", ["nan", "-nan", "inf", "-inf", "infinity", "1e400", "", "x", "0x1"]
)
@pytest.mark.parametrize("option", [*NUMBERS, *WHOLE])
def test_no_option_takes_what_is_no_number(option, value, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.wav").touch()
    result = CliRunner().invoke(main, ["restore", "in.wav", option, value])
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.output


def test_the_folder_of_a_plugin_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setenv("DAP_PLUGINS", "/no/such/plugin.py")
    result = CliRunner().invoke(main, ["methods"])
    assert result.exit_code == 1
    assert result.output == (
        "Error: plugins: /no/such/plugin.py does not exist (from the working directory "
        f"{Path.cwd()})\n"
    )
    assert CliRunner().invoke(main, ["--version"]).exit_code == 0


def restoring(monkeypatch, tone, tmp_path, raised):
    """The command, where the restoration logs a warning and then raises something."""

    def restore(*_, **__):
        logging.getLogger("dap").info("nobody reads this")
        logging.getLogger("dap").warning("%s\nis %d\udce9", "clip", 2)
        raise raised

    monkeypatch.setattr("dap.files.restorer.restore_parts", restore)
    # a worker cannot send what is no UTF-8 to pytest's main process, in a captured log either
    monkeypatch.setattr(logging.getLogger("dap"), "propagate", False)
    soundfile.write(tmp_path / "in.wav", tone, 16000)
    paths = [str(tmp_path / name) for name in ("in.wav", "out.wav")]
    return CliRunner().invoke(main, ["restore", paths[0], "-o", paths[1], "--method", "wavelet"])


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (DapError("a\nb: \udcffc"), r"a b: \xffc"),
        (MemoryError("Unable to allocate 3.47 EiB"), "the memory is full: take shorter segments"),
        (
            RuntimeError("[enforce] DefaultCPUAllocator: can't allocate memory"),
            "the memory is full",
        ),
        (OSError(5, "Input/output error", "x.wav"), "[Errno 5] Input/output error: 'x.wav'"),
    ],
)
def test_warnings_and_errors_are_lines(raised, message, monkeypatch, tone, tmp_path):
    handlers = list(logging.getLogger("dap").handlers)
    result = restoring(monkeypatch, tone, tmp_path, raised)
    assert result.exit_code == 1
    warning, error = result.stderr.splitlines()
    assert warning == r"Warning: clip is 2\xe9"
    assert error.startswith(f"Error: {message}")
    assert result.stdout == ""
    assert not (tmp_path / "out.wav").exists()
    assert logging.getLogger("dap").handlers == handlers


def test_what_nobody_can_put_right_is_not_hidden(monkeypatch, tone, tmp_path):
    result = restoring(monkeypatch, tone, tmp_path, RuntimeError("a slip"))
    assert isinstance(result.exception, RuntimeError)


@pytest.fixture
def recordings(tone, hiss, tmp_path, monkeypatch):
    """A folder with the recordings that the README speaks of."""
    monkeypatch.chdir(tmp_path)
    long = np.tile(tone, 4)
    long[3000:3100] = 0
    Path("recordings").mkdir()
    for name, signal in {
        "noisy": tone[:2000] + hiss[:2000],
        "dropout": long,
        "recordings/a": long,
        "coarse": cells(tone, 16, "mid-rise")[0],
    }.items():
        soundfile.write(f"{name}.wav", signal, 16000, subtype="FLOAT")
    return tmp_path


def test_the_method_that_is_taken_where_none_is_named(recordings):
    for effort, method in (("quick", "cell-projection"), ("normal", "dap-best")):
        options = ["--effort", effort, "--dequantize", "16", "--seed", "1"]
        result = CliRunner().invoke(main, ["restore", "coarse.wav", "-o", "out.wav", *options])
        if method == "cell-projection":  # which is fitted to nothing
            assert result.exit_code == 2
            assert "takes no --seed: name a prior by --method" in result.output
            result = CliRunner().invoke(
                main, ["restore", "coarse.wav", "-o", "out.wav", *options[:4]]
            )
            assert result.exit_code == 0, result.output
            assert f"restored by {method}" in result.output
    result = CliRunner().invoke(main, ["restore", "noisy.wav", "-o", "out2.wav"])
    assert "restored by wiener-tracked" in result.output
    options = ["--method", "wavelet", "--effort", "quick"]
    result = CliRunner().invoke(main, ["restore", "noisy.wav", "-o", "out3.wav", *options])
    assert result.exit_code == 2
    assert "--effort chooses a method" in result.output


def test_short_and_long_names_of_the_help():
    for command in ([], ["restore"]):
        short, long = (CliRunner().invoke(main, [*command, name]) for name in ("-h", "--help"))
        assert short.output == long.output
        assert short.exit_code == 0
    said = " ".join(short.output.split()).replace("dap- best", "dap-best")
    assert (
        "--iterations INTEGER RANGE At most. [default: 2000 (paper), 200 (fast), 200 or 1000 "
        "(dap-best)] [1<=x<=1000000000]" in said
    )
    assert "[default: 0.001 (paper), 0.0015 (fast), 0.0015 or 0.0048 (dap-best)] [x>0]" in said
    assert "[default: 0 (paper, fast), 0 or 0.9 (dap-best)] [0<=x<=1]" in said
