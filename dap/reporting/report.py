"""A study as one self-contained HTML page: what was run, tables, figures, sounds, claims."""

import base64
import io
import math
import struct
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from dap.errors import extra
from dap.reporting.figures.style import DPI

with extra("report"):
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markdown_it import MarkdownIt
    from markupsafe import Markup

CSS_DPI = 96
HEADING = 3  # level of a table's title; headings inside its Markdown are below it


def render(
    *,
    title: str,
    study: str,
    provenance: Mapping[str, Any],
    experiments: Sequence[Mapping[str, Any]],
    tables: Sequence[Mapping[str, Any]],
    figures: Sequence[Mapping[str, Any]],
    examples: Sequence[Mapping[str, Any]],
    claims: Sequence[Mapping[str, Any]],
    corpora: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
) -> str:
    """The page, as HTML that loads nothing: it contains the images and sounds.

    All text is escaped. A section without entries is left out. `provenance`, `experiments`,
    `corpora` and `claims` are printed as they are, keys as labels, so that new entries need no
    change here. Captions and notes may be missing.

    Args:
        title: of the page.
        study: the study's name.
        provenance: commit, versions, device, machine, seconds spent, command.
        experiments: for each: name, task, corruption, corpora, methods, clips, iterations, width,
            seconds of audio: the keys become a table's columns.
        tables: for each: title, markdown, caption.
        figures: for each: title, png_path, caption.
        examples: for each: title, and items with label, audio (see `audio_uri`) and note; in
            separation also source, by which they are grouped as they come.
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
    environment.filters |= {"label": _label, "number": _number}
    return environment.get_template("report.html.j2").render(
        title=title,
        study=study,
        provenance=provenance,
        experiments=experiments,
        tables=[{**table, "html": markdown_html(table["markdown"])} for table in tables],
        figures=[{**figure, **_image(Path(figure["png_path"]))} for figure in figures],
        examples=[{**example, "groups": _by_source(example["items"])} for example in examples],
        claims=claims,
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
        return "One clip, drawn by the study's seed: the last iterate of each design."
    if kind == "steps":
        return (
            "One clip, drawn by the study's seed: the output of each network after the steps named."
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


def audio_uri(signal: np.ndarray, sample_rate: int) -> str:
    """A 16-bit WAV file as a data URI, for the src of an audio element.

    Levels stay as they are, so that sounds can be compared; what exceeds [-1, 1] is clipped.

    Args:
        signal: (samples,).
        sample_rate: in Hz.

    Raises:
        ValueError: the signal is not of one dimension, or not finite.
    """
    signal = np.asarray(signal, np.float64)
    if signal.ndim != 1 or not np.isfinite(signal).all():
        raise ValueError(f"expected finite samples of shape (samples,), not {signal.shape}")
    # rounded here: libsndfile scales floats by 32767, which would change the level a little
    quantized = np.clip(np.rint(signal * 32768), -32768, 32767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, quantized, sample_rate, format="WAV", subtype="PCM_16")
    return _data_uri("audio/wav", file.getvalue())


def markdown_html(text: str) -> Markup:
    """CommonMark with tables as HTML; raw HTML in it is escaped, images are not loaded."""
    parser = _commonmark().enable("table")
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, HEADING + int(token.tag[1]))}"
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def _inline(text: str) -> Markup:
    """A line of CommonMark."""
    return Markup(_commonmark().renderInline(text))


def _commonmark() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).disable("image")


def _open_table(*_: object) -> str:
    return '<div class="scroll"><table>\n'


def _close_table(*_: object) -> str:
    return "</table></div>\n"


def _image(path: Path) -> dict[str, Any]:
    """The PNG as a data URI, and its size in CSS pixels, at which 9 pt of the figure are 9 pt."""
    content = path.read_bytes()
    # a PNG's header holds its width and height as two big-endian integers from byte 16
    width, height = (round(side * CSS_DPI / DPI) for side in struct.unpack(">II", content[16:24]))
    return {"image": _data_uri("image/png", content), "width": width, "height": height}


def _by_source(items: Sequence[Mapping[str, Any]]) -> list[tuple[str | None, list[Mapping]]]:
    groups = groupby(items, lambda item: item.get("source"))
    return [(source, list(group)) for source, group in groups]


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _label(key: str) -> str:
    """A key as a label: stands_for becomes "Stands for"."""
    text = str(key).replace("_", " ")
    return text[:1].upper() + text[1:]


def _number(value: float) -> str:
    """Four significant digits, and at least all those before the point."""
    if not math.isfinite(value):
        return "not defined" if math.isnan(value) else f"{value:+}"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"
