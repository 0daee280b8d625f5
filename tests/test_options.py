"""The options of a fit: their ranges, the presets, and the schema that says the same."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Literal, get_args, get_origin

import pytest

from dap.errors import DapError
from dap.options import PRESETS, FitOptions, TrainingOptions, learning_rate, with_preset
from dap.study.schema import schema

NAMES = {int: "integer", float: "number", bool: "boolean"}
# what an option is, in the schema; a description is prose
WORDS = {"type", "enum", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}


def as_schema(option):
    """What a study's schema has to say of an option, but for its description."""
    if get_origin(option.type) is Literal:
        return {"enum": list(get_args(option.type)), "default": option.default}
    if option.type is str:
        return {"type": "string", "default": option.default}
    if option.type == Sequence[int]:
        items = {"items": {"type": "integer", "minimum": 1}, "uniqueItems": True, "maxItems": 39}
        return {"type": "array", "default": list(option.default), **items}
    return {"type": NAMES[option.type], "default": option.default, **option.metadata}


def test_the_schema_says_what_the_options_are():
    described = dict(schema()["$defs"]["fit"]["properties"])
    preset = described.pop("preset")
    assert list(described) == [option.name for option in fields(FitOptions)]
    for option in fields(FitOptions):
        part = {key: value for key, value in described[option.name].items() if key != "description"}
        assert part == as_schema(option), option.name
        assert type(part["default"]) is type(as_schema(option)["default"]), option.name
    assert preset["enum"] == list(PRESETS)
    assert PRESETS[preset["default"]] == {}


def test_every_option_is_documented():
    for option in fields(FitOptions):
        assert f"\n    {option.name}: " in FitOptions.__doc__.replace("\n        ", "\n    ")


def test_the_schema_says_what_the_options_of_a_training_are():
    described = dict(schema()["$defs"]["training"]["properties"])
    assert "corpora" in described
    del described["corpora"]
    assert list(described) == [option.name for option in fields(TrainingOptions)]
    for option in fields(TrainingOptions):
        part = {key: value for key, value in described[option.name].items() if key != "description"}
        assert part == as_schema(option), option.name
        assert f"\n        {option.name}: " in TrainingOptions.__doc__


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 1000}, "samples is 1000: must be at least 1024"),
        ({"steps": 0}, "steps is 0: must be at least 1"),
        ({"batch": 1.5}, r"batch is 1\.5: must be a whole number"),
        ({"validation_share": 1.0}, r"validation_share is 1\.0: must be below 1"),
        ({"network": "paper"}, "network is 'paper'; allowed: code, text"),
    ],
)
def test_what_nothing_can_be_trained_with_is_refused(options, message):
    with pytest.raises(DapError, match=f"^{message}$"):
        TrainingOptions(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 0}, "iterations is 0: must be at least 1"),
        ({"iterations": 1.5}, r"iterations is 1\.5: must be a whole number"),
        ({"iterations": True}, "iterations is True: must be a whole number"),
        ({"learning_rate": 0}, "learning_rate is 0: must be above 0"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast': must be a number"),
        ({"learning_rate": float("nan")}, "learning_rate is nan: must be a finite number"),
        ({"width": 4.5}, r"width is 4\.5: must be at most 4"),
        ({"ema_decay": 1.0}, r"ema_decay is 1\.0: must be below 1"),
        ({"network": "paper"}, "network is 'paper'; allowed: code, text"),
        ({"scale_lr_by_width": 1}, "scale_lr_by_width is 1: must be true or false"),
        ({"snapshot_at": 3}, "snapshot_at is 3: must be a list of whole numbers"),
        ({"snapshot_at": [5, 0]}, "an iteration of snapshot_at is 0: must be at least 1"),
    ],
)
def test_what_no_fit_can_be_run_with_is_refused(options, message):
    with pytest.raises(DapError, match=f"^{message}$"):
        FitOptions(**options)
    with pytest.raises(DapError, match=f"^{message}$"):
        FitOptions.from_preset("fast", **options)


def test_presets():
    assert FitOptions.from_preset("paper") == FitOptions()
    fast = FitOptions.from_preset("fast")
    assert fast == replace(FitOptions(), **PRESETS["fast"])
    assert FitOptions.from_preset("fast", iterations=7) == replace(fast, iterations=7)
    assert FitOptions.from_study({"preset": "fast", "snapshot_at": [3]}).snapshot_at == (3,)
    with pytest.raises(DapError, match="preset is 'faster'; allowed: paper, fast"):
        FitOptions.from_preset("faster")
    with pytest.raises(DapError, match="rate is no option of a fit: there are iterations, "):
        FitOptions.from_preset("fast", rate=0.1)


def test_a_part_of_a_study_gets_its_preset_s_values():
    assert with_preset({"iterations": 5}) == {"iterations": 5}
    fast = with_preset({"preset": "fast", "iterations": 5})
    assert fast == {"preset": "fast", **PRESETS["fast"], "iterations": 5}
    # an experiment goes back from its study's
    paper = with_preset({"preset": "paper"})
    assert paper.keys() == fast.keys()
    assert (paper["iterations"], paper["initialisation"]) == (2000, "pytorch")


def test_the_rate_goes_with_the_width():
    fast = {"preset": "fast"}
    rates = {width: learning_rate(fast | {"width": width}) for width in (0.1, 0.25, 0.5, 1)}
    assert rates == pytest.approx({0.1: 0.006, 0.25: 0.006, 0.5: 0.003, 1: 0.0015})
    # the paper's does not, nor one that is asked for
    for rest in ({}, fast | {"learning_rate": 0.001}):
        assert learning_rate(rest | {"width": 0.5}) == 0.001


def test_the_order_of_a_preset_is_that_of_its_table():
    # Snakemake compares parameters as text, and a set has another order in each process
    fit = with_preset({"preset": "fast", "width": 0.5})
    assert list(fit) == [*PRESETS["fast"], "preset", "width"]
