"""How tests/ is laid out: as dap/ is, with helpers in one place, in files that one can read."""

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PACKAGE = TESTS.parent / "dap"
MODULES = sorted(TESTS.rglob("*.py"))
FILES = [path for path in MODULES if path.name.startswith("test_")]
# real runs of Snakemake, and what needs a cluster
RUNS = {"workflow", "cluster"}
# about the project as a whole
PROJECT = {
    "architecture",
    "benchmarks",
    "distribution",
    "docs",
    "extending",
    "extras",
    "fidelity",
    "imports",
    "layout",
    "odd_signals",
    "project",
    "site",
}
MOST_LINES = 400


def of_what(path: Path) -> set[str]:
    """What a file of tests may be named after: the package that its folder is of, and its parts."""
    folder = PACKAGE / path.parent.relative_to(TESTS)
    parts = {
        part.stem for part in folder.iterdir() if part.is_dir() or part.suffix in (".py", ".c")
    }
    return parts | {folder.name} | (PROJECT if folder == PACKAGE else set())


def test_files_of_tests_lie_and_are_named_as_what_they_test():
    strays = []
    for path in FILES:
        folder, name = path.parent.relative_to(TESTS), path.stem.removeprefix("test_")
        if folder.parts and folder.parts[0] in RUNS:
            continue
        assert (PACKAGE / folder).is_dir(), f"dap/{folder} does not exist"
        if not any(name == part or name.startswith(f"{part}_") for part in of_what(path)):
            strays.append(str(path.relative_to(TESTS)))
    assert not strays, "named after nothing in the same folder of dap/"


def imported(path: Path) -> set[str]:
    """The top-level names of the modules that a file imports, wherever it does."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.add(node.module)
    return {part for name in names for part in name.split(".")}


def test_no_test_is_imported_and_all_helpers_lie_in_one_folder():
    tests = {path.stem for path in FILES} | {"conftest", "tests"}
    for path in MODULES:
        assert not imported(path) & tests, path
    others = {path for path in MODULES if path not in FILES and path.name != "conftest.py"}
    assert {path.parent.name for path in others} == {"helpers"}


def test_no_file_is_asking_to_be_two():
    lines = {
        str(path.relative_to(TESTS)): len(path.read_text(encoding="utf-8").splitlines())
        for path in MODULES
    }
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}
