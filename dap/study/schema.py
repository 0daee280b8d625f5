"""The study's YAML against its schema: what is allowed, and the defaults."""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from dap.errors import DapError, extra
from dap.options import with_preset
from dap.plugin_literals import shown
from dap.plugins import Plugin
from dap.study.yaml_file import load

with extra("workflow"):
    import jsonschema

# keys of earlier versions, and what they are called now
RENAMED = {
    "rate_by_width": "scale_lr_by_width",
    "step_every": "lr_step_size",
    "step_factor": "lr_gamma",
    "warm_up": "warmup",
    "anneal": "cooldown",
    "average_decay": "ema_decay",
    "quantiser": "quantizer",
}
MOST_EXACT = 2**53  # up to here a float says which whole number it is
BOUND = 2**64  # of whole numbers
MOST_SHOWN = 200  # characters of a message: a value may be a whole part of the study
MOST_LEVELS = 30  # of keys below keys; a study has 7
SCHEMA = Path(__file__).resolve().parent / "schema.yaml"


@cache
def schema() -> dict:
    """The study's JSON schema."""
    return load(SCHEMA)


def as_written(entries: Iterable[str]) -> dict[str, str]:
    """The keys of text among those of `--config`, as they were written.

    Snakemake reads these as YAML, too: a number for a folder named 2021, a mapping for {x}, and
    nothing behind " #".

    Args:
        entries: such as "recordings=PATH". One in quotes is left to Snakemake.
    """
    properties = schema()["properties"]
    texts = {}
    for key, _, text in (entry.partition("=") for entry in entries):
        quoted = text[:1] in ("'", '"') and text[-1:] == text[:1]
        if text and not quoted and "string" in properties.get(key, {}).get("type", ""):
            texts[key] = text
    return texts


def validated(config: dict) -> dict:
    """A copy of the configuration with every default filled in, and numbers for text.

    A corruption is left as it is, since a plugin says what its options are (`typed_corruption`).

    Raises:
        DapError: for the first key that the schema does not allow.
    """
    _raise_unusable(config, "")
    config = copy.deepcopy(config)
    name_presets(config)
    config = _typed(schema(), config)
    _raise_unbounded(config, "")
    _raise_first(_Validator(schema()), config, "")
    config["fit"] = with_preset(config.get("fit", {}))
    _fill(schema(), config)
    fit = _Validator(schema()["$defs"]["fit"])
    for name, entry in config["experiments"].items():
        # an override may be any part of `fit`, and must not bring defaults of its own
        where = f"experiments.{name}"
        _raise_first(fit, entry["fit"], f"{where}.fit")
        entry["fit"] = with_preset(entry["fit"])
        for method, override in entry["fits"].items():
            _raise_first(fit, override, f"{where}.fits.{method}")
            entry["fits"][method] = with_preset(override)
    return config


def typed_corruption(where: str, corruption: dict, plugin: Plugin) -> dict:
    """A corruption's kind and some of its options, with numbers for text (`validated`).

    Args:
        where, corruption, plugin: as for `corruption_options`.

    Raises:
        DapError: for a number that is not finite, or too large.
    """
    kind = {"kind": {"type": "string"}}
    corruption = _typed({"properties": kind | plugin.metadata["options"]}, corruption)
    _raise_unbounded(corruption, where)
    return corruption


def corruption_options(where: str, corruption: dict, plugin: Plugin) -> dict:
    """A corruption's kind and all of its options, from some of them.

    Args:
        where: the key of the study that has it, for messages.
        corruption: kind, and options.
        plugin: what declares the options (`dap.data.corruptions`).

    Raises:
        DapError: for the first option that is not declared, or whose value is not allowed; or the
            declaration is no JSON schema.
    """
    options = plugin.metadata["options"]
    part = {
        "type": "object",
        "properties": {"kind": {"type": "string"}, **options},
        "required": [key for key, option in options.items() if "default" not in option],
        "additionalProperties": False,
        "allOf": plugin.metadata.get("allOf", [True]),
    }
    try:
        _Validator.check_schema(part)
    except jsonschema.SchemaError as error:
        raise DapError(
            f"{shown(plugin.path)}: the options of {plugin.name} are no JSON schema: "
            f"{'.'.join(map(str, error.path))}: {error.message}"
        ) from error
    defaults = {key: option["default"] for key, option in options.items() if "default" in option}
    complete = copy.deepcopy(defaults) | corruption
    meanings = {key: option.get("description", "").rstrip(".") for key, option in options.items()}
    _raise_first(_Validator(part), complete, where, meanings)
    # in the order in which they are declared
    return {key: complete[key] for key in (*options, "kind")}


def _ascending(validator: object, ascending: bool, value: object, part: dict) -> Iterator:
    """The keyword `ascending`: numbers that do not fall from one to the next."""
    numbers = value if isinstance(value, list) else []
    comparable = all(isinstance(item, int | float) for item in numbers)
    if ascending and comparable and sorted(numbers) != numbers:
        yield jsonschema.ValidationError(f"{value!r} are not in ascending order")


def _is_whole(checker: object, value: object) -> bool:
    """Whether a value is an integer; a float that is whole is one after `_typed`, if exact."""
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"ascending": _ascending},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole),
)


def name_presets(config: dict) -> None:
    """`fit: fast` is short for `fit: {preset: fast}`."""
    entries = config.get("experiments")
    entries = entries.values() if isinstance(entries, dict) else ()
    for entry in (config, *entries):
        if not isinstance(entry, dict):
            continue
        if isinstance(entry.get("fit"), str):
            entry["fit"] = {"preset": entry["fit"]}
        if isinstance(entry.get("fits"), dict):
            entry["fits"] = {
                method: {"preset": override} if isinstance(override, str) else override
                for method, override in entry["fits"].items()
            }


def _typed(part: dict | None, value: Any) -> Any:
    """`value`, with numbers for text where the schema does not ask for text.

    Snakemake gives text for all that stands inside `--config 'fit={iterations: 500}'`, and YAML
    takes 1e-3 for text, too. Where a whole number is asked for, 1.0 and 1e1 are such.

    Args:
        part: the schema of it; None where there is none, which changes nothing.
    """
    if part is None:
        return value
    part = _resolved({"$ref": "fit"} if part.get("$ref") == "#/$defs/fit_override" else part)
    if isinstance(value, dict):
        known, each = part.get("properties", {}), part.get("additionalProperties")
        rest = each if isinstance(each, dict) else None
        return {key: _typed(known.get(key, rest), below) for key, below in value.items()}
    if isinstance(value, list):
        return [_typed(part.get("items", {}), below) for below in value]
    kinds = part.get("type", [])
    if isinstance(value, str) and not ("string" in kinds or "enum" in part):
        value = _number_or_truth(value)
    whole = isinstance(value, float) and value.is_integer() and abs(value) <= MOST_EXACT
    return int(value) if whole and "integer" in kinds and "number" not in kinds else value


def _number_or_truth(text: str) -> int | float | bool | str:
    """What a text says, if it is a number or a truth value."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def _resolved(part: dict) -> dict:
    return schema()["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part


def _raise_first(
    validator: jsonschema.Draft202012Validator,
    config: dict,
    root: str,
    meanings: Mapping[str, str] | None = None,
) -> None:
    """Refuse the first thing that is wrong; `meanings` of keys, if any, go with the message."""
    errors = sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))
    if not errors:
        return
    error = errors[0]
    where = ".".join(filter(None, [root, *map(str, error.absolute_path)])) or "the study"
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(allowed))
        raise_if_renamed(where, unknown)
        raise DapError(
            f"{where}: unknown key {', '.join(map(repr, unknown))}; allowed: {', '.join(allowed)}"
        )
    if error.validator == "enum":
        choices = ", ".join(map(str, error.validator_value))
        raise DapError(f"{where} is {_shortened(repr(error.instance))}; allowed: {choices}")
    message = _shortened(error.message)
    if error.validator == "type" and "string" in error.validator_value:
        scalar = error.instance is not None and not isinstance(error.instance, dict | list)
        message += ": put it in quotes" if scalar else ""
    meaning = meanings.get(error.absolute_path[0]) if meanings and error.absolute_path else ""
    raise DapError(f"{where}: {message}" + (f" ({meaning})" if meaning else ""))


def _shortened(message: str) -> str:
    if len(message) <= MOST_SHOWN:
        return message
    return f"{message[: MOST_SHOWN // 2]} ... {message[-MOST_SHOWN // 2 :]}"


def raise_if_renamed(where: str, keys: Iterable[str]) -> None:
    """Refuse the keys of an earlier version by their new names.

    Raises:
        DapError: for the first of them.
    """
    for key in keys:
        if key in RENAMED:
            raise DapError(f"{where}: the key {key!r} is called {RENAMED[key]!r} now")


def _raise_unusable(value: object, where: str, depth: int = 0) -> None:
    """Refuse what no key of a study can be, and what could not even be named in a message."""
    if depth > MOST_LEVELS:
        raise DapError(f"{where.partition('.')[0]}: is nested too deeply")
    if isinstance(value, str):
        _raise_no_text(value, where)
    elif isinstance(value, dict):
        part = where or "the study"
        for key, below in value.items():
            if not isinstance(key, str):
                raise DapError(f"{part}: the key {key} is no text: put it in quotes")
            _raise_no_text(key, part)
            if not key.isprintable():
                raise DapError(
                    f"{part}: the key {_shortened(ascii(key))} has unprintable characters"
                )
            _raise_unusable(below, f"{where}.{key}".lstrip("."), depth + 1)
    elif isinstance(value, list):
        for below in value:
            _raise_unusable(below, where, depth + 1)


def _raise_no_text(text: str, where: str) -> None:
    for character in text:
        # half of a pair of UTF-16, by an escape, or a byte of another encoding, by a shell
        if "\ud800" <= character <= "\udfff":
            raise DapError(f"{where}: {_shortened(ascii(text))} is no text: it must be UTF-8")
        if character < " " and character not in "\t\n":
            raise DapError(
                f"{where}: {_shortened(ascii(text))} has the control character {character!a}: "
                "remove it"
            )


def _raise_unbounded(value: object, where: str) -> None:
    # .nan is neither above nor below any limit, so the schema lets it pass
    if isinstance(value, dict):
        for key, below in value.items():
            _raise_unbounded(below, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for below in value:
            _raise_unbounded(below, where)
    elif isinstance(value, float) and not math.isfinite(value):
        raise DapError(f"{where} is {value}: must be a finite number")
    elif isinstance(value, int) and abs(value) >= BOUND:
        raise DapError(f"{where} is a number of {value.bit_length()} bits: must be below 2^64")


def _fill(part: dict, value: dict) -> None:
    """Set the defaults of one schema's properties, and of all below them."""
    part = _resolved(part)
    for key, below in part.get("properties", {}).items():
        if "default" in below:
            value.setdefault(key, copy.deepcopy(below["default"]))
        if isinstance(value.get(key), dict):
            _fill(below, value[key])
        if isinstance(value.get(key), list) and isinstance(below.get("items"), dict):
            for item in value[key]:
                if isinstance(item, dict):
                    _fill(below["items"], item)
    each = part.get("additionalProperties")
    if isinstance(each, dict):
        for key in value:
            if key not in part.get("properties", {}) and isinstance(value[key], dict):
                _fill(each, value[key])
