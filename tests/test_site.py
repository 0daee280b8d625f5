"""The site: its pages that are made of the code, its links, its pictures."""

import importlib.util
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
import yaml

from dap.nn.dilated_unet import layout
from dap.options import defaults
from dap.plugins import plugins
from dap.study.outline import included
from dap.study.schema import schema

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "docs" / "tools"


@pytest.fixture(scope="module")
def tools():
    """The modules of docs/tools, which only MkDocs and `make docs` import."""

    def load(name):
        spec = importlib.util.spec_from_file_location(f"docs_tools_{name}", TOOLS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    path, modules = list(sys.path), set(sys.modules)
    names = ("hooks", "pictures", "schema_page", "studies_page")
    yield SimpleNamespace(**{name: load(name) for name in names})
    sys.path[:] = path
    for name in {"schema_page", "studies_page"} - modules:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["designs", "harmonic", "pipeline", "training"])
def test_pictures_are_those_of_the_code(tools, name):
    drawn = tools.pictures.PICTURES[name]()
    ElementTree.fromstring(drawn)
    committed = (ROOT / "docs" / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    assert drawn == committed, "run `make docs`, and look at the picture"


def test_all_pictures_are_drawn(tools):
    committed = {path.stem for path in (ROOT / "docs" / "pictures").iterdir()}
    assert committed == set(tools.pictures.PICTURES)


def test_the_designs_have_the_dilations_of_the_code(tools):
    picture = tools.pictures.designs()
    dilations = [int(each) for each in re.findall(r">d = (\d+)<", picture)]
    schedule = [d for block in layout("code", 1.0, None).blocks() for d in block.dilation]
    assert dilations == [1] * 10 + [4] * 10 + schedule * 2
    assert "1,092,912 parameters" in picture


def test_the_receptive_field(tools):
    plain, constant, exponential = (
        tools.pictures.seen(layout("code", 1.0, dilation)) for dilation in (1, 4, None)
    )
    assert plain < constant < 512 < exponential  # bins of a spectrum, as docs/how.md says
    assert f"depends on {exponential} input bins" in tools.pictures.designs()


def test_what_harmonic_convolution_reads(tools):
    read = list(tools.pictures.reads(7, 64, 12))
    assert [(k, q) for n, k, q, _ in read if n == 1] == [(k, 12 * k) for k in range(1, 6)]
    assert [q for n, _, q, _ in read if n == 2] == [6 * k for k in range(1, 8)]
    for n in range(1, 8):
        for k in range(1, 8):
            weights = [weight for m, j, _, weight in read if (m, j) == (n, k)]
            assert not weights or sum(weights) == pytest.approx(1.0)


def test_every_key_of_a_study_has_a_row(tools):
    page = tools.schema_page.page()
    keys = set(re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE))
    assert set(schema()["properties"]) <= keys
    assert {"run.checkpoint_seconds", "spectrogram.hop_length"} <= keys
    assert set(defaults()) <= keys  # of a fit
    for offer in plugins("corruptions").values():
        assert set(offer.metadata["options"]) <= keys
    assert "| `clips` | integer, at least 1, at most 100000 | `2` |" in page
    assert "by name, of [corpus](#corpus)" in page


def test_tables_of_keys_have_four_columns(tools):
    rows = [line for line in tools.schema_page.page().splitlines() if line.startswith("|")]
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {6}


def test_every_study_has_a_row(tools):
    page = tools.studies_page.page()
    for path in included():
        assert f"[{path.name}](../{path.relative_to(ROOT)})" in page
    assert "1,860" in page


def test_links_out_of_the_docs(tools):
    relinked = tools.hooks.relinked
    text = "[a](../results/README.md#b) [c](corpora.md) [d](../workflow/studies/beyond.yaml)"
    assert relinked(text, "docs/how.md", "how.md") == (
        "[a](reference/run.md#b) [c](corpora.md) [d](source/workflow/studies/beyond.yaml)"
    )
    text = "![p](../docs/pictures/x.svg) [e](https://example.org/f) [g](#here)"
    assert relinked(text, "results/README.md", "reference/run.md") == (
        "![p](../pictures/x.svg) [e](https://example.org/f) [g](#here)"
    )
    # of the page itself, the file that it is made from
    text = "[s](../dap/study/schema.yaml)"
    assert relinked(text, "docs/study.md", "reference/study.md") == (
        "[s](../source/dap/study/schema.yaml)"
    )


def test_files_that_are_copied(tools):
    text = "[a](../config.yaml) [b](how.md) [c](../nothing.yaml) [d](../dap)"
    assert tools.hooks.outside(text, "docs/index.md") == ["config.yaml"]


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://example.org/a.js"></script>',
        '<link rel="stylesheet" href="https://example.org/a.css">',
        '<img alt="a" src=http://example.org/a.png>',
    ],
)
def test_a_site_that_loads_from_elsewhere_is_refused(tools, tmp_path, tag):
    config = SimpleNamespace(site_dir=str(tmp_path))
    page = tmp_path / "a" / "page.html"
    page.parent.mkdir()
    page.write_text('<a href="https://example.org">x</a><img src="a.png"><script src="a.js">')
    tools.hooks.on_post_build(config)
    page.write_text(tag)
    with pytest.raises(SystemExit, match=r"page\.html: loads https?://example\.org/a\."):
        tools.hooks.on_post_build(config)


class _Loader(yaml.SafeLoader):
    """Takes the one tag of mkdocs.yml as it is."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: suffix)


def test_the_site_is_strict_and_offline():
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=_Loader)
    assert config["strict"] is True
    assert config["theme"]["font"] is False
    assert "offline" in config["plugins"]
    assert set(config["validation"].values()) == {"warn"}  # which strict makes errors
    (script,) = config["extra"]["polyfills"]
    assert (ROOT / "docs" / script).is_file()
