import re
import shutil
from importlib.metadata import version
from subprocess import run

import pytest

from dap.runtime import provenance
from dap.runtime.provenance import commit, machine, source_hash, versions


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package, to be changed."""
    copy = tmp_path / "dap"
    shutil.copytree(provenance.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE", copy)
    provenance._imports.cache_clear()
    yield copy
    provenance._imports.cache_clear()


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text("def job():\n    from dap.fitting.method import restore\n")
    return path


def touch(path):
    path.write_text(path.read_text() + "# changed\n")


def test_same_code_same_hash(package, script):
    found = source_hash(script)
    assert re.fullmatch("[0-9a-f]{16}", found)
    assert source_hash(script) == found
    assert source_hash(script, ["dap.fitting.method"]) == found  # the script imports it already


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("fitting/method.py", True),
        ("__init__.py", True),  # runs when anything of the package is imported
        ("plugins.py", True),  # imported by methods
        (
            "fitting/loop.py",
            True,
        ),  # imported by methods, inside a function, as `from dap import fit`
        ("fitting/ema.py", True),  # imported by fit
        ("reporting/tables.py", False),
        ("metrics/level.py", False),
        ("nn/dilated_unet.py", False),  # a prior's, and priors are imported by name
        ("priors/conv.py", False),
    ],
)
def test_what_is_imported_counts_and_nothing_else(package, script, file, changes):
    before = source_hash(script)
    touch(package / file)
    assert (source_hash(script) != before) == changes


def test_the_script_itself_counts(package, script):
    before = source_hash(script)
    touch(script)
    assert source_hash(script) != before


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("priors/conv.py", {"conv"}),
        ("priors/dilated.py", {"dilated"}),
        ("nn/dilated_unet.py", {"conv", "dilated"}),
        ("priors/dilated_exp.py", set()),
    ],
)
def test_plugins_count_by_name(package, script, file, changed):
    def hashes():
        return {name: source_hash(script, [f"dap.priors.{name}"]) for name in ("conv", "dilated")}

    before = hashes()
    touch(package / file)
    after = hashes()
    assert {name for name in before if before[name] != after[name]} == changed


def test_a_new_import_counts(package, script):
    touch(package / "reporting/tables.py")
    before = source_hash(script)
    script.write_text(script.read_text() + "import dap.reporting.tables\n")
    provenance._imports.cache_clear()  # a process reads each file once
    with_tables = source_hash(script)
    touch(package / "reporting/tables.py")
    assert len({before, with_tables, source_hash(script)}) == 3


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
