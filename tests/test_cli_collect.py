"""The command `dap collect`."""

import pytest
from click.testing import CliRunner
from small_parts import Digests, Results
from small_studies import config

from dap.cli import main
from dap.study.parts import chunks_of_part
from dap.study.study import Study


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Two parts of a study of 12 chunks, of two kinds of CPU."""
    monkeypatch.chdir(tmp_path)
    study = Study(config(clips=2, clips_per_job=1))
    return [
        str(Results(name, study, Digests(), cpu=cpu).make(chunks_of_part(study, part)).root)
        for name, part, cpu in (("a", "1/2", "x"), ("b", "2/2", "y"))
    ]


def run(*arguments):
    result = CliRunner().invoke(main, ["collect", *arguments])
    return result.exit_code, result.stderr


def test_parts_are_joined_and_packed(parts, tmp_path):
    assert run(*parts, "--into", "results/tiny") == (
        0, "results/tiny: 12 chunks of tiny joined, 0 repeats dropped; 6 on x, 6 on y\n",
    )  # fmt: skip
    assert run(*parts, parts[0] + "/", "--export", "all.tar.zst") == (
        0, "all.tar.zst: 12 chunks of tiny packed, 6 repeats dropped; 6 on x, 6 on y\n",
    )  # fmt: skip
    assert run("all.tar.zst", "--into", "results/tiny") == (
        0, "results/tiny: 0 chunks of tiny joined, 12 repeats dropped; 6 on x, 6 on y\n",
    )  # fmt: skip


def test_what_is_refused_is_one_line(parts, tmp_path):
    status, said = run("results", "--into", "x")
    assert (status, "Path 'results' does not exist" in said) == (2, True)
    status, said = run(*parts)
    assert (status, "name either a folder (--into) or an archive (--export)" in said) == (2, True)
    assert run(*parts, "--export", "part.rar") == (
        1, "Error: part.rar: must be named .tar.zst, .tar.xz or .tar.gz\n",
    )  # fmt: skip
    (tmp_path / "empty").mkdir()
    status, said = run(*parts, "empty", "--into", "results/tiny")
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith("Error: empty: has no record of a finished chunk, so it is no part: run")
    assert not (tmp_path / "results").exists()
