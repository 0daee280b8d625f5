"""The study's YAML against its schema: what is allowed, and the defaults."""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from dap.errors import DapError, extra
from dap.options import with_preset
from dap.plugins import Plugin, shown

with extra("workflow"):
    import jsonschema
    import yaml

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
SCHEMA = Path(__file__).resolve().parent / "schema.yaml"


def load(path: Path) -> dict:
    """Read a study's YAML.

    Raises:
        DapError: it is not there, or not YAML.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise DapError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise DapError(f"{path}: holds no keys")
    return content


@cache
def schema() -> dict:
    """The study's JSON schema."""
    return load(SCHEMA)


def validated(config: dict) -> dict:
    """A copy of the configuration with every default filled in.

    Raises:
        DapError: for the first key that the schema does not allow.
    """
    config = copy.deepcopy(config)
    _name_presets(config)
    config = _typed(schema(), config)
    _raise_not_finite(config, "")
    _raise_first(jsonschema.Draft202012Validator(schema()), config, "")
    config["fit"] = with_preset(config.get("fit", {}))
    _fill(schema(), config)
    fit = jsonschema.Draft202012Validator(schema()["$defs"]["fit"])
    for name, entry in config["experiments"].items():
        # an override may be any part of `fit`, and must not bring defaults of its own
        where = f"experiments.{name}"
        _raise_first(fit, entry["fit"], f"{where}.fit")
        entry["fit"] = with_preset(entry["fit"])
        for method, override in entry["fits"].items():
            _raise_first(fit, override, f"{where}.fits.{method}")
            entry["fits"][method] = with_preset(override)
    return config


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


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"ascending": _ascending}
)


def _name_presets(config: dict) -> None:
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


def _typed(part: dict, value: Any) -> Any:
    """`value`, with numbers for text where the schema does not ask for text.

    Snakemake gives text for all that stands inside `--config 'fit={iterations: 500}'`, and YAML
    takes 1e-3 for text, too.
    """
    part = _resolved(part)
    if isinstance(value, dict):
        known, each = part.get("properties", {}), part.get("additionalProperties")
        rest = each if isinstance(each, dict) else {}
        return {key: _typed(known.get(key, rest), below) for key, below in value.items()}
    if isinstance(value, list):
        return [_typed(part.get("items", {}), below) for below in value]
    if not isinstance(value, str) or "string" in part.get("type", "") or "enum" in part:
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(value.lower(), value)


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
        raise DapError(
            f"{where} is {error.instance!r}; allowed: {', '.join(map(str, error.validator_value))}"
        )
    meaning = meanings.get(error.absolute_path[0]) if meanings and error.absolute_path else ""
    raise DapError(f"{where}: {error.message}" + (f" ({meaning})" if meaning else ""))


def raise_if_renamed(where: str, keys: Iterable[str]) -> None:
    """Refuse the keys of an earlier version by their new names.

    Raises:
        DapError: for the first of them.
    """
    for key in keys:
        if key in RENAMED:
            raise DapError(f"{where}: the key {key!r} is called {RENAMED[key]!r} now")


def _raise_not_finite(value: object, where: str) -> None:
    # .nan is neither above nor below any limit, so the schema lets it pass
    if isinstance(value, dict):
        for key, below in value.items():
            _raise_not_finite(below, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for below in value:
            _raise_not_finite(below, where)
    elif isinstance(value, float) and not math.isfinite(value):
        raise DapError(f"{where} is {value}: must be a finite number")


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
