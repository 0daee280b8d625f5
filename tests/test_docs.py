"""What the pages link to, and the files that they name, are there; their commands are such."""

import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import click
import pytest
from markdown_it import MarkdownIt
from pages import blocks
from snakemake.cli import get_argument_parser

from dap.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("results/*.md")]
    + [page for folder in ("docs", "dap", "envs") for page in (ROOT / folder).rglob("*.md")]
)


def targets(page):
    """The addresses of a page's links and images."""
    for block in MarkdownIt("gfm-like", {"linkify": False}).parse(page.read_text(encoding="utf-8")):
        for token in block.children or []:
            if token.type in ("link_open", "image"):
                yield unquote(token.attrs.get("href") or token.attrs["src"])


def anchors(page):
    """The anchors of a page: those of its headings as GitHub makes them, and those in HTML."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.M)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


def missing(page):
    """The links of a page that lead nowhere; other sites are not asked."""
    for target in targets(page):
        address, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", address):
            continue
        path = (page.parent / address).resolve() if address else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert list(missing(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_are_there(page):
    named = re.findall(
        r"`((?:dap|workflow|tests|benchmarks|docs|envs)/[\w./-]*)`",
        page.read_text(encoding="utf-8"),
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_a_link_that_leads_nowhere_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A title\n[a](#a-title) [b](#b) ![c](c.png) [d](https://example.org/d)\n")
    assert list(missing(page)) == ["#b", "c.png"]


def commands(program):
    """The commands of all pages that begin with a program's name, and where they are."""
    return [
        pytest.param(shlex.split(line)[1:], id=f"{page.name}: {line}")
        for page in PAGES
        for language, text in blocks(page.relative_to(ROOT))
        for line in text.replace("\\\n", " ").splitlines()
        if not language and line.startswith(f"{program} ")
    ]


@pytest.mark.parametrize("arguments", commands("snakemake"))
def test_commands_of_snakemake(arguments):
    asked = get_argument_parser().parse_args(arguments)
    # these two take all that follows, targets too
    assert [str(file) for file in asked.configfile if not (ROOT / file).is_file()] in (
        [],
        ["STUDY"],
    )
    assert all("=" in entry for entry in asked.config or ())
    rules = "\n".join(
        path.read_text() for path in [ROOT / "Snakefile", *ROOT.glob("workflow/rules/*")]
    )
    for target in asked.targets:
        assert target.startswith("results/") or f"\nrule {target}:\n" in rules


@pytest.mark.parametrize("arguments", commands("dap"))
def test_commands_of_dap(arguments):
    command, context = main, click.Context(main, **main.context_settings)
    while isinstance(command, click.Group):
        name, *arguments = arguments
        command = command.get_command(context, name)
        assert command, name
        context = click.Context(command, parent=context, **command.context_settings)
    command.make_parser(context).parse_args(arguments)
