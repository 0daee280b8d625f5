import sys
from subprocess import run

import pytest

from dap import plugins as registry
from dap.errors import DapError
from dap.plugins import declared, plugin, plugins


@pytest.mark.parametrize(
    ("package", "variable", "names"),
    [
        (
            "priors",
            "PRIORS",
            {"conv", "dilated", "dilated-exp", "dilated-exp-dense"}
            | {"conv7", "dilated7", "harmonic", "harmonic-single", "harmonic-unmixed"},
        ),
        (
            "baselines",
            "BASELINES",
            {"observed", "wiener", "wiener-known", "wavelet", "wavelet-universal"}
            | {"spectral-gate", "janssen", "nmf"},
        ),
        ("data/synthetic", "SYNTHETIC", {"speech", "piano", "drums", "noise"}),
        (
            "metrics",
            "METRICS",
            {"snr", "psnr", "pesq_nb", "pesq_wb", "spectral_snr", "envelope_distance"}
            | {"sdr", "sir", "sar", "si_sdr", "llr", "wss", "ssnr", "csig", "cbak", "covl", "stoi"},
        ),
    ],
)
def test_names(package, variable, names):
    assert names <= set(plugins(package, variable))


@pytest.mark.parametrize(
    ("package", "variable", "function"),
    [("priors", "PRIORS", "build"), ("baselines", "BASELINES", "restore")],
)
def test_every_plugin_has_its_function(package, variable, function):
    for found in plugins(package, variable).values():
        assert callable(getattr(found.load(), function))
        assert found.metadata["title"]


def test_every_metric_says_which_way_is_better():
    for name, found in plugins("metrics", "METRICS").items():
        assert found.metadata["better"] in ("higher", "lower"), name
        assert {"label", "unit"} <= set(found.metadata)
        if not found.metadata.get("joint"):
            assert callable(getattr(found.load(), name))


def test_unknown_name():
    names = ", ".join(sorted(plugins("priors", "PRIORS")))
    with pytest.raises(DapError, match=f"unknown priors name 'convv': there are {names}$"):
        plugin("priors", "PRIORS", "convv")


def test_a_name_is_offered_once(tmp_path, monkeypatch):
    (tmp_path / "priors").mkdir()
    for name in ("one", "two"):
        (tmp_path / "priors" / f"{name}.py").write_text('PRIORS = {"same": {}}\n')
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    # past the cache, which other tests share
    with pytest.raises(DapError, match=r"same is offered twice: by dap\.priors\.one and by"):
        plugins.__wrapped__("priors", "PRIORS")


def test_literals_of_a_module():
    assert declared("data/corruptions", "CORRUPTIONS")["gaussian"]["options"] == {"std": 0.1}
    assert declared("data/corruptions", "NOTHING") == {}


def test_nothing_heavy_is_imported():
    # what every cluster job does when it parses the Snakefile again
    code = (
        "import sys; from dap.study.study import Study; from dap.runtime import provenance; "
        "from dap.plugins import plugins; plugins('priors', 'PRIORS'); "
        "print({'torch', 'librosa', 'scipy', 'pandas', 'soundfile'} & set(sys.modules))"
    )
    root = registry.ROOT.parent
    done = run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
