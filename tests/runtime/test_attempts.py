from pathlib import Path

import pytest

from dap.runtime.attempts import Attempts

ONE, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".attempts.json"


def test_jobs_that_died_of_a_fit_are_counted(path):
    assert Attempts(path).deaths("x.s0", ONE, 0) == 0
    for deaths in range(1, 4):
        Attempts(path).begin("x.s0", ONE, 0)  # and the job is killed
        assert Attempts(path).deaths("x.s0", ONE, 0) == deaths
    assert Attempts(path).deaths("y.s0", ONE, 0) == 0
    # with other options it is another fit
    assert Attempts(path).deaths("x.s0", OTHER, 0) == 0


def test_a_fit_that_comes_further_does_not_die_of_itself(path):
    Attempts(path).begin("x.s0", ONE, 0)
    Attempts(path).begin("x.s0", ONE, 0)
    assert Attempts(path).deaths("x.s0", ONE, 4711) == 0
    Attempts(path).begin("x.s0", ONE, 4711)
    assert Attempts(path).deaths("x.s0", ONE, 4711) == 1


def test_a_fit_that_ended_is_forgotten(path):
    attempts = Attempts(path)
    attempts.begin("x.s0", ONE, 0)
    attempts.begin("y.s0", ONE, 0)
    attempts.end("x.s0")
    attempts.end("never.s0")
    reopened = Attempts(path)
    assert (reopened.deaths("x.s0", ONE, 0), reopened.deaths("y.s0", ONE, 0)) == (0, 1)


def test_an_error_is_kept_for_the_same_fit_alone(path):
    attempts = Attempts(path)
    attempts.begin("x.s0", ONE, 0)
    attempts.failed("x.s0", ONE, "diverged")
    reopened = Attempts(path)
    assert reopened.reason("x.s0", ONE) == "diverged"
    assert reopened.reason("x.s0", OTHER) == reopened.reason("y.s0", ONE) == ""
    assert reopened.deaths("x.s0", ONE, 0) == 0
    reopened.begin("x.s0", ONE, 0)
    assert reopened.reason("x.s0", ONE) == ""


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_torn_file_counts_as_empty(path, content):
    path.write_bytes(content)
    assert Attempts(path).deaths("x.s0", ONE, 0) == 0


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    Attempts(tmp_path / "file" / "attempts.json").begin("x.s0", ONE, 0)
    assert not Path(tmp_path / "file" / "attempts.json").exists()
