"""Restoring needs the core dependencies alone, and what needs more names its extra."""

import ast
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
# of modules, as importlib.metadata has them for the running interpreter
DISTRIBUTIONS = {
    module: {canonicalize_name(name) for name in names}
    for module, names in metadata.packages_distributions().items()
}
# a program's first lines: modules that are installed, and are not found
HIDE = """
import sys
absent = set({absent!r})
class Finder:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in absent:
            return self.finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self.finder, name)
sys.meta_path[:] = map(Finder, sys.meta_path)
"""


@cache
def declared(extra):
    """The distributions that an extra names, those of extras that it includes among them."""
    names = set()
    for requirement in map(Requirement, EXTRAS[extra] if extra else PROJECT["dependencies"]):
        if requirement.name == PROJECT["name"]:
            names.update(*map(declared, requirement.extras))
        else:
            names.add(canonicalize_name(requirement.name))
    return names


def installed_with(names):
    """Distributions and all that they need."""
    seen, todo = set(), list(names)
    while todo:
        name = canonicalize_name(todo.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            requirements = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # of another platform
        for requirement in map(Requirement, requirements):
            if not requirement.marker or requirement.marker.evaluate({"extra": ""}):
                todo.append(requirement.name)
    return seen


def run_without(absent, program):
    program = HIDE.format(absent=sorted(absent)) + program
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def imports(tree, extra=""):
    """Each imported top-level module, with the extra that its import is inside of."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], extra) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0], extra
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        elif isinstance(node, ast.With) and ast.unparse(node.items[0]).startswith("extra("):
            yield from imports(node, node.items[0].context_expr.args[0].value)
        else:
            yield from imports(node, extra)


@pytest.mark.parametrize("path", sorted((ROOT / "dap").rglob("*.py")), ids=lambda path: path.stem)
def test_what_is_no_core_dependency_is_imported_inside_of_its_extra(path):
    for module, extra in imports(ast.parse(path.read_text(encoding="utf-8"))):
        if module == "dap" or module in sys.stdlib_module_names:
            continue
        assert DISTRIBUTIONS[module] & declared(extra), (module, extra or "the core")
        if extra:
            assert not DISTRIBUTIONS[module] & declared(""), f"{module} is a core dependency"


# what needs an extra, and the first package that is missing there
NEEDS = {
    "metrics": {
        "plugin('metrics', 'pesq_wb').load()": "pesq",
        "plugin('metrics', 'sdr').load()": "mir_eval",
        "plugin('metrics', 'stoi').load().stoi(x, x, 16000)": "pystoi",
    },
    "workflow": {
        "import dap.study.study": "yaml",  # read before it is checked
        "import dap.scoring.pool": "threadpoolctl",
        "plugin('baselines', 'nmf').load().separate(x, 16000)": "sklearn",
    },
    "report": {
        "import dap.reporting.tables": "pandas",
        "import dap.reporting.report": "matplotlib",
        "import dap.reporting.figures.steps": "matplotlib",
        "import dap.scoring.statistics": "pandas",
    },
    "dev": {
        "from dap.nn.harmonic_conv import HarmonicConv2d as C; import torch; "
        "C(2, 2, implementation='deform')(torch.zeros(1, 2, 16, 16))": "torchvision",
    },
}


@pytest.mark.parametrize("extra", NEEDS)
def test_a_missing_extra_is_named(extra):
    absent = {module for module, names in DISTRIBUTIONS.items() if names & declared(extra)}
    if extra == "dev":
        absent = {"torchvision"}
    program = "import numpy as np\nfrom dap.plugins import plugin\nx = np.random.rand(16000)\n"
    program += "from dap.errors import DapError\n"
    for operation, package in NEEDS[extra].items():
        message = f"{package} is not installed: pip install 'deep-audio-priors[{extra}]'"
        program += f"try:\n    {operation}\nexcept DapError as error:\n"
        program += f"    assert str(error) == {message!r}, error\n"
        program += f"else:\n    raise SystemExit({operation!r})\n"
    assert run_without(absent, program + "print('all named')") == "all named\n"


RESTORE = """
import dap
import numpy as np
from click.testing import CliRunner
from dap.cli import main
x = np.sin(0.3 * np.arange(4000)) + 0.1 * np.random.default_rng(0).normal(size=4000)
levels = (np.floor(np.clip(x, -0.99, 0.99) * 8) + 0.5) / 8
options = {"denoise": {}, "inpaint": {"gaps": [(0.1, 0.11)]}, "dequantize": {"bins": 16}}
for task in options:
    for method in dap.methods(task):
        if method.kind == "classical":
            recording = levels if task == "dequantize" else x
            result = dap.restore(recording, 16000, method=method.name, **options[task])
            assert np.isfinite(result.audio).all()
# taken for restorations, though fits as short as these have learned next to nothing
dap.fitting.restored.LEARNED = float("inf")
dap.restoration.segments.NOTHING_DB = dap.restoration.levels.SILENT_DB = float("inf")
for method, iterations in {
    "dilated-exp-dense": 2, "harmonic": 2, "wave-u-net": 2, "dnp-lsa": 49
}.items():
    fit = dap.FitOptions(iterations=iterations, width=0.05, snapshots=1)
    dap.restore(x, 16000, method=method, fit=fit, device="cpu")
assert CliRunner().invoke(main, ["restore", "-h"]).exit_code == 0
assert CliRunner().invoke(main, ["methods"]).exit_code == 0
print("all restored")
"""


def test_restoring_needs_the_core_dependencies_alone():
    core = installed_with(declared(""))
    absent = {module for module, names in DISTRIBUTIONS.items() if not names & core} - {"dap"}
    assert {"librosa", "pandas", "pesq", "snakemake", "torchvision", "yaml"} <= absent
    assert not {"torch", "soundfile", "soxr"} & absent
    assert "all restored\n" in run_without(absent, RESTORE)
