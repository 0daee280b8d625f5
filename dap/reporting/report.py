"""A study as one self-contained HTML page: what was run, tables, figures, sounds, claims."""

import base64
import hashlib
import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dap.errors import extra
from dap.reporting.figures.style import DPI
from dap.reporting.sounds import data_uri
from dap.reporting.verdicts import NOT_EXAMINED

with extra("report"):
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markdown_it import MarkdownIt
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
# in this order: each uses what is defined before
LISTENING = ("spectrogram.js", "player.js", "deck.js", "preferences.js", "blind.js", "listening.js")
CSS_DPI = 96
HEADING = 4  # level of the headings inside a table's Markdown, of which the first is its title


def render(
    *,
    title: str,
    study: str,
    opening: Mapping[str, Any],
    provenance: Mapping[str, Any],
    experiments: Sequence[Mapping[str, Any]],
    tables: Sequence[Mapping[str, Any]],
    figures: Sequence[Mapping[str, Any]],
    panels: Sequence[Mapping[str, Any]],
    sounds: str,
    claims: Sequence[Mapping[str, Any]],
    corpora: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
) -> str:
    """The page, as HTML that loads nothing: it contains images, sounds, styles and scripts.

    All text is escaped. A section without entries is left out. `provenance`, `experiments`,
    `corpora` and `claims` are printed as they are, keys as labels, so that new entries need no
    change here. Captions and notes may be missing. Without JavaScript, every sound has a player of
    its own, and tables cannot be sorted.

    Args:
        title: of the page.
        study: the study's name.
        opening: papers (`dap.reporting.opening.outcomes`), gains and rankings (sentences), picture
            (title and png_path, or None) and tables (grids of `dap.reporting.compact.papers`).
        provenance: commit, versions, device, machine, seconds spent, command.
        experiments: for each: name, task, corruption, corpora, methods, clips, iterations, width,
            seconds of audio: the keys become a table's columns.
        tables: for each: title, markdown, caption, and grids (`dap.reporting.compact.blocks`).
        figures: for each: title, png_path, caption.
        panels: what there is to listen to (`dap.reporting.panels.panels`).
        sounds: the digest of all sounds.
        claims: for each: claim, where, published, verdict, comparisons (a list of mappings).
        corpora: for each: title, stands_for, licence, clips padded.
        notes: caveats.

    Raises:
        OSError: a figure cannot be read.
    """
    environment = Environment(
        loader=PackageLoader("dap.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"capital": _capital, "label": _label, "number": _number}
    scripts = [_own("report.js"), *([_own(name) for name in LISTENING] if panels else [])]
    picture = opening["picture"]
    return environment.get_template("report.html.j2").render(
        title=title,
        study=study,
        opening={**opening, "picture": picture and picture | _image(Path(picture["png_path"]))},
        style=_own("report.css"),
        scripts=scripts,
        script_digests=[_csp_digest(script) for script in scripts],
        provenance=provenance,
        experiments=experiments,
        tables=[{**table, "html": markdown_html(table["markdown"])} for table in tables],
        figures=[{**figure, **_image(Path(figure["png_path"]))} for figure in figures],
        panels=panels,
        sounds=sounds,
        claims=claims,
        not_examined=NOT_EXAMINED,
        corpora=corpora,
        notes=[_inline(note) for note in notes],
    )


def caption(figure: Mapping[str, Any]) -> str:
    """The caption of one of the study's figures.

    Args:
        figure: the study's entry, with its kind and options.
    """
    kind = figure["kind"]
    if kind == "example":
        return (
            "One clip, drawn by the study's seed: the last iterate of each design. Levels are "
            "relative to the maximum of the clean spectrogram."
        )
    if kind == "steps":
        return (
            "One clip, drawn by the study's seed: the output of each network after the steps "
            "named. Levels are relative to the maximum of the clean spectrogram."
        )
    if kind == "statistics":
        return (
            "Mean power over spatial frequency of magnitude spectrograms, in all directions alike, "
            "and of waveforms; dashed, the power law of the legend's slope. Paper B shows natural "
            "images beside these, which are left out here."
        )
    against = {
        ("clean",): "the clean clips",
        ("observed",): "the observations",
    }.get(tuple(figure.get("against", ["clean"])), "the clean clips, and against the observations")
    text = (
        f"Quality of the iterates against {against}: mean over clips, with the 95 % interval where "
        "there are 5 clips or more; of 2 to 4, single clips as thin lines."
    )
    if "observed" in figure.get("against", []):
        text += " An iterate that equals the observation has fitted its noise, too."
    if figure.get("x") == "seconds":
        text += " Seconds are an iteration's median over the fits, times the iterations."
    return text


def markdown_html(text: str) -> Markup:
    """CommonMark with tables as HTML; raw HTML in it is escaped, images are not loaded."""
    parser = _commonmark().enable("table")
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, HEADING + max(0, int(token.tag[1]) - 2))}"
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def _inline(text: str) -> Markup:
    """A line of CommonMark."""
    return Markup(_commonmark().renderInline(text))


def _commonmark() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).disable("image")


def _open_table(*_: object) -> str:
    return '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>\n'


def _close_table(*_: object) -> str:
    return "</table></div>\n"


def _image(path: Path) -> dict[str, Any]:
    """The PNG as a data URI, and its size in CSS pixels, at which 9 pt of the figure are 9 pt."""
    content = path.read_bytes()
    # a PNG's header holds its width and height as two big-endian integers from byte 16
    width, height = (round(side * CSS_DPI / DPI) for side in struct.unpack(">II", content[16:24]))
    return {"image": data_uri("image/png", content), "width": width, "height": height}


def _own(name: str) -> Markup:
    """A style or script of the templates' folder, to stand in its element as it is."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def _csp_digest(script: str) -> str:
    """What a Content-Security-Policy calls the one inline script that may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}"


def _label(key: str) -> str:
    """A key as a label: stands_for becomes "Stands for"."""
    return _capital(str(key).replace("_", " "))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _number(value: float) -> str:
    """Four significant digits, and at least all those before the point."""
    if not math.isfinite(value):
        return "not defined" if math.isnan(value) else f"{value:+}"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"
