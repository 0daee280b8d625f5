"""Choices are cited by their names in docs/fidelity.md, and every name is there, once."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "fidelity.md"
FOLDERS = ("dap", "workflow", "tests", "benchmarks", "docs", "envs")
SUFFIXES = {".py", ".smk", ".yaml", ".toml", ".c", ".h", ".j2", ".sh", ".csv", ".md"}
CITATION = re.compile(r"\bfidelity:[ \t]*([a-z0-9-]*)")
ANCHOR = re.compile(r'<a id="([^"]+)"></a>')


def sources():
    """The repository's texts, but for the page itself and this test."""
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    texts = [path for path in (*inside, *ROOT.glob("*")) if path.suffix in SUFFIXES]
    return [ROOT / "Snakefile", *(path for path in texts if path not in {PAGE, Path(__file__)})]


def test_every_citation_has_its_anchor():
    anchors = ANCHOR.findall(PAGE.read_text(encoding="utf-8"))
    assert len(anchors) > 50
    assert len(anchors) == len(set(anchors))
    cited = {
        name: path.relative_to(ROOT)
        for path in sources()
        for name in CITATION.findall(path.read_text(encoding="utf-8"))
    }
    # a name stands on the line of its "fidelity:", where a search finds it
    assert {name: path for name, path in cited.items() if name not in anchors} == {}
    assert len(cited) > 15


def test_anchors_are_the_names_of_rows():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    names = [line for line in rows if not line.startswith(("| choice |", "| --- |"))]
    assert [line for line in names if not re.match(r'\| <a id="[a-z0-9-]+"></a>\S', line)] == []


def test_no_choice_is_cited_by_a_number():
    numbered = re.compile(r"\bdecisions? \d", re.IGNORECASE)
    citations = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in sources()
        for match in numbered.finditer(path.read_text(encoding="utf-8"))
    ]
    assert citations == []
