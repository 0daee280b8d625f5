"""The types of the command's parameters: times of gaps, results, numbers, names of methods."""

import math
import os
import re
from typing import Any

import click
from click.shell_completion import CompletionItem

from dap.options import PRESETS, FitOptions, limits
from dap.plugins import plugins
from dap.restoration import choice


class Gap(click.ParamType):
    """Two times, "1.2-1.35" in seconds or "1:07.1-1:07.2" with minutes (and hours) before them."""

    name = "START-END"
    time = r"(?:(?:([0-9]+):)?([0-9]{1,2}):)?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
    times = re.compile(rf"\s*{time}\s*-\s*{time}\s*", re.ASCII)

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Text to numbers, in seconds."""
        if not (match := self.times.fullmatch(value)):
            self.fail(
                f"{value!r} is not START-END in seconds, such as 1.2-1.35, or with minutes, such "
                "as 1:07.1-1:07.2",
                param,
                ctx,
            )
        groups = match.groups()
        try:
            start, end = _seconds(*groups[:3]), _seconds(*groups[3:])
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        if end <= start:
            self.fail(f"{value!r} ends before it starts", param, ctx)
        return start, end


def _seconds(hours: str | None, minutes: str | None, seconds: str) -> float:
    """The parts of a time as one number."""
    if any(
        part and float(part) >= 60 for part in (minutes if hours else None, minutes and seconds)
    ):
        raise ValueError("what follows a colon has to be below 60")
    total = 3600 * float(hours or 0) + 60 * float(minutes or 0) + float(seconds)
    if math.isinf(total):
        raise ValueError("no recording lasts so long")
    return total


class Output(click.Path):
    """Where a result goes; "-" is standard output. No name at all is none."""

    def __init__(self) -> None:
        super().__init__(allow_dash=True, readable=False)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """A path that is not empty."""
        if not value:
            self.fail("an empty name: name a file or a folder, or leave it out", param, ctx)
        return super().convert(value, param, ctx)


class Finite(click.FloatRange):
    """A number of a range, infinity and NaN never."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Text to a number."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class MethodName(click.ParamType):
    """The name of one of `dap.methods`, which are looked for when they are needed, or "auto"."""

    name = "NAME"

    def names(self) -> list[str]:
        """Those that are allowed."""
        return [choice.AUTO, *(method.name for method in choice.methods())]

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name itself."""
        names = self.names()
        if value not in names:
            self.fail(f"{value!r} is not one of {', '.join(names)}", param, ctx)
        return value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin so."""
        return [CompletionItem(name) for name in self.names() if name.startswith(incomplete)]


class SeparatorName(MethodName):
    """The name of a method that separates, or "auto"."""

    def names(self) -> list[str]:
        """Those that are allowed."""
        return [choice.AUTO, *choice.separators()]


def option_range(name: str) -> Finite:
    """The values that an option of a fit may have, which is no whole number."""
    bounds = limits(name)
    return Finite(
        min=bounds.get("minimum", bounds.get("exclusiveMinimum")),
        max=bounds.get("maximum", bounds.get("exclusiveMaximum")),
        min_open="exclusiveMinimum" in bounds,
        max_open="exclusiveMaximum" in bounds,
    )


def preset_defaults(name: str) -> str:
    """What an option of a fit is in each preset, and of methods that say it, for the help."""
    fits = {preset: [FitOptions.from_preset(preset)] for preset in PRESETS}
    for method, offer in plugins("priors").items():
        own = offer.metadata.get("fit", {}).values()
        fits |= {method: list(map(FitOptions.from_study, own))} if own else {}
    places: dict[str, list[str]] = {}
    for place, options in fits.items():
        values = sorted({getattr(each, name) for each in options})
        places.setdefault(" or ".join(map(_as_text, values)), []).append(place)
    if len(places) == 1:
        return f"[default: {next(iter(places))}]"
    shown = (f"{value} ({', '.join(names)})" for value, names in places.items())
    return f"[default: {', '.join(shown)}]"


def _as_text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
