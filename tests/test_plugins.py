import sys
from subprocess import run

import pytest

from dap import plugins as registry
from dap.errors import DapError
from dap.plugins import plugin, plugins


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            "priors",
            {"conv", "dilated", "dilated-exp", "dilated-exp-dense"}
            | {"conv7", "dilated7", "harmonic", "harmonic-single", "harmonic-unmixed"},
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
            | {"sdr", "sir", "sar", "si_sdr", "llr", "wss", "ssnr", "csig", "cbak", "covl", "stoi"},
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
    for found in plugins(kind).values():
        assert callable(getattr(found.load(), function))


def test_every_metric_says_which_way_is_better():
    for name, found in plugins("metrics").items():
        assert found.metadata["better"] in ("higher", "lower"), name
        assert {"label", "unit"} <= set(found.metadata)
        if not found.metadata.get("joint"):
            assert callable(getattr(found.load(), name))


def test_unknown_name():
    names = ", ".join(sorted(plugins("priors")))
    with pytest.raises(DapError, match=f"unknown prior 'convv': there are {names}$"):
        plugin("priors", "convv")


def test_a_name_is_offered_once(tmp_path, monkeypatch):
    (tmp_path / "priors").mkdir()
    for name in ("one", "two"):
        (tmp_path / "priors" / f"{name}.py").write_text('PRIORS = {"same": {}}\n')
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    # past the cache, which other tests share
    with pytest.raises(DapError, match=r"prior 'same' is offered twice: by .*one\.py and by .*two"):
        plugins.__wrapped__("priors")


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
