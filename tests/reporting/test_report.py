"""The page holds all that it is given, escaped, and loads nothing."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from dap.reporting import report
from dap.reporting.verdicts import NOT_EXAMINED

HOSTILE = "<script>alert('x')</script><img src=\"https://example.org/a.png\" onerror=x>"
MARKDOWN = f"""# SNR

| corpus | SNR (dB) |
| :-- | --: |
| {HOSTILE} | **9.80 ± 1.20** |

![picture](https://example.org/b.png)
"""


class Elements(HTMLParser):
    """Every element's name and attributes."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(scope="module")
def sections(tmp_path_factory) -> dict:
    png = tmp_path_factory.mktemp("figures") / "curve.png"
    Figure(figsize=(2, 1)).savefig(png, dpi=200)
    versions = [
        {"label": label, "kind": "method", "gain_db": -1.25, "audio": "data:audio/flac;base64,AA=="}
        for label in ("clean", "observed", "conv")
    ]
    clip = {"corpus": "a+b", "clip": "c3", "gaps": [(0.25, 0.5)], "versions": versions}
    clips = [
        clip | {"source": source, "title": f"Clip 3, {source}"} for source in ("piano", "drums")
    ]
    grid = {
        "caption": "Corpus <a>, n = 10 clips",
        "groups": [],
        "columns": [{"title": "SNR (dB)", "arrow": "↑", "direction": "higher is better",
                     "above": ""}],
        "rows": [
            {"method": "observed", "cells": [None]},
            {"method": "conv", "cells": [
                {"text": "9.80 ± 1.20", "value": 9.8, "mark": "better", "published": "8.15"},
            ]},
        ],
        "legend": "Means.",
        "published": True,
    }  # fmt: skip
    comparison = {"difference": "dilated - conv", "mean": 1.23456, "low": float("nan"), "n": 12}
    return {
        "title": "Deep audio priors",
        "study": "small",
        "provenance": {"commit": "abc+changes", "versions": {"torch": "2.9"}, "seconds": 1234.5},
        "experiments": [
            {"name": "denoise-gaussian", "methods": ["observed", "conv"], "clips": 10},
            {"name": "inpaint", "methods": [], "width": 35},
        ],
        "tables": [
            {
                "title": "Table 1: denoising",
                "markdown": MARKDOWN,
                "caption": "Means.",
                "grids": [grid],
            },
            {"title": "Table 2: separation", "markdown": "| a |\n|---|\n| 1 |\n"},
        ],
        "figures": [{"title": "SNR & iteration", "png_path": png, "caption": "Band: 95 %."}],
        "panels": [
            {
                "name": "e",
                "title": "Experiment E",
                "sample_rate": 8000,
                "clips": clips,
                "left_out": 2,
            }
        ],
        "sounds": "f00d",
        "opening": {
            "papers": [
                {
                    "sentence": "Of the 5 claims of paper A, this study examines 1.",
                    "claims": [
                        {
                            "outcome": "reproduced",
                            "claim": "dilation helps",
                            "verdict": "order reproduced in 1 of 1",
                        }
                    ],
                }
            ],
            "gains": ["Denoising: conv gains most."],
            "rankings": ["Table 1: the order of paper A."],
            "picture": {"title": "Gains", "png_path": png},
            "tables": [grid | {"caption": "Methods and results of paper A"}],
        },
        "claims": [
            {
                "claim": "dilation helps",
                "where": "section 4.1",
                "published": None,
                "verdict": "not significant",
                "outcome": "not resolved by this run",
                "comparisons": [comparison],
                "complexity": ["conv has 1,092,912 parameters and takes 0.8 s an iteration", "b"],
            },
            {
                "claim": "anchors help",
                "where": "Figure 4",
                "published": None,
                "to_report": "curves",
                "verdict": NOT_EXAMINED,
                "outcome": NOT_EXAMINED,
            },
        ],
        "corpora": [{"title": HOSTILE, "stands_for": None, "licence": "CC0", "clips_padded": 0}],
        "notes": ["Ten clips only.", HOSTILE],
    }


@pytest.fixture(scope="module")
def page(sections) -> str:
    return report.render(**sections)


def test_page_loads_nothing(page):
    elements = Elements(page)
    names = {tag for tag, _ in elements.tags}
    assert not names & {"link", "iframe", "object", "embed", "base", "svg"}
    for tag, attributes in elements.tags:
        assert not any(name.startswith("on") for name in attributes)
        if tag != "a":
            assert attributes.get("src", "data:").startswith("data:")
            assert not {"href", "srcset"} & set(attributes)
    styles = re.search(r"<style>(.*)</style>", page, re.DOTALL)[1]
    assert "url(" not in styles
    assert "@import" not in styles
    policy = elements.named("meta")[2]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"].startswith("default-src 'none'")


def test_the_scripts_of_the_page_may_run_and_no_others(page):
    policy = Elements(page).named("meta")[2]["content"]
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert page.count("<script") == len(scripts) == 7
    assert policy.partition("script-src ")[2].split() == [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    ]
    assert "unsafe-inline" not in policy.partition("script-src")[2]


def test_hostile_text_is_escaped(page):
    # in the corpora, in the notes, and in a cell of the Markdown
    assert page.count("&lt;script&gt;alert(") == 3
    assert len(Elements(page).named("img")) == 2
    assert "Corpus &lt;a&gt;" in page


def test_every_title_is_there_and_in_the_contents(page):
    for title in ("Table 1: denoising", "Table 2: separation", "SNR &amp; iteration",
                  "Experiment E"):  # fmt: skip
        assert page.count(f">{title}<") == 2
    targets = [a["href"] for a in Elements(page).named("a") if a["href"].startswith("#")]
    ids = {attributes["id"] for _, attributes in Elements(page).tags if "id" in attributes}
    assert len(targets) == 8 + 2 + 1 + 1  # parts, tables, figures, panels
    assert {target[1:] for target in targets} <= ids


def test_it_opens_with_what_was_found(page):
    opening = page[: page.index("<nav")]
    places = [
        opening.index(words)
        for words in ("this study examines 1.", "<strong>Reproduced</strong>: dilation helps.",
                      "conv gains most", "<img", "Methods and results of paper A")
    ]  # fmt: skip
    assert places == sorted(places)


def test_a_grid_has_numbers_to_sort_by_and_marks_in_words(page):
    assert page.count('<th scope="row">conv</th>') == 2
    cell = re.search(r'<td class="number" data-value="9.8">(.*?)</td>', page)[1]
    assert re.sub(r"<[^>]+>", "|", cell) == "9.80 ± 1.20 ||▲||better|||published 8.15|"
    assert '<td class="number" data-value="">–</td>' in page
    assert '<abbr title="higher is better">↑</abbr>' in page
    assert "Means. Small: the published value.</p>" in page


def test_tables_are_aligned_and_scroll_on_their_own(page):
    assert '<td style="text-align:right"><strong>9.80 ± 1.20</strong></td>' in page
    assert "<h4>SNR</h4>" in page  # below the table's own title
    # two grids, two of Markdown, experiments, corpora, comparisons, the tally of votes
    scrolling = re.findall(r'<div class="scroll"[^>]*><table', page)
    assert page.count("<table") == len(scrolling) == 8


def test_entries_are_printed_generically(page):
    assert "<dt>Seconds</dt><dd>1,234</dd>" in page
    assert "<dt>Published</dt><dd>–</dd>" in page
    assert '<td class="number">1.235</td><td class="number">not defined</td>' in page
    assert "Not significant" in page
    assert "<li>anchors help (Figure 4)" in page  # not examined: no more than named
    assert "<ul><li>conv has 1,092,912 parameters" in page  # sentences are a list
    assert '<span class="entry">observed,</span> <span class="entry">conv</span>' in page
    # the second experiment has no clips, the first no width
    assert re.search(r">inpaint</td><td>–</td><td>–</td><td[^>]*>35</td>", page)


def test_sounds_of_a_panel(page):
    elements = Elements(page)
    assert len(elements.named("audio")) == 2 * 3
    assert {each["preload"] for each in elements.named("audio")} == {"none"}
    clips = [each for each in elements.named("div") if each.get("class") == "clip"]
    assert [each["data-source"] for each in clips] == ["piano", "drums"]
    assert clips[0]["data-gaps"] == "[[0.25, 0.5]]"
    versions = [each for each in elements.named("div") if each.get("class") == "version"]
    assert [each["data-label"] for each in versions[:3]] == ["clean", "observed", "conv"]
    assert versions[0]["data-note"] == "-1.2 dB"
    (section,) = (each for each in elements.named("section") if each.get("id") == "listen")
    assert (section["data-study"], section["data-sounds"]) == ("small", "f00d")
    assert "2 more clips would have made this page too large" in page


def test_image_is_embedded_at_its_printed_size(page, sections):
    _, image = Elements(page).named("img")
    head, _, content = image["src"].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(content) == sections["figures"][0]["png_path"].read_bytes()
    # 2 by 1 inch at 96 CSS pixels an inch
    assert (image["width"], image["height"], image["alt"]) == ("192", "96", "SNR & iteration")


def test_parts_without_entries_are_left_out(sections):
    empty = {key: type(value)() for key, value in sections.items() if not isinstance(value, str)}
    empty["opening"] = {"papers": [], "gains": [], "rankings": [], "picture": None, "tables": []}
    page = report.render(title="Nothing", study="none", sounds="", **empty)
    assert "<section" not in page
    assert page.count("<script>") == 1  # of tables
    assert page == report.render(title="Nothing", study="none", sounds="", **empty)
