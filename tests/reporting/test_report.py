"""The page holds all that it is given, escaped, and loads nothing."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile
from matplotlib.figure import Figure

from dap.reporting import report

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
    Figure(figsize=(2, 1)).savefig(png, dpi=150)
    uri = report.audio_uri(np.zeros(160), 16000)
    sounds = [
        {"label": label, "audio": uri, "note": "", "source": source}
        for source in ("Synthetic piano", "Synthetic drums")
        for label in ("clean", "observed", "conv")
    ]
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
            {"title": "Table 1: denoising", "markdown": MARKDOWN, "caption": "Means."},
            {"title": "Table 2: separation", "markdown": "| a |\n|---|\n| 1 |\n"},
        ],
        "figures": [{"title": "SNR & iteration", "png_path": png, "caption": "Band: 95 %."}],
        "examples": [{"title": "Clip 3", "items": sounds}],
        "claims": [
            {
                "claim": "dilation helps",
                "where": "section 4.1",
                "published": None,
                "verdict": "not significant",
                "comparisons": [comparison],
                "complexity": ["conv has 1,092,912 parameters and takes 0.8 s an iteration", "b"],
            }
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
    assert not names & {"script", "link", "iframe", "object", "embed", "base", "svg"}
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


def test_hostile_text_is_escaped(page):
    assert "<script" not in page
    # in the corpora, in the notes, and in a cell of the Markdown
    assert page.count("&lt;script&gt;alert(") == 3
    assert len(Elements(page).named("img")) == 1


def test_every_title_is_there_and_in_the_contents(page):
    for title in ("Table 1: denoising", "Table 2: separation", "SNR &amp; iteration", "Clip 3"):
        assert page.count(f">{title}<") == 2
    targets = [a["href"] for a in Elements(page).named("a") if a["href"].startswith("#")]
    ids = {attributes["id"] for _, attributes in Elements(page).tags if "id" in attributes}
    assert len(targets) == 8 + 2 + 1 + 1  # parts, tables, figures, examples
    assert {target[1:] for target in targets} <= ids


def test_tables_are_aligned_and_scroll_on_their_own(page):
    assert '<td style="text-align:right"><strong>9.80 ± 1.20</strong></td>' in page
    assert "<h4>SNR</h4>" in page  # below the table's own title
    # two of Markdown, experiments, corpora, comparisons
    assert page.count("<table>") == page.count('<div class="scroll"><table>') == 5


def test_entries_are_printed_generically(page):
    assert "<dt>Seconds</dt><dd>1,234</dd>" in page
    assert "<dt>Published</dt><dd>–</dd>" in page
    assert '<td class="number">1.235</td><td class="number">not defined</td>' in page
    assert "not significant" in page
    assert "<ul><li>conv has 1,092,912 parameters" in page  # sentences are a list
    assert '<span class="entry">observed,</span> <span class="entry">conv</span>' in page
    # the second experiment has no clips, the first no width
    assert re.search(r">inpaint</td><td>–</td><td>–</td><td[^>]*>35</td>", page)


def test_sounds_are_grouped_by_source_in_order(page):
    assert len(Elements(page).named("audio")) == 6
    assert re.findall(r"<h4>(Synthetic \w+)</h4>", page) == ["Synthetic piano", "Synthetic drums"]


def test_image_is_embedded_at_its_printed_size(page, sections):
    (image,) = Elements(page).named("img")
    head, _, content = image["src"].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(content) == sections["figures"][0]["png_path"].read_bytes()
    # 2 by 1 inch at 96 CSS pixels an inch
    assert (image["width"], image["height"], image["alt"]) == ("192", "96", "SNR & iteration")


def test_parts_without_entries_are_left_out(sections):
    empty = {key: type(value)() for key, value in sections.items() if not isinstance(value, str)}
    page = report.render(title="Nothing", study="none", **empty)
    assert "<section" not in page
    assert page == report.render(title="Nothing", study="none", **empty)


def test_audio_decodes_to_the_samples():
    signal = np.random.default_rng(0).uniform(-1, 1, 1000)
    head, _, content = report.audio_uri(signal, 16000).partition(",")
    decoded, rate = soundfile.read(io.BytesIO(base64.b64decode(content)))
    assert head == "data:audio/wav;base64"
    assert rate == 16000
    # half a step of 16 bits; one step at the very top, which 16 bits cannot reach
    assert np.abs(decoded - signal).max() <= 1 / 32768
    assert np.sqrt(np.mean((decoded - signal) ** 2)) < 0.51 / 32768


def test_audio_clips_what_exceeds_full_scale():
    content = report.audio_uri(np.array([1.5, -1.5, 0.5]), 8000).partition(",")[2]
    decoded, _ = soundfile.read(io.BytesIO(base64.b64decode(content)), dtype="int16")
    assert decoded.tolist() == [32767, -32768, 16384]


@pytest.mark.parametrize("signal", [np.zeros((1, 4)), np.array([0.0, np.nan])])
def test_audio_refuses_what_cannot_be_heard(signal):
    with pytest.raises(ValueError, match="finite samples"):
        report.audio_uri(signal, 16000)
