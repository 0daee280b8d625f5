"""Who imports whom is as docs/architecture.md says (pyproject.toml, [tool.importlinter])."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = {
    contract["name"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
}
LAYERS = "Layers: imports go down"


def test_contracts_hold():
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_page_has_the_layers():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.partition("## Who may import whom")[2]
    assert section.split("```")[1].strip().splitlines() == CONTRACTS[LAYERS]["layers"]


def test_no_module_imports_itself_through_others():
    graph = grimp.build_graph("dap", cache_dir=None)
    imports = {
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    assert len(imports) > 100
    circles = {pair for pair in imports if graph.chain_exists(importer=pair[1], imported=pair[0])}
    assert circles == set()


def test_what_the_snakefile_imports_is_held_to_be_light():
    light = CONTRACTS["What the Snakefile parses imports nothing heavy"]["source_modules"]
    pattern = re.compile(r"^ *from (dap[\w.]*) import (.+)$", re.MULTILINE)
    files = [ROOT / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]
    names = set()
    for file in files:
        for module, imported in pattern.findall(file.read_text(encoding="utf-8")):
            # what is imported is a module, or a name in one
            for name in re.findall(r"\w+", imported.partition(" as ")[0]):
                path = ROOT.joinpath(*module.split("."), name)
                is_module = path.with_suffix(".py").is_file() or path.is_dir()
                names.add(f"{module}.{name}" if is_module else module)
    assert {"dap.study.configuration", "dap.study.params"} <= names
    assert {name for name in names if not f"{name}.".startswith(tuple(f"{m}." for m in light))} == (
        set()
    )
