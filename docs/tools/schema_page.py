"""The page of a study's keys: tables made of dap/study/schema.yaml and of the corruptions."""

import json
from collections.abc import Iterator
from typing import Any

from dap.plugins import plugins
from dap.study.schema import schema

HEADING = "| key | values | default | meaning |\n| --- | --- | --- | --- |"
LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}


def page() -> str:
    """The page in Markdown."""
    whole = schema()
    parts = [
        "# The keys of a study",
        whole["description"],
        "Every table is made from [dap/study/schema.yaml](../dap/study/schema.yaml), by which "
        "studies are checked. A key with a dot is one below another.",
        "## A study",
        table(whole),
    ]
    for name, part in whole["$defs"].items():
        parts += [f"## {name}", part.get("description", "")]
        parts += [table(part)] if part.get("properties") else []
    parts += ["## Corruptions", "The options of each kind, beside `kind` itself."]
    for name, offer in sorted(plugins("corruptions").items()):
        options = offer.metadata["options"]
        parts += [f"### {name}", f"Of the task `{offer.metadata['task']}`."]
        required = [key for key, option in options.items() if "default" not in option]
        parts += [table({"properties": options, "required": required})] if options else []
    return "\n\n".join(filter(None, parts)) + "\n"


def table(part: dict) -> str:
    """The properties of a schema's object, those below them included."""
    return "\n".join([HEADING, *rows(part, "")])


def rows(part: dict, above: str) -> Iterator[str]:
    """A row for each property."""
    for key, below in part["properties"].items():
        needed = key in part.get("required", [])
        default = "needed" if needed else _value(below["default"]) if "default" in below else ""
        cells = [f"`{above}{key}`", values(below), default, below.get("description", "")]
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"
        if "properties" in below:
            yield from rows(below, f"{above}{key}.")


def values(part: dict) -> str:
    """What is allowed, in words."""
    if "$ref" in part:
        return _link(part["$ref"])
    if "enum" in part:
        return ", ".join(_value(value) for value in part["enum"])
    kinds = part.get("type", "any")
    text = " or ".join(kinds) if isinstance(kinds, list) else kinds
    limits = [words.format(part[key]) for key, words in LIMITS.items() if key in part]
    for key, joint in (("items", "of"), ("additionalProperties", "by name, of")):
        if isinstance(part.get(key), dict):
            text += f" {joint} {values(part[key])}"
    return ", ".join([text, *limits])


def _link(reference: str) -> str:
    name = reference.rpartition("/")[2]
    return f"[{name}](#{name})"


def _value(value: Any) -> str:
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
