"""A corruption's options, by the schema that its module declares."""

from pathlib import Path

import pytest

from dap.errors import DapError
from dap.plugins import Plugin
from dap.study.schema import corruption_options

OPTIONS = {
    "level": {"description": "Of the hum.", "type": "number", "minimum": 0, "default": 1},
    "range": {
        "type": "array",
        "items": {"type": "number"},
        "ascending": True,
        "default": [1, 2],
    },
    "shape": {"enum": ["sine", "square"]},
}


def complete(options=OPTIONS, all_of=None, **corruption):
    metadata = {"task": "denoise", "options": options} | ({"allOf": all_of} if all_of else {})
    plugin = Plugin("hum", "hum", Path.cwd() / "hum.py", metadata)
    return corruption_options("corruption", {"kind": "hum"} | corruption, plugin)


def test_defaults_are_filled_in_in_the_order_of_the_declaration():
    options = complete(shape="sine", level=3)
    assert options == {"level": 3, "range": [1, 2], "shape": "sine", "kind": "hum"}
    assert list(options) == ["level", "range", "shape", "kind"]
    options["range"].append(3)
    assert complete(shape="sine")["range"] == [1, 2]


@pytest.mark.parametrize(
    ("corruption", "message"),
    [
        ({}, "corruption: 'shape' is a required property"),
        ({"shape": "saw"}, "corruption.shape is 'saw'; allowed: sine, square"),
        (
            {"shape": "sine", "level": -1},
            "corruption.level: -1 is less than the minimum of 0 (Of the hum)",
        ),
        ({"shape": "sine", "range": [2, 1]}, "corruption.range: [2, 1] are not in ascending order"),
        ({"shape": "sine", "range": [2, 2]}, ""),
        ({"shape": "sine", "range": ["a", 1]}, "corruption.range.0: 'a' is not of type 'number'"),
        (
            {"shape": "sine", "levle": 1},
            "corruption: unknown key 'levle'; allowed: kind, level, range, shape",
        ),
    ],
)
def test_what_is_refused(corruption, message):
    if not message:
        assert complete(**corruption)["range"] == corruption["range"]
        return
    with pytest.raises(DapError) as refused:
        complete(**corruption)
    assert str(refused.value) == message


def test_conditions_on_several_options():
    square = {"properties": {"shape": {"const": "square"}}}
    all_of = [{"if": square, "then": {"properties": {"level": {"maximum": 1}}}}]
    assert complete(all_of=all_of, shape="sine", level=2)["level"] == 2
    with pytest.raises(DapError, match=r"corruption\.level: 2 is greater than the maximum of 1"):
        complete(all_of=all_of, shape="square", level=2)


def test_a_declaration_that_is_no_schema():
    with pytest.raises(
        DapError, match=r"^hum\.py: the options of hum are no JSON schema: properties\.level\.type"
    ):
        complete({"level": {"type": "nombre"}})
