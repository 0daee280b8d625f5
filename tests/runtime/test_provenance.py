import re
from importlib.metadata import version
from subprocess import run

from dap.runtime.provenance import commit, machine, versions


def test_versions():
    assert versions()["torch"] == version("torch")
    assert "not installed" not in versions().values()


def test_commit(tmp_path):
    assert commit(tmp_path) == "unknown (not a git checkout)"

    def git(*arguments):
        run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )

    git("init")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-m", "first")
    clean = commit(tmp_path)
    assert re.fullmatch("[0-9a-f]{40}", clean)
    (tmp_path / "new").touch()
    assert commit(tmp_path) == clean
    (tmp_path / "file").write_text("2")
    assert commit(tmp_path) == f"{clean}+changes"


def test_the_machine_has_a_class_and_no_name():
    assert set(machine()) == {"cpu", "architecture", "system"}
    assert all(machine().values())
