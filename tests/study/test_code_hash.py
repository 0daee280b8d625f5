"""What a change of the package makes again: on a copy of it."""

import ast
import re
import shutil

import pytest
from edits import change, substitute

from dap.plugins import VARIABLE, plugin, use
from dap.study.code_hash import FORMAT, OUTSIDE, PACKAGE, Code, parameters, recorded
from dap.study.code_names import Sources

FITS = {
    name: ("workflow/scripts/fit.py", f"dap.priors.{name}")
    for name in ("conv", "dilated", "conv7", "harmonic", "wave_u_net", "dnp")
}
RULES = {
    **FITS,
    "wiener_known": ("workflow/scripts/baseline.py", "dap.baselines.wiener_known"),
    "observed": ("workflow/scripts/baseline.py", "dap.baselines.observed"),
    "score": ("workflow/scripts/score.py", "dap.metrics.level"),
    "score of separation": ("workflow/scripts/score.py", "dap.metrics.separation"),
    "table": ("workflow/scripts/table.py",),
    "clips": ("workflow/scripts/clips.py", "dap.data.synthetic.speech"),
    "observations": ("workflow/scripts/observations.py", "dap.data.corruptions.gaps"),
}
SCORES = {"score", "score of separation"}
BASELINES = {"wiener_known", "observed"}
ON_COMPILED_LAYERS = {"conv", "dilated", "conv7", "harmonic"}


@pytest.fixture
def checkout(tmp_path):
    """A copy of the sources, to be changed."""
    unwanted = shutil.ignore_patterns("__pycache__", "rules", "studies", "profiles")
    for folder in ("dap", "workflow"):
        shutil.copytree(PACKAGE.parent / folder, tmp_path / folder, ignore=unwanted)
    return tmp_path


def digests(checkout):
    code = Code(checkout / "dap")
    return {rule: code.digests(*starts) for rule, starts in RULES.items()}


@pytest.fixture(scope="module")
def original():
    return digests(PACKAGE.parent)


def changed(checkout, original):
    """What is made again, and the modules that Snakemake names as the reason."""
    now = digests(checkout)
    reasons = {
        name
        for rule, before in original.items()
        for name in before.keys() | now[rule].keys()
        if before.get(name) != now[rule].get(name)
    }
    return {rule for rule, before in original.items() if before != now[rule]}, reasons


def test_digests(original):
    assert digests(PACKAGE.parent) == original
    for rule, parts in original.items():
        assert parts == dict(sorted(parts.items())), rule
        assert all(re.fullmatch("[0-9a-f]{12}", digest) for digest in parts.values())
        for name in parts:
            path = PACKAGE.parent / name
            assert path.is_file() or Sources(PACKAGE, []).has(name), name


# ---------------------------------------------------------------------- what counts at all


@pytest.mark.parametrize(
    ("rule", "most"),
    {
        "conv": 35,  # of them 8 C headers and a source, and 5 modules of the stop
        "harmonic": 38,
        "wave_u_net": 25,
        "observed": 6,
        "wiener_known": 7,
        "score": 7,
        "table": 8,
        "clips": 12,
        "observations": 15,
    }.items(),
)
def test_a_rule_covers_what_computes(original, rule, most):
    assert len(original[rule]) <= most, sorted(original[rule])


def test_a_training_covers_what_computes_and_no_fit():
    code = Code()
    train, separate = (
        code.digests(f"workflow/scripts/{name}.py", "dap.priors.conv7")
        for name in ("train", "separate")
    )
    assert {"dap.training.loop", "dap.training.mixtures", "dap.masks"} <= set(train)
    assert {"dap.training.recordings", "dap.nn.harmonic_unet"} <= set(train)
    assert {"dap.training.model", "dap.masks", "dap.stft"} <= set(separate)
    of_fits = {"dap.fitting.loop", "dap.fitting.objectives.spectral", "dap.fitting.stops.rules"}
    assert not of_fits & {*train, *separate}
    assert not any(name.startswith("dap.training") for name in code.digests(*RULES["conv7"]))


def test_fits_and_baselines_have_little_in_common(original):
    common = original["conv"].keys() & original["observed"].keys()
    assert common == {"dap.fitting.restored", "dap.observation", "dap.tasks"}


def test_nothing_outside_counts(original):
    sources = Sources(PACKAGE, OUTSIDE)
    for parts in original.values():
        assert not [name for name in parts if sources.is_outside(name)]
    # each of these exists: a module, or a name in one
    for name in OUTSIDE:
        module, _, last = name.rpartition(".")
        assert sources.has(name) or last in sources.module(module).bound, name


def test_parameters_name_the_module_before_its_digest():
    digests = {"conv": {"dap.a": "0", "dap.b.c": "1"}, "observed": {"dap.a": "0", "x.py": "2"}}
    of = parameters(digests.get, {"x.py", "dap.a", "dap.b.c"})
    assert list(of) == ["format", "dap.a", "dap.b.c", "x.py"]
    conv = {name: value("conv") for name, value in of.items()}
    form = f"format {FORMAT}"
    # what does not count adds nothing to the set of values that Snakemake compares
    assert conv == {"format": form, "dap.a": "dap.a 0", "dap.b.c": "dap.b.c 1", "x.py": form}
    others = {"seed": 2021, "task": "denoise", "setup": {"fit": {}}}
    assert recorded(conv | others) == ["dap.a 0", "dap.b.c 1", form]


class Talk(ast.NodeTransformer):
    """Other docstrings, annotations, error texts and log lines; no comments, other formatting."""

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        for argument in node.args.args + node.args.kwonlyargs:
            if argument.annotation:
                argument.annotation = ast.Subscript(ast.Name("list"), argument.annotation)
        return self.document(node)

    def visit_ClassDef(self, node):
        self.generic_visit(node)
        return self.document(node)

    def document(self, node):
        if ast.get_docstring(node) is None:
            node.body.insert(0, ast.Expr(ast.Constant("Something.")))
        else:
            node.body[0] = ast.Expr(ast.Constant("Something else."))
        node.body.insert(1, ast.parse("log.info('here, of %d', 3)").body[0])
        return node

    def visit_Raise(self, node):
        if isinstance(node.exc, ast.Call):
            texts = (ast.JoinedStr, ast.Constant, ast.BinOp)
            node.exc.args = [
                ast.Constant("wrong") if isinstance(argument, texts) else argument
                for argument in node.exc.args
            ]
        return node


def test_comments_docstrings_annotations_errors_and_logs_make_nothing_again(checkout, original):
    for path in (*checkout.glob("dap/**/*.py"), *checkout.glob("workflow/scripts/*.py")):
        tree = Talk().visit(ast.parse(path.read_text()))
        path.write_text(f"# changed\n{ast.unparse(ast.fix_missing_locations(tree))}\n")
    for path in checkout.glob("dap/**/*.[ch]"):
        path.write_text("/* changed */\n" + path.read_text().replace("    ", "  "))
    assert changed(checkout, original) == (set(), set())


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("runtime/progress.py", "LINE_SECONDS"),
        ("runtime/joblog.py", "job"),
        ("runtime/checkpoints.py", "Checkpoint.due"),
        ("runtime/provenance.py", "versions"),
        ("store.py", "read_entries"),
        ("fitting/interleave.py", "SETTLE"),
        ("fitting/gpu/devices.py", "claim"),
        ("options.py", "PRESETS"),  # a study's parameters
        ("tasks.py", "TASKS"),
        ("nn/dilated_unet.py", "receptive_field"),
        ("data/fetch/download.py", "fetch"),
        ("study/study.py", "Study"),
        ("commands/restore.py", "restore"),
    ],
)
def test_what_makes_no_number_makes_nothing_again(checkout, original, file, name):
    change(checkout / "dap" / file, name)
    assert changed(checkout, original) == (set(), set())


@pytest.mark.parametrize("file", ["priors/conv.py", "baselines/wiener_known.py"])
def test_how_a_plugin_is_called_makes_nothing_again(checkout, original, file):
    substitute(checkout / "dap" / file, '"title": "', '"title": "Another ')
    assert changed(checkout, original) == (set(), set())


# ---------------------------------------------------------------------- new ones beside the others


@pytest.mark.parametrize(
    "file",
    [
        "metrics/new.py",
        "priors/new.py",
        "baselines/new.py",
        "data/synthetic/new.py",
        "data/corpora/new.py",
        "nn/new.py",
        "fitting/objectives/new.py",
        "reporting/figures/new.py",
        "runtime/new.py",
    ],
)
def test_a_new_module_makes_nothing_again(checkout, original, file):
    (checkout / "dap" / file).write_text('PRIORS = METRICS = {"new": {}}\nnumber = 1\n')
    assert changed(checkout, original) == (set(), set())


# ---------------------------------------------------------------------- changes that count


@pytest.mark.parametrize(
    ("file", "name", "rules"),
    [
        ("priors/conv.py", "build", {"conv"}),
        ("priors/dnp.py", "objective", {"dnp"}),
        ("nn/dilated_unet.py", "DilatedUNet.forward", {"conv", "dilated"}),
        ("nn/norm.py", "InstanceNorm.forward", ON_COMPILED_LAYERS),
        ("nn/harmonic_unet.py", "HarmonicUNet.forward", {"conv7", "harmonic"}),
        ("nn/wave_unet.py", "WaveUNet.forward", {"wave_u_net", "dnp"}),
        ("fitting/cpu/layers.py", "Conv.forward", ON_COMPILED_LAYERS),
        ("fitting/cpu/sampling.py", "Sample.prepare", {"conv7", "harmonic"}),
        ("fitting/loop.py", "grid", set(FITS)),
        ("fitting/method.py", "fitting", set(FITS)),
        ("fitting/ema.py", "MovingAverage.update", set(FITS)),
        ("fitting/baseline.py", "restore", BASELINES),
        ("observation.py", "Observation", {*FITS, *BASELINES, "observations"}),
        ("options.py", "FitOptions.scaled_learning_rate", set(FITS)),
        ("fitting/objectives/fluctuation.py", "FIRST", {"dnp"}),
        ("baselines/wiener.py", "ALPHA", {"wiener_known"}),
        ("baselines/observed.py", "restore", {"observed"}),
        ("metrics/separation.py", "bss_eval", {"score of separation"}),
        ("scoring/evaluate.py", "oracle", SCORES),
        ("scoring/permutation.py", "best_permutation", SCORES),
        ("scoring/statistics.py", "CONFIDENCE", {"table"}),
        ("reporting/typeset.py", "to_latex", {"table"}),
        ("data/synthetic/speech.py", "BANDWIDTHS", {"clips"}),
        ("audio.py", "SILENCE_DB", {"clips"}),
        ("audio.py", "write", set()),  # the form of a product, for which FORMAT stands
    ],
)
def test_a_change_makes_again_what_it_changes(checkout, original, file, name, rules):
    change(checkout / "dap" / file, name)
    module = f"dap/{file}".removesuffix(".py").replace("/", ".")
    assert changed(checkout, original) == (rules, {module} if rules else set())


def test_a_default_counts(checkout, original):
    substitute(checkout / "dap/fitting/loop.py", r"(def grid\(.*?)\(\)", r"\1(1,)")
    assert changed(checkout, original) == (set(FITS), {"dap.fitting.loop"})


def test_a_c_source_makes_again_what_runs_on_it(checkout, original):
    before = original
    for path in sorted(checkout.glob("dap/fitting/cpu/*.[ch]")):
        path.write_text(path.read_text() + "\nstatic const int ONE = 1;\n")
        name = path.relative_to(checkout).as_posix()
        # a source that is a module's by its name counts with that alone
        users = {"conv7", "harmonic"} if path.stem == "sampling" else ON_COMPILED_LAYERS
        assert changed(checkout, before) == (users, {name})
        before = digests(checkout)


def test_a_script_counts(checkout, original):
    path = checkout / "workflow/scripts/table.py"
    path.write_text(path.read_text() + "print(1)\n")
    assert changed(checkout, original) == ({"table"}, {"workflow/scripts/table.py"})


def test_a_new_import_counts(checkout, original):
    path = checkout / "dap" / "priors" / "conv.py"
    path.write_text(f"{path.read_text()}\nfrom dap.nn.new import x\n\ny = x\n")
    (checkout / "dap" / "nn" / "new.py").write_text("x = 1\nz = 2\n")
    assert changed(checkout, original) == ({"conv"}, {"dap.priors.conv", "dap.nn.new"})
    before = digests(checkout)
    change(checkout / "dap/nn/new.py", "x")
    assert changed(checkout, before) == ({"conv"}, {"dap.nn.new"})


# ---------------------------------------------------------------------- plugins from outside


PRIOR = """
from dap.nn.norm import InstanceNorm
from .helpers import width

PRIORS = {"mine": {"title": "mine"}}

def build():
    return InstanceNorm(width)
"""


@pytest.fixture(params=["listed", "installed"])
def outside(request, tmp_path, monkeypatch):
    """A prior in a folder, and its module's name: listed by a study, or an installed package's."""
    folder = tmp_path / "my_plugins"
    folder.mkdir()
    (folder / "prior.py").write_text(PRIOR)
    (folder / "helpers.py").write_text("width = 3\nunused = 4\n")
    (folder / "other.py").write_text("from my_plugins import helpers\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "")
    if request.param == "listed":
        use(["my_plugins"])
        return folder, plugin("priors", "mine").module
    monkeypatch.syspath_prepend(tmp_path)
    return folder, "my_plugins.prior"


def test_a_plugin_from_outside_counts_with_what_it_imports(outside):
    folder, module = outside
    neighbour = module.replace("prior", "helpers")
    package = "my_plugins" if module == "my_plugins.prior" else None

    def parts():
        return Code().digests("workflow/scripts/fit.py", module)

    before = parts()
    assert {module, neighbour, "dap.nn.norm", "dap.fitting.loop"} <= before.keys()
    assert package is None or package not in before  # it has no __init__
    assert folder.name not in module or package

    def changes(file, old, new):
        path = folder / file
        text = path.read_text()
        path.write_text(text.replace(old, new))
        after = parts()
        path.write_text(text)
        return {
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        }

    assert changes("prior.py", "(width)", "(2 * width)") == {module}
    assert changes("helpers.py", "3", "5") == {neighbour}
    assert changes("helpers.py", "4", "5") == set()  # is not used
    assert changes("prior.py", '"title": "mine"', '"title": "ours"') == set()
