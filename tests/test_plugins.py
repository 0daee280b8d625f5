import pickle
import shutil
import sys
from subprocess import run

import numpy as np
import pytest

from dap import plugins as registry
from dap.data.clips import synthesise
from dap.data.observations import make
from dap.errors import DapError, PluginError, named
from dap.fitting.baseline import restore
from dap.observation import Observation
from dap.plugins import PREFIX, VARIABLE, methods, plugin, plugins, source, use


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            "priors",
            {"conv", "dilated", "dilated-exp", "dilated-dense", "dilated-exp-dense"}
            | {"conv7", "dilated7", "harmonic", "harmonic-groups", "harmonic-single"}
            | {"harmonic-unmixed", "harmonic-unmixed-wide"},
        ),
        (
            "baselines",
            {"observed", "wiener", "wiener-known", "wavelet", "wavelet-universal"}
            | {"spectral-gate", "janssen", "nmf"},
        ),
        ("corruptions", {"gaussian", "environmental", "gaps", "mixture", "quantization"}),
        ("synthetic", {"speech", "piano", "drums", "noise"}),
        (
            "metrics",
            {"snr", "psnr", "pesq_nb", "pesq_wb", "spectral_snr", "envelope_distance"}
            | {"sdr_v4", "sdr", "sir", "sar", "si_sdr", "llr", "wss", "ssnr", "stoi"}
            | {"csig", "cbak", "covl"},
        ),
    ],
)
def test_names(kind, names):
    assert names <= set(plugins(kind))


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        ("priors", "build"),
        ("baselines", "restore"),
        ("corruptions", "corrupt"),
        ("synthetic", "generate"),
    ],
)
def test_every_plugin_has_its_function(kind, function):
    for offered in plugins(kind).values():
        assert callable(getattr(offered.load(), function))


def test_every_metric_says_which_way_is_better():
    for name, metric in plugins("metrics").items():
        assert metric.metadata["better"] in ("higher", "lower"), name
        assert {"label", "unit"} <= set(metric.metadata)
        assert callable(getattr(metric.load(), name))


def test_unknown_name():
    names = ", ".join(sorted(plugins("priors")))
    with pytest.raises(DapError, match=f"unknown prior 'convv': there are {names}$"):
        plugin("priors", "convv")


PRIOR = 'PRIORS = {"mine": {"title": "mine"}}\n'


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """Writes files into the folder `mine`, and lists it, or what else is asked for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "")  # as it was, at the end
    (tmp_path / "mine").mkdir()

    def write(*listed, **files):
        for name, text in files.items():
            (tmp_path / "mine" / f"{name}.py").write_text(text)
        use(listed or ["mine"])

    yield write
    for name in [name for name in sys.modules if name.startswith(PREFIX)]:
        del sys.modules[name]
    registry._plugins.cache_clear()


def test_files_and_folders_from_outside(outside, tmp_path):
    package = set(plugins("priors"))
    outside("mine/one.py", one=PRIOR, two=PRIOR.replace("mine", "yours"))
    assert set(plugins("priors")) == {*package, "mine"}
    outside()
    assert set(plugins("priors")) == {*package, "mine", "yours"}
    outside("mine/one.py", "mine/two.py", "mine")  # a file twice is one file
    assert set(plugins("priors")) == {*package, "mine", "yours"}
    assert plugin("priors", "mine").path == tmp_path / "mine" / "one.py"
    use([])
    assert set(plugins("priors")) == package
    assert "mine" not in methods()


def test_a_file_may_offer_several_kinds(outside):
    outside(one=PRIOR + 'METRICS: dict = {"m": {"label": "M", "unit": "", "better": "lower"}}\n')
    assert plugin("metrics", "m").path == plugin("priors", "mine").path


def test_modules_from_outside_import_what_lies_beside_them(outside, tmp_path):
    outside(one=f"from .numpy import width\n{PRIOR}", numpy="width = 3\n")
    offered = plugin("priors", "mine")
    assert offered.load().width == 3
    assert offered.load() is offered.load()
    assert np.__name__ == "numpy"  # which a neighbour does not hide
    assert source(offered.module) == offered.path
    neighbour = f"{offered.module.rpartition('.')[0]}.numpy"
    assert source(neighbour) == tmp_path / "mine" / "numpy.py"
    assert source(f"{neighbour}.linalg") is None
    assert source("dap.priors.conv") == registry.ROOT / "priors" / "conv.py"
    assert source("dap.priors") == registry.ROOT / "priors" / "__init__.py"
    assert source("dap.nothing") is None


def test_names_of_modules_move_with_the_study(outside, tmp_path, monkeypatch):
    outside(one=PRIOR)
    here = plugin("priors", "mine").module
    shutil.copytree(tmp_path / "mine", tmp_path / "moved" / "mine")
    monkeypatch.chdir(tmp_path / "moved")
    use(["mine"])
    assert plugin("priors", "mine").module == here
    assert plugin("priors", "mine").path == tmp_path / "moved" / "mine" / "one.py"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"one": PRIOR, "two": PRIOR},
            "the prior 'mine' is offered twice: by mine/one.py and by mine/two.py; rename one",
        ),
        (
            {"one": PRIOR.replace("mine", "conv")},
            "the prior 'conv' is offered twice: by dap/priors/conv.py and by mine/one.py",
        ),
        (
            {"one": PRIOR.replace("mine", "wiener")},
            "'wiener' is the prior of mine/one.py and the baseline of dap/baselines/wiener.py",
        ),
        ({"one": "PRIORS = {\n"}, "mine/one.py: cannot be read as Python: '{' was never closed"),
        ({"one": "PRIORS = dict(a=1)\n"}, "mine/one.py: PRIORS has to be written out"),
        ({"one": "PRIORS = ['a']\n"}, "mine/one.py: PRIORS is ['a']: must be a dictionary"),
        ({"one": "PRIORS = {'a': 3}\n"}, "mine/one.py: PRIORS: a has 3: must be a dictionary"),
        ({"one": "PRIORS = {'a/b': {}}\n"}, "mine/one.py: PRIORS: 'a/b' is no name of letters"),
        ({"one": "PRIORS = {'a': {}}\n"}, "mine/one.py: PRIORS: a lacks title; needed: title"),
        (
            {"one": "PRIORS = {'a': {'title': 'A', 'task': 'denoise'}}\n"},
            "mine/one.py: PRIORS: a has task; needed: title; "
            "allowed: tasks, domain, least_iterations, published, fit",
        ),
        (
            {"one": "PRIORS = {'a': {'title': 'A', 'tasks': ['denoize']}}\n"},
            "mine/one.py: PRIORS: a.tasks is 'denoize'; allowed: denoise, inpaint, separate",
        ),
        (
            {"one": "PRIORS = {'a': {'title': 'A', 'least_iterations': 0}}\n"},
            "mine/one.py: PRIORS: a.least_iterations is 0: must be a whole number of at least 1",
        ),
        (
            {"one": "PRIORS = {'a': {'title': 'A', 'fit': {'width': 0.5}}}\n"},
            "mine/one.py: PRIORS: a.fit is {'width': 0.5}: must be options of a fit, by task",
        ),
        (
            {"one": "PRIORS = {'a': {'title': 'A', 'fit': {'fill': {}}}}\n"},
            "mine/one.py: PRIORS: a.fit: there is no task 'fill': there are denoise, inpaint",
        ),
        ({"one": "x = 3\n"}, "plugins: mine offers nothing: none of PRIORS, METRICS, "),
    ],
)
def test_what_is_refused_names_the_files(outside, files, message):
    with pytest.raises(DapError) as refused:  # noqa: PT012, by either
        outside(**files)
        methods()
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("yours", "plugins: yours does not exist (from the working directory /"),
        ("mine/notes.txt", "plugins: mine/notes.txt is no Python file"),
        ("a:b.py", "plugins: a:b.py has a ':' in its name"),
    ],
)
def test_what_is_no_plugin(outside, tmp_path, listed, message):
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(DapError) as refused:
        outside(listed)
    assert message in str(refused.value)


def test_what_a_plugin_raises_names_it_and_its_file(outside):
    outside(one=PRIOR + "def build():\n    return 1 / 0\n")
    with pytest.raises(PluginError) as raised, plugin("priors", "mine").running() as module:
        module.build()
    assert str(raised.value) == "mine (mine/one.py): ZeroDivisionError: division by zero"
    assert "    return 1 / 0\n" in raised.value.trace
    # as it comes from another process
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.trace) == (str(raised.value), raised.value.trace)
    with pytest.raises(PluginError) as placed, named("clip a"):
        raise again
    assert str(placed.value).startswith("clip a: mine (")
    assert placed.value.trace == raised.value.trace


@pytest.mark.parametrize(
    "error",
    [
        DapError("a reason"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 byte"),
        RuntimeError("CUDA out of memory"),
    ],
)
def test_a_reason_and_a_lack_of_memory_pass_as_they_are(error):
    with pytest.raises(type(error)) as raised, plugin("priors", "conv").running():
        raise error
    assert raised.value is error


def test_an_import_that_fails(outside):
    outside(broken=PRIOR + "import nothing_of_the_kind\n")
    with (
        pytest.raises(PluginError, match=r"mine \(mine/broken\.py\): ModuleNotFoundError: No modu"),
        plugin("priors", "mine").running(),
    ):
        pass


def test_nothing_heavy_is_imported():
    # what every cluster job does when it parses the Snakefile again
    code = (
        "import sys; from dap.study.study import Study; from dap.runtime import provenance; "
        "from dap.plugins import plugins; plugins('priors'); "
        "print({'torch', 'librosa', 'scipy', 'pandas', 'soundfile'} & set(sys.modules))"
    )
    root = registry.ROOT.parent
    done = run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


SHAPES = """
BASELINES = {"short": {"title": "one sample", "tasks": ["denoise"]}}
CORRUPTIONS = {
    "short": {"task": "denoise", "options": {}}, "silent": {"task": "inpaint", "options": {}},
}
SYNTHETIC = {"short": {"title": "one sample"}}

from dap.observation import Observation

def restore(observation, outputs):
    return observation.signal[:1]

def corrupt(sources, options, context):
    return Observation(sources[0][:1] if options["kind"] == "short" else sources[0])

def generate(rng, samples, sample_rate):
    return rng.random(1)
"""


def test_what_has_not_the_clips_length_is_refused(outside, tone):
    outside(short=SHAPES)
    with pytest.raises(
        PluginError,
        match=r"short \(mine/short.py\): ValueError: restore gave an array of shape \(1,\): must "
        r"be \(outputs, samples\), \(1, 4096\)",
    ):
        restore("short", "denoise", Observation(tone))
    rest = {"seed": 0, "names": (), "sample_rate": 16000, "spectrogram": {}, "noise": None}
    for kind, message in {
        "short": r"corrupt gave a signal of shape \(1,\): must be that of the clip, \(4096,\)",
        "silent": "left no mask, observed_frames in `known`, without which no method can fill gaps",
    }.items():
        with pytest.raises(PluginError, match=rf"^clip a: {kind} .*{message}"):
            make("a", [tone], {"kind": kind}, **rest)
    with pytest.raises(PluginError, match=r"generate gave the shape \(1,\): must be \(4096,\)"):
        synthesise("short", np.random.default_rng(0), 4096, 16000)
