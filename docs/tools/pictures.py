"""Draws docs/pictures/*.svg from the code's own parameters: `python docs/tools/pictures.py`.

Plain SVG, equal to the byte on every machine, so that a test sees when a picture is out of date.
"""

import sys
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from dap.nn.dilated_unet import Layout, layout, receptive_field  # noqa: E402
from dap.nn.harmonic_conv import positions  # noqa: E402
from dap.nn.harmonic_unet import KERNEL  # noqa: E402
from dap.plugins import plugin  # noqa: E402

FOLDER = ROOT / "docs" / "pictures"
DESIGNS = ("conv", "dilated", "dilated-exp", "dilated-exp-dense")  # of A's Figure 1
INK, PALE, BLUE, RED, GREY = "#222222", "#ffffff", "#3b6ea5", "#b5482f", "#8a8a8a"


class Drawing:
    """An SVG of a size in pixels."""

    def __init__(self, width: int, height: int):
        self.size = (width, height)
        self.parts: list[str] = []

    def add(self, tag: str, content: str = "", **attributes: object) -> None:
        """An element; underscores in names are hyphens."""
        pairs = (f'{name.replace("_", "-")}="{value}"' for name, value in attributes.items())
        opening = f"<{tag} {' '.join(pairs)}"
        self.parts.append(f"{opening}>{content}</{tag}>" if content else f"{opening}/>")

    def text(self, x: float, y: float, text: str, **attributes: object) -> None:
        """A line of text, its middle at x."""
        style = {"text_anchor": "middle", "fill": INK, "font_size": 13} | attributes
        self.add("text", escape(text), x=round(x, 1), y=round(y, 1), **style)

    def box(self, x: float, y: float, width: float, height: float, **attributes: object) -> None:
        """A box, by its upper left corner."""
        style = {"rx": 4, "fill": PALE, "stroke": INK} | attributes
        place = {"x": x, "y": y, "width": width, "height": height}
        self.add("rect", **{key: round(value, 1) for key, value in place.items()}, **style)

    def line(self, x1: float, y1: float, x2: float, y2: float, **attributes: object) -> None:
        """A line."""
        ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        style = {"stroke": INK} | attributes
        self.add("line", **{key: round(value, 1) for key, value in ends.items()}, **style)

    def arrow(self, x1: float, y1: float, x2: float, y2: float, **attributes: object) -> None:
        """A line with a head."""
        self.line(x1, y1, x2, y2, marker_end="url(#head)", **attributes)

    def svg(self, title: str) -> str:
        """The file's content."""
        width, height = self.size
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" role="img">\n'
            f"<title>{escape(title)}</title>\n"
            '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{INK}"/></marker>'
            f'</defs>\n<rect width="{width}" height="{height}" fill="{PALE}"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )


def designs() -> str:
    """Paper A's Figure 1: the designs, each with filters and dilations of its ten convolutions."""
    each = 196
    drawing = Drawing(900, 30 + each * len(DESIGNS))
    for index, name in enumerate(DESIGNS):
        declared = plugin("priors", name)
        keywords = declared.load().build.keywords
        shape = layout("code", 1.0, keywords["dilation"])
        net = declared.load().build(width=1.0, network="code")
        parameters = sum(parameter.numel() for parameter in net.parameters())
        _design(drawing, 20 + each * index, name, shape, keywords["dense"])
        field = seen(shape)
        drawing.text(
            450,
            20 + each * index + 176,
            f"{parameters:,} parameters; an output bin depends on {field} input bins",
            fill=GREY,
        )
    return drawing.svg("Paper A's designs: dilations and filters of each convolution")


def seen(shape: Layout) -> int:
    """How many input rows one output row depends on, at most."""
    spans = [receptive_field(shape, index) for index in range(1024, 1028)]
    return max(last - first + 1 for first, last in spans)


def _design(drawing: Drawing, top: float, name: str, shape: Layout, dense: bool) -> None:
    width, height, step = 50, 30, 176
    drawing.text(20, top + 16, name, text_anchor="start", font_size=16, font_weight="bold")
    places = []
    for index, (block, level) in enumerate(zip(shape.blocks(), (0, 1, 2, 1, 0), strict=True)):
        x, y = 30 + step * index, top + 28 + 42 * level
        places.append((x, y))
        drawing.box(x - 6, y - 6, 2 * width + 34, height + 12, stroke=GREY, stroke_dasharray="3 3")
        for half, (filters, dilation) in enumerate(zip(block.filters, block.dilation, strict=True)):
            left = x + half * (width + 22)
            # the wider the dilation, the darker
            shade = 0.12 + 0.16 * (dilation.bit_length() - 1)
            drawing.box(left, y, width, height, fill=BLUE, fill_opacity=round(shade, 2))
            ink = PALE if shade > 0.6 else INK
            drawing.text(left + width / 2, y + 14, f"d = {dilation}", font_size=12, fill=ink)
            drawing.text(left + width / 2, y + 26, f"{filters}", font_size=11, fill=ink)
        drawing.arrow(x + width, y + height / 2, x + width + 22, y + height / 2)
        if dense:
            middle, up = x + width + 11, y - 14
            drawing.add(
                "path",
                d=f"M{x - 6} {y + 8} Q{middle} {up - 12} {x + 2 * width + 28} {y + 8}",
                fill="none",
                stroke=RED,
                stroke_width=1.5,
            )
    for (x1, y1), (x2, y2) in pairwise(places):
        drawing.arrow(x1 + 128, y1 + height / 2, x2 - 6, y2 + height / 2)
    for first, last in ((0, 4), (1, 3)):  # skips
        (x1, y1), (x2, _) = places[first], places[last]
        drawing.arrow(x1 + 128, y1 + 4, x2 - 6, y1 + 4, stroke=GREY, stroke_dasharray="6 4")
    if dense:
        drawing.text(
            880,
            top - 4,
            "red: each convolution also sees what came before it in its block",
            text_anchor="end",
            fill=RED,
            font_size=12,
        )


def reads(anchors: int, bins: int, bin_: int) -> Iterator[tuple[int, int, int, float]]:
    """Anchor, harmonic, bin that is read and weight, for one bin of the output."""
    for n, w, k, read, weight in positions(bins, KERNEL, anchors):
        if w == bin_:
            yield n + 1, k + 1, read, weight


def harmonic() -> str:
    """What one output bin reads: regular, dilated and harmonic convolution along frequency."""
    bins, bin_, dilation = 64, 12, plugin("priors", "dilated7").load().build.keywords["dilation"]
    drawing = Drawing(900, 470)
    columns: list[tuple[str, list[tuple[float, float]]]] = [
        ("regular", [(bin_ + k, 1.0) for k in range(-(KERNEL // 2), KERNEL // 2 + 1)]),
        (
            f"dilation {dilation}",
            [(bin_ + dilation * k, 1.0) for k in range(-(KERNEL // 2), KERNEL // 2 + 1)],
        ),
    ]
    for anchor in range(1, KERNEL + 1):
        read = [(q, weight) for n, _, q, weight in reads(KERNEL, bins, bin_) if n == anchor]
        columns.append((f"n = {anchor}", read))

    def height(index: float) -> float:
        return 420 - 5.6 * index

    drawing.text(16, 20, "bin that is read", text_anchor="start", font_size=12, fill=GREY)
    for index in range(0, bins, 12):
        label = f"{index // bin_} w" if index else "0"
        drawing.text(40, height(index) + 4, label, font_size=12)
        drawing.line(58, height(index), 880, height(index), stroke="#dddddd")
    for index, (title, read) in enumerate(columns):
        x = 110 + 90 * index
        drawing.line(x, height(0), x, height(bins - 1), stroke=GREY)
        for q, weight in read:
            colour = BLUE if index < 2 else RED
            opacity = round(weight, 2)
            drawing.add(
                "circle", cx=x, cy=round(height(q), 1), r=5, fill=colour, fill_opacity=opacity,
                stroke=colour,
            )  # fmt: skip
        drawing.text(x, 442, title, font_size=13)
    drawing.line(64, height(bin_), 880, height(bin_), stroke=INK, stroke_dasharray="2 4")
    drawing.text(155, 462, f"w - {KERNEL // 2} ... w + {KERNEL // 2}", font_size=12, fill=BLUE)
    drawing.text(
        560,
        462,
        f"harmonic: k w / n for k = 1 ... {KERNEL}; pale dots share a position between two bins",
        font_size=12,
        fill=RED,
    )
    return drawing.svg("What one bin of the output reads, by kind of convolution")


Places = dict[str, tuple[int, int]]
Arrows = list[tuple[str, str, str]]  # from, to, what makes it

PIPELINE: Places = {
    "corpora": (70, 60), "clips": (230, 60), "observations": (430, 60), "fits": (620, 60),
    "scores": (620, 170), "tables, figures": (430, 170), "report": (230, 170),
}  # fmt: skip
RULES: Arrows = [
    ("corpora", "clips", "clips"),
    ("clips", "observations", "observations"),
    ("observations", "fits", "fit, baseline"),
    ("fits", "scores", "score"),
    ("scores", "tables, figures", ""),
    ("tables, figures", "report", "report"),
]
TRAINING: Places = {
    "clips": (70, 60), "models": (260, 60), "cards": (450, 60),
    "observations": (70, 150), "fits": (260, 150), "scores": (450, 150),
}  # fmt: skip
TRAINING_RULES: Arrows = [
    ("clips", "models", "train"),
    ("models", "cards", "card"),
    ("models", "fits", "separate"),
    ("observations", "fits", ""),
    ("fits", "scores", "score"),
    ("scores", "cards", ""),
]


def pipeline() -> str:
    """The way of the data: boxes are products, arrows are rules."""
    drawing = Drawing(720, 220)
    drawing.add(
        "path", d="M230 76 C 260 130 500 110 580 154", fill="none", stroke=RED,
        stroke_dasharray="5 4", marker_end="url(#head)",
    )  # fmt: skip
    drawing.text(310, 142, "the clean clip, for scores alone", font_size=11, fill=RED)
    _flow(drawing, PIPELINE, RULES)
    return drawing.svg("The way of the data, from corpora to the report")


def training() -> str:
    """How an experiment that trains makes its estimates."""
    drawing = Drawing(540, 190)
    _flow(drawing, TRAINING, TRAINING_RULES)
    return drawing.svg("Trained models in a study")


def _flow(drawing: Drawing, places: Places, arrows: Arrows) -> None:
    half = {name: 12 + 4 * len(name) for name in places}
    for start, end, rule in arrows:
        (x1, y1), (x2, y2) = places[start], places[end]
        if y1 == y2:
            sign = 1 if x2 > x1 else -1
            left, right = x1 + sign * half[start], x2 - sign * half[end]
            drawing.arrow(left, y1, right, y2)
            drawing.text((left + right) / 2, y1 - 8, rule, font_size=11, fill=GREY)
        else:
            sign = 1 if y2 > y1 else -1
            drawing.arrow(x1, y1 + sign * 16, x2, y2 - sign * 16)
            drawing.text(
                x1 + 8, (y1 + y2) / 2 + 4, rule, font_size=11, fill=GREY, text_anchor="start"
            )
    for name, (x, y) in places.items():
        drawing.box(x - half[name], y - 16, 2 * half[name], 32, fill="#e9f0f7")
        drawing.text(x, y + 4, name)


PICTURES = {"designs": designs, "harmonic": harmonic, "pipeline": pipeline, "training": training}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw(), encoding="utf-8")
