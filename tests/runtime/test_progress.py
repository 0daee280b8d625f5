import logging

import pytest

from dap.runtime import progress
from dap.runtime.progress import Meter, Progress


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test sets by hand."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_lines_of_a_log(clock, caplog):
    caplog.set_level(logging.INFO)
    said = Progress("conv a.s0 (1 of 4)", 200, logging.getLogger("dap"))
    for iteration in range(1, 201):
        clock[0] = iteration
        said(iteration, 1 / iteration)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 7  # every 30 s of 200, and the end
    assert lines[0].startswith("conv a.s0 (1 of 4):  15%|")
    assert "30/200 [00:30<02:50,  1.00it/s, loss 0.03333]" in lines[0]
    assert "200/200 [03:20<00:00,  1.00it/s, loss 0.005]" in lines[-1]
    assert not any("\r" in line for line in lines)


def test_a_short_fit_is_one_line(clock, capsys):
    said = Progress("segment 1 of 1", 3)
    for iteration in (1, 2, 3):
        said(iteration, 0.5)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "3/3" in lines[0]


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    said = Progress("segment 1 of 1", 4)
    for iteration in (1, 3, 4):
        said(iteration, 0.25)
    assert said.bar.n == 4
    assert said.bar.disable  # closed
    assert "loss 0.25" in capsys.readouterr().err


def test_lines_of_several_recordings(clock, capsys):
    meter = Meter(400.0)
    meter.begin("a.wav")
    for second in range(101):
        clock[0] = second
        meter(second, 100.0)
    meter.begin("b.wav")
    clock[0] = 130
    meter(150.0, 300.0)
    meter.close()
    assert capsys.readouterr().err.splitlines() == [
        "a.wav: 8%, 06:10 left",
        "a.wav: 15%, 05:40 left",
        "a.wav: 22%, 05:10 left",
        "b.wav: 62%, 01:18 left",
    ]


def test_next_to_nothing_tells_of_no_time(clock, capsys):
    meter = Meter()
    meter.begin("a.wav")
    clock[0] = 40
    meter(0.1, 100.0)
    assert capsys.readouterr().err == "a.wav: 0%\n"


def test_one_bar_for_all(monkeypatch, capsys):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    meter = Meter(20.0)
    for name in ("a.wav", "b.wav"):
        meter.begin(name)
        for done in (0.0, 2.5, 10.0):
            meter(done, 10.0)
    meter.close()
    assert meter.bar.n == 20
    shown = capsys.readouterr().err
    assert "b.wav: 100%|" in shown
    assert "00:00 left" in shown
