"""The report's content, from the products of a small study of baselines."""

import re
from html import unescape

import pytest
from once import once
from small_report import make


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> str:
    return (once(tmp_path_factory, "report", make) / "report.html").read_text()


@pytest.fixture(scope="module")
def text(html) -> str:
    """What is to be read, in one line."""
    visible = re.sub(r"<script>.*?</script>|<style>.*?</style>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", visible))


def test_it_opens_with_what_was_reproduced(text):
    assert (
        "Of the 5 claims of paper A (Interspeech 2021), this study examines 1: 1 not reproduced. "
        "Not reproduced : an exponential schedule gains more"
    ) in text
    opening = text[: text.index("Caveats")]
    assert re.search(
        r"Denoising \(6 clips\): wavelet gains most over the observation, \+[\d.]+ dB SNR "
        r"\[\+[\d.]+, \+[\d.]+\]; the interval is above 0 for wiener, wavelet, spectral-gate\.",
        opening,
    )
    assert re.search(r"Separation \(2 clips\): nmf .* the observation, [-+][\d.]+ dB SDR", opening)
    assert re.search(
        r"too few clips for an interval\. (Every method is|Clips) above the observation", opening
    )
    # of the paper's table alone, with its values where a method is the paper's
    assert "Methods and results of paper A (Interspeech 2021) table1" in opening
    assert re.search(r"speech, n = 6 clips SNR \(dB\) ↑ observed [\d.]+ ± [\d.]+ ", opening)
    assert "table4" not in opening


def test_the_summary_says_what_the_page_opens_with(tmp_path_factory, text):
    summary = (once(tmp_path_factory, "report", make) / "summary.md").read_text()
    sentences = re.findall(r"^- (.*\(\d clips\).*)$", summary, re.MULTILINE)
    assert len(sentences) == 2
    opening = unescape(text[: text.index("Caveats")])
    assert all(sentence in opening for sentence in sentences)
    assert "## Methods and results of paper A (Interspeech 2021)" in summary
    assert re.search(r"^\| wavelet \| [\d.]+ ± [\d.]+ \|$", summary, re.MULTILINE)
    assert " | not reproduced | order reversed in 1 of 1 |" in summary


def test_tables_notes_and_provenance(html, text):
    for words in ("<title>Small", "tables/table1.md, .csv and .tex", "tables/cost.md, .csv",
                  "<em>noise</em>", 'alt="Gains over the observation"'):  # fmt: skip
        assert words in html, words
    assert "Date today" in text
    # methods by metrics; selections, differences and p unfold
    assert "speech (stands for ljspeech), n = 6 clips Method SNR (dB) ↑ observed" in text
    assert "All of table1: selections, differences, p, what could not be scored" in text
    assert "| wiener | last |" not in text
    assert "SNR vs wavelet [95 %]" in text


def test_each_corpus_has_some_clips_to_listen_to(html):
    titles = re.findall(r'data-title="(speech: [^"]*|piano [^"]*)"', html)
    # four of the six clips, from two chunks; each source of two mixtures
    assert titles == [
        "speech: speech-0", "speech: speech-1", "speech: speech-2", "speech: speech-3",
        "piano + drums: piano-0+drums-0, piano", "piano + drums: piano-0+drums-0, drums",
        "piano + drums: piano-1+drums-1, piano", "piano + drums: piano-1+drums-1, drums",
    ]  # fmt: skip
    assert html.count("data:audio/flac") == 4 * 5 + 4 * 3


def test_what_was_run_and_on_which_corpora(text):
    assert "std 0.1, kind gaussian synthetic-speech: 6 observed, wiener, wavelet" in text
    # of each corpus the first clip is padded
    for row in ("speech ljspeech – – – 6 1 0.256", "piano – – – – 2 1 0.256"):
        assert f" {row} " in text
