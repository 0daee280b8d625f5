"""A study's files and what is changed on the command line."""

import pytest
from small_studies import config

from dap.study.configuration import merged
from dap.study.schema import validated

BASE = config(clips=1, clips_per_job=1) | {"fit": "fast"}
EXPERIMENT = {"fit": "fast", "fits": {"conv": "fast"}}


@pytest.mark.parametrize("layers", [1, 2])
def test_options_of_a_fit_keep_the_preset_that_is_named_alone(layers):
    changes = [{"fit": {"iterations": 500}}, {"fit": {"width": 0.5}}][:layers]
    fit = validated(merged([BASE, *changes]))["fit"]
    fast = validated(dict(BASE))["fit"]
    assert fit == fast | {"iterations": 500} | ({"width": 0.5} if layers == 2 else {})


def test_so_do_those_of_an_experiment_and_of_a_method():
    change = {"fit": {"iterations": 500}, "fits": {"conv": {"iterations": 600}}}
    base = BASE | {"experiments": {"e": EXPERIMENT}}
    entry = merged([base, {"experiments": {"e": change}}])["experiments"]["e"]
    assert entry["fit"] == {"preset": "fast", "iterations": 500}
    assert entry["fits"] == {"conv": {"preset": "fast", "iterations": 600}}


def test_a_name_alone_takes_the_place_of_options():
    assert merged([{"fit": {"iterations": 500}}, {"fit": "fast"}]) == {"fit": "fast"}
    assert BASE["fit"] == "fast"
