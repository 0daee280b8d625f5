"""What a change of the package makes again: on a copy of it."""

import ast
import re
import shutil

import pytest

from dap.study.code_hash import OUTSIDE, PACKAGE, Code
from dap.study.code_names import Sources

FITS = {
    name: ("workflow/scripts/fit.py", f"dap.priors.{name}")
    for name in ("conv", "dilated", "conv7", "harmonic", "wave_u_net", "dnp")
}
RULES = {
    **FITS,
    "wiener_known": ("dap.baselines.wiener_known",),
    "observed": ("dap.baselines.observed",),
    "score": ("workflow/scripts/score.py", "dap.metrics.level"),
    "score of separation": ("workflow/scripts/score.py", "dap.metrics.separation"),
    "table": ("workflow/scripts/table.py",),
    "clips": ("workflow/scripts/clips.py", "dap.data.synthetic.speech"),
    "observations": ("workflow/scripts/observations.py",),
}
SCORES = {"score", "score of separation"}


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


def edit(path, old, new):
    source = path.read_text()
    assert source.count(old) == 1, (path, source.count(old))
    path.write_text(source.replace(old, new))


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
        "conv": 21,
        "harmonic": 23,
        "wave_u_net": 17,
        "observed": 1,
        "wiener_known": 2,
        "score": 5,
        "table": 8,
        "clips": 8,
        "observations": 9,
    }.items(),
)
def test_a_rule_covers_what_computes(original, rule, most):
    assert len(original[rule]) <= most, sorted(original[rule])


def test_nothing_outside_counts(original):
    sources = Sources(PACKAGE, OUTSIDE)
    for parts in original.values():
        assert not [name for name in parts if sources.is_outside(name)]
    # each of these exists: a module, or a name in one
    for name in OUTSIDE:
        module, _, last = name.rpartition(".")
        assert sources.has(name) or last in sources.module(module).bound, name


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
    ("file", "old", "new"),
    [
        ("runtime/progress.py", "LINE_SECONDS = 30.0", "LINE_SECONDS = 3.0"),
        ("runtime/joblog.py", "%(asctime)s %(message)s", "%(message)s"),
        ("runtime/checkpoints.py", "self.written = time.monotonic()\n        if", "if"),
        ("runtime/provenance.py", '"torch", "numpy"', '"numpy", "torch"'),
        ("store.py", "the disk is full", "there is no room"),
        ("fitting/interleave.py", "SETTLE = 6", "SETTLE = 8"),
        ("fitting/gpu/devices.py", "WAIT_SECONDS = 1.0", "WAIT_SECONDS = 2.0"),
        ("fitting/loop.py", "lower `learning_rate`", "take a lower `learning_rate`"),
        ("options.py", '"warmup": 20', '"warmup": 30'),  # a study's parameter
        ("tasks.py", 'verb="denoise"', 'verb="clean"'),
        ("priors/conv.py", "U-Net, no dilation", "plain U-Net"),
        ("baselines/wiener_known.py", "Wiener filter, noise level known", "Wiener filter"),
        ("nn/dilated_unet.py", "return span[0] - sum(dilations)", "return span[0] + 1"),
        ("data/fetch/download.py", "import", "import this\nimport"),
        ("study/schema.yaml", "$schema", "$Schema"),
    ],
)
def test_what_makes_no_number_makes_nothing_again(checkout, original, file, old, new):
    path = checkout / "dap" / file
    source = path.read_text()
    assert old in source
    path.write_text(source.replace(old, new, 1))
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
    ("file", "old", "new", "rules"),
    [
        ("priors/conv.py", "dilation=1", "dilation=2", {"conv"}),
        (
            "priors/dnp.py",
            'removeprefix("dnp-")',
            'removeprefix("dnp")',
            {"dnp"},
        ),
        ("nn/dilated_unet.py", "3, padding=dilation", "5, padding=dilation", {"conv", "dilated"}),
        ("nn/norm.py", "len(x) > 1", "len(x) > 2", {"conv", "dilated", "conv7", "harmonic"}),
        ("nn/harmonic_unet.py", "KERNEL = 7", "KERNEL = 5", {"conv7", "harmonic"}),
        ("nn/wave_unet.py", "SLOPE = 0.1", "SLOPE = 0.2", {"wave_u_net", "dnp"}),
        (
            "fitting/cpu/layers.py",
            "SLACK = 128",
            "SLACK = 64",
            {"conv", "dilated", "conv7", "harmonic"},
        ),
        ("fitting/cpu/sampling.py", "TAPS = 7", "TAPS = 5", {"conv7", "harmonic"}),
        ("fitting/loop.py", "fused=True", "fused=False", set(FITS)),
        (
            "fitting/loop.py",
            "grid(iterations: int, snapshots: int, snapshot_at: Sequence[int] = ())",
            "grid(iterations: int, snapshots: int, snapshot_at: Sequence[int] = (1,))",
            set(FITS),
        ),
        ("fitting/ema.py", "1 - self.decay) * estimates", "2 - self.decay) * estimates", set(FITS)),
        ("options.py", "NARROWEST = 0.25", "NARROWEST = 0.5", set(FITS)),
        ("fitting/objectives/fluctuation.py", "FIRST = 48", "FIRST = 49", {"dnp"}),
        ("baselines/wiener.py", "ALPHA = 0.99", "ALPHA = 0.98", {"wiener_known"}),
        ("baselines/observed.py", "axis=0", "axis=-2", {"observed"}),
        (
            "metrics/separation.py",
            "import numpy as np\n",
            "import numpy as np\nnp.seterr()\n",
            {"score of separation"},
        ),
        ("scoring/evaluate.py", "int(np.nanargmax(quality))", "int(np.nanargmin(quality))", SCORES),
        ("scoring/statistics.py", "RESAMPLES = 9999", "RESAMPLES = 999", {"table"}),
        ("reporting/typeset.py", "else 3", "else 4", {"table"}),
        (
            "data/synthetic/speech.py",
            "BANDWIDTHS = np.array([70.0",
            "BANDWIDTHS = np.array([71.0",
            {"clips"},
        ),
        ("audio.py", "SILENCE_DB = -60.0", "SILENCE_DB = -50.0", {"clips"}),
    ],
)
def test_a_change_makes_again_what_it_changes(checkout, original, file, old, new, rules):
    edit(checkout / "dap" / file, old, new)
    module = f"dap/{file}".removesuffix(".py").replace("/", ".")
    assert changed(checkout, original) == (rules, {module})


def test_a_c_source_makes_again_what_runs_on_it(checkout, original):
    for path in sorted(checkout.glob("dap/fitting/cpu/*.[ch]")):
        before = digests(checkout)
        path.write_text(path.read_text() + "\nstatic const int ONE = 1;\n")
        name = path.relative_to(checkout).as_posix()
        assert changed(checkout, before) == ({"conv", "dilated", "conv7", "harmonic"}, {name})


def test_a_script_counts(checkout, original):
    edit(checkout / "workflow/scripts/table.py", '"better"', '"worse"')
    assert changed(checkout, original) == ({"table"}, {"workflow/scripts/table.py"})


def test_a_new_import_counts(checkout, original):
    path = checkout / "dap" / "priors" / "conv.py"
    path.write_text(
        path.read_text().replace("import design", "import design\nfrom dap.nn.new import x")
        + "y = x\n"
    )
    (checkout / "dap" / "nn" / "new.py").write_text("x = 1\nz = 2\n")
    assert changed(checkout, original) == ({"conv"}, {"dap.priors.conv", "dap.nn.new"})
    before = digests(checkout)
    edit(checkout / "dap/nn/new.py", "x = 1", "x = 3")
    assert changed(checkout, before) == ({"conv"}, {"dap.nn.new"})
