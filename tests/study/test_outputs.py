"""What tables and figures may ask for: refused at once, where a job would find it too late."""

import copy

import pytest
import yaml

from dap.errors import DapError
from dap.study.outputs import FIGURES
from dap.study.presentation.tables import table_setup
from dap.study.schema import schema
from dap.study.study import Study

BASE = yaml.safe_load("""
study: tiny
corpora:
  synthetic-speech: {title: speech, synthetic: speech, samples: 2048}
  synthetic-piano: {title: piano, synthetic: piano, samples: 2048}
experiments:
  denoise:
    corruption: {kind: gaussian}
    corpora: [synthetic-speech]
    methods: [observed, conv]
    metrics: [snr, psnr, pesq_wb]
    fit: {iterations: 100, snapshots: 10, snapshot_at: [20, 50]}
  dequantize:
    corruption: {kind: quantization}
    corpora: [synthetic-speech]
    methods: [observed, conv]
    metrics: [snr]
  separate:
    corruption: {kind: mixture}
    corpora: [synthetic-speech+synthetic-piano]
    methods: [conv]
    metrics: [sdr]
  look:
    corruption: {kind: gaussian}
    corpora: [synthetic-speech, synthetic-piano]
    methods: []
    metrics: []
""")


def with_figures(*figures, **fit):
    config = copy.deepcopy(BASE)
    config["figures"] = {f"f{i}": figure for i, figure in enumerate(figures)}
    config["experiments"]["denoise"]["fit"] |= fit
    return Study(config)


def test_every_kind_of_figure_is_in_the_schema():
    figure = schema()["$defs"]["figure"]["properties"]
    assert set(FIGURES) == set(figure["kind"]["enum"])
    keys_of_kinds = {key for keys in FIGURES.values() for key in keys}
    assert keys_of_kinds == set(figure) - {"title", "kind", "experiment"}
    assert all(part.get("description") for part in figure.values())


def test_figures_settle_what_is_scored_of_each_snapshot():
    curves = {"kind": "curves", "experiment": "denoise"}
    study = with_figures(
        curves,
        curves | {"metric": "psnr", "against": ["observed", "clean"]},
        curves | {"against": ["observed"], "x": "seconds"},
        {"kind": "curves", "experiment": "separate"},
        {"kind": "example", "experiment": "dequantize"},
    )  # fmt: skip
    assert study.trajectory("denoise") == {"clean": ["psnr"], "observed": ["psnr", "snr"]}
    assert study.trajectory("dequantize") == study.trajectory("separate") == {}


def test_claims_on_convergence_settle_what_is_scored(monkeypatch):
    claim = "without anchors fitting is slower and without mixing the final quality is lower"
    pair = {"experiment": "denoise", "metric": "psnr", "method": "conv", "over": "conv"}

    def claiming(**keys):
        config = copy.deepcopy(BASE)
        config["claims"] = [{"paper": "iclr2020", "claim": claim, "convergence": [pair | keys]}]
        return Study(config)

    study = claiming()
    assert study.trajectory("denoise") == {"clean": ["psnr"]}
    assert claiming(metric="snr").trajectory("denoise") == {}
    convergence = study["claims"][0]["convergence"][0]
    assert (convergence["target"], convergence["share"]) == ("own", 0.99)
    with pytest.raises(DapError, match=r"claims\[0\]\.convergence\.over: unknown name 'observed'"):
        claiming(over="observed")
    with pytest.raises(DapError, match=r"convergence\.metric: pesq_wb is too slow for every"):
        claiming(metric="pesq_wb")
    monkeypatch.setitem(BASE["experiments"]["denoise"], "metrics", ["envelope_distance"])
    with pytest.raises(DapError, match=r"convergence\.metric: lower is better of envelope_dist"):
        claiming(metric="envelope_distance")


def comparing(**keys):
    comparison = {"experiment": "denoise", "metric": "snr", "method": "conv", "over": "observed"}
    config = copy.deepcopy(BASE)
    config["experiments"]["denoise"]["methods"].append("wiener")
    config["experiments"]["dequantize"] |= {"selections": ["last", "oracle"]}
    claim = "an exponential schedule gains more over constant dilation than constant dilation "
    claim += "gains over none"
    entry = {"paper": "interspeech2021", "claim": claim, "comparisons": [comparison | keys]}
    return Study(config | {"claims": [entry]})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"than": {"method": "x", "over": "conv"}}, r"comparisons\.than\.method: unknown name 'x'"),
        ({"than": {"method": "conv", "over": "x"}}, r"comparisons\.than\.over: unknown name 'x'"),
        ({"scope": "gaps"}, r"comparisons\.scope: unknown name 'gaps'; allowed: full"),
        ({"experiment": "dequantize"}, r"comparisons\.scope: unknown name None; allowed: projec"),
        (
            {"selection": "oracle", "over": "wiener"},
            r"comparisons\.over: wiener is no prior, and has no selection but last",
        ),
    ],
)  # fmt: skip
def test_claims_that_could_not_be_examined(keys, message):
    with pytest.raises(DapError, match=r"claims\[0\]\." + message):
        comparing(**keys)


def test_claims_that_can_be_examined():
    for keys in (
        {}, {"scope": "full"}, {"selection": "oracle"}, {"over": "wiener"},
        {"than": {"method": "wiener", "over": "observed"}},
        {"experiment": "dequantize", "scope": "projected"},
    ):  # fmt: skip
        (claim,) = comparing(**keys)["claims"]
        assert len(claim["comparisons"]) == 1


def test_a_claim_is_named_once():
    config = copy.deepcopy(BASE)
    claim = {"paper": "interspeech2021", "claim": "the gains come without added network complexity"}
    assert len(Study(config | {"claims": [claim]})["claims"]) == 1
    with pytest.raises(DapError, match=r"claims\[1\]\.claim: is named twice"):
        Study(config | {"claims": [claim, claim]})


def test_claims_on_complexity_are_of_priors():
    claim = "the gains come without added network complexity"
    pair = {"experiment": "denoise", "method": "conv", "over": "conv"}

    def claiming(**keys):
        study_config = copy.deepcopy(BASE)
        entry = {"paper": "interspeech2021", "claim": claim, "complexity": [pair | keys]}
        return Study(study_config | {"claims": [entry]})

    assert claiming()["claims"][0]["complexity"] == [pair]
    with pytest.raises(DapError, match=r"claims\[0\]\.complexity\.over: unknown name 'observed'"):
        claiming(over="observed")
    with pytest.raises(DapError, match=r"claims\[0\]\.complexity\.experiment: unknown name 'x'"):
        claiming(experiment="x")


def test_figures_without_fits():
    study = with_figures({"kind": "statistics", "experiment": "look"})
    assert study.experiments["look"].methods == []
    assert study.clip_counts == {"synthetic-speech": 2, "synthetic-piano": 2}


def test_steps_that_are_kept():
    entry = {"kind": "steps", "experiment": "denoise", "steps": [20, 50, 100]}
    assert with_figures(entry)["figures"]["f0"]["steps"] == [20, 50, 100]
    assert with_figures(entry, snapshots=38)
    with pytest.raises(
        DapError, match=r"f0.steps: 30 is not kept; .* whose conv keeps 20, 50, 100"
    ):
        with_figures(entry | {"steps": [30]})
    with pytest.raises(DapError, match=r"snapshot_at: 200 is beyond the 100 iterations"):
        with_figures(snapshot_at=[50, 200])
    with pytest.raises(DapError, match=r"denoise\.fit: .* are 39 \+ 2: at most 40 in all"):
        with_figures(snapshots=39)


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (
            {"kind": "curves", "experiment": "denoise", "steps": [20]},
            "figures.f0.steps: is of figures of kind steps, not curves",
        ),
        (
            {"kind": "statistics", "experiment": "denoise", "corpus": "synthetic-speech"},
            "figures.f0.corpus: is of figures of kind example or steps, not statistics",
        ),
        (
            {"kind": "curves", "experiment": "look"},
            "figures.f0: look has no prior among its methods, so no iterates",
        ),
        (
            {"kind": "curves", "experiment": "denoise", "metric": "pesq_wb"},
            "figures.f0.metric: pesq_wb is too slow for every snapshot",
        ),
        (
            {"kind": "curves", "experiment": "dequantize", "metric": "psnr"},
            "figures.f0.metric: unknown name 'psnr'; allowed: snr",
        ),
        (
            {"kind": "curves", "experiment": "separate", "against": ["observed"]},
            "figures.f0.against: a mixture is no reference",
        ),
        (
            {"kind": "curves", "experiment": "denoise", "against": ["noisy"]},
            "figures.f0.against.0 is 'noisy'; allowed: clean, observed",
        ),
        (
            {"kind": "curves", "experiment": "denoise", "methods": ["dilated"]},
            "figures.f0.methods: unknown name 'dilated'; allowed: conv, observed",
        ),
        (
            {"kind": "curves", "experiment": "denoise", "methods": ["observed"]},
            "figures.f0: no prior among its methods",
        ),
        (
            {"kind": "statistics", "experiment": "separate"},
            "figures.f0: statistics is not for separation",
        ),
        ({"kind": "steps", "experiment": "denoise"}, "figures.f0: needs `steps`"),
        (
            {"kind": "steps", "experiment": "denoise", "steps": [20], "corpus": "synthetic-piano"},
            "figures.f0.corpus: unknown name 'synthetic-piano'; allowed: synthetic-speech",
        ),
        (
            {"kind": "steps", "experiment": "denoise", "steps": []},
            "figures.f0.steps: [] should be non-empty",
        ),
    ],
)
def test_figures_that_cannot_be_made(figure, words):
    with pytest.raises(DapError) as refused:
        with_figures(figure)
    assert words in str(refused.value)


def with_table(**published):
    config = copy.deepcopy(BASE)
    config["experiments"]["denoise"]["methods"] += ["conv7", "wave-u-net"]
    source = {"paper": "iclr2020", "table": 1, "metrics": {"pesq_wb": "pesq"}} | published
    config["tables"] = {"t": {"experiment": "denoise", "metrics": ["pesq_wb"], "published": source}}
    return Study(config)


def test_published_methods_that_are_not_run():
    source = with_table(not_run=["dfl", "harmonic"]).config["tables"]["t"]["published"]
    assert source["not_run"] == ["dfl", "harmonic"]
    with pytest.raises(DapError, match=r"tables.t.published.not_run: unknown name 'dlf'; allowed"):
        with_table(not_run=["dlf"])
    # the paper's name of conv7 is conv
    for name in ("conv", "wave-u-net"):
        with pytest.raises(DapError, match=f"{name} is among the methods of denoise"):
            with_table(not_run=[name])
    # dfl dequantizes nothing: it is in table 1 alone
    with pytest.raises(DapError, match=r"not_run: unknown name 'dfl'; allowed: conv, dilated, har"):
        with_table(table=2, not_run=["dfl"])


PLUGIN = """PRIORS = {"my-prior": {"title": "mine", "published": {"iclr2020": "harmonic"}}}"""


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "my_prior.py"
    path.write_text(PLUGIN)
    return [str(path)]


def named(config, methods):
    config = copy.deepcopy(config)
    config["experiments"]["denoise"]["methods"] = ["observed", "conv", *methods]
    return table_setup(Study(config), "t")["published"]


def test_a_plugin_has_a_published_name_where_it_is_run(plugin):
    config = with_table().config | {"plugins": plugin}
    assert named(config, ["conv7"]) == {"conv": "conv7", "dilated": "dilated7"}
    assert named(config, ["my-prior"])["harmonic"] == "my-prior"
    with pytest.raises(DapError, match=r"harmonic and my-prior of denoise both say that they are"):
        named(config, ["harmonic", "my-prior"])


def test_curves_are_of_fits_that_end_at_the_same_iteration():
    curves = {"kind": "curves", "experiment": "denoise"}
    followed = {"stop": "variance"}
    assert with_figures(curves, **followed)
    with pytest.raises(DapError, match=r"f0: .* the fits of conv in denoise end at different ones"):
        with_figures(curves, **followed, end_at_stop=True)


def test_the_report_s_own_picture_keeps_its_name():
    config = copy.deepcopy(BASE)
    config["figures"] = {"overview": {"kind": "example", "experiment": "denoise"}}
    with pytest.raises(DapError, match=r"figures\.overview: the report's own picture is called so"):
        Study(config)
