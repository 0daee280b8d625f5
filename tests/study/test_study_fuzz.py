"""Whatever a study's file holds, it is a study, or refused in one line, soon."""

import copy
import math
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dap.errors import DapError
from dap.study import presentation
from dap.study.study import Study
from dap.study.yaml_file import load

ROOT = Path(__file__).resolve().parents[2]
PATHS = [ROOT / "config.yaml", *sorted((ROOT / "workflow" / "studies").glob("*.yaml"))]
TEXTS = [path.read_text(encoding="utf-8") for path in PATHS]
STUDIES = [yaml.safe_load(text) for text in TEXTS]
SECONDS = 20  # an example takes a tenth of one, on a machine that does nothing else

SCALARS = st.one_of(
    st.sampled_from([None, True, False, 0, 1, -1, 1.0, 1e1, 1e300, 2**53 + 1, 10**12, 10**400]),
    st.sampled_from([math.nan, math.inf, -math.inf, 5e-324, -0.0]),
    st.sampled_from(["", "1", "1e1", "nan", "-inf", "010", "1:30", "true", "fast", "conv", "a+b"]),
    st.sampled_from(
        ["~nobody/x", "{recordings}", "{mirror}/{x}", "/", "..", "**", "a**", "x" * 300]
    ),
    st.sampled_from(
        ["\0", "\n", "a\nb", "\x1b", "\ud800", "\u2028", "一", "e\u0301", "{", "a:b.py"]
    ),
    st.text(max_size=8),
    st.integers(),
    st.floats(),
    st.dates(),
    st.binary(max_size=3),
)
VALUES = st.one_of(
    SCALARS,
    st.recursive(
        SCALARS,
        lambda below: st.lists(below, max_size=3) | st.dictionaries(SCALARS, below, max_size=3),
        max_leaves=5,
    ).filter(lambda value: isinstance(value, list | dict)),
)
quick = settings(max_examples=60, suppress_health_check=list(HealthCheck))
long = settings(max_examples=2000, suppress_health_check=list(HealthCheck))


def read(make):
    """Make a study; what refuses it does so as the user needs it."""
    begun = time.perf_counter()
    try:
        study = make()
        for corpus in study.clip_counts:
            if not study.indexed(corpus):
                study.clips(corpus, "000")
        presentation.report.report_setup(study)
        for table in study["tables"]:
            presentation.tables.table_setup(study, table)
    except DapError as error:
        message = str(error)
        assert message.strip()
        assert message.splitlines() == [message]
        message.encode()
    assert time.perf_counter() - begun < SECONDS


def places(part, path=()):
    """The paths of all keys and items below a part of a study."""
    items = part.items() if isinstance(part, dict) else enumerate(part)
    for key, below in items:
        yield (*path, key)
        if isinstance(below, dict | list):
            yield from places(below, (*path, key))


@st.composite
def changed_studies(draw):
    """One of the project's studies, with some keys and items taken out, renamed or replaced."""
    study = copy.deepcopy(draw(st.sampled_from(STUDIES)))
    for _ in range(draw(st.integers(1, 3))):
        paths = list(places(study))
        if not paths:
            break
        *path, last = draw(st.sampled_from(paths))
        part = study
        for key in path:
            part = part[key]
        match draw(st.sampled_from(["replace", "replace", "drop", "rename", "move"])):
            case "replace":
                part[last] = draw(VALUES)
            case "drop":
                del part[last]
            case "rename":
                value = part.pop(last)
                if isinstance(part, dict):
                    part[draw(SCALARS)] = value
                else:
                    part.append(draw(SCALARS))
            case "move":
                *_, other = draw(st.sampled_from(paths))
                if isinstance(part, dict):
                    part[other] = copy.deepcopy(part[last])
                else:
                    part.append(copy.deepcopy(part[last]))
    return study


LINES = [
    "<<: *denoisers",
    "- a",
    "? a",
    "clips: 1",
    "&a",
    "*a",
    "!!set {a}",
    "---",
    "\t",
    "%YAML 1.3",
]
SIGNS = [
    *":-?{}[],&*#!|>'\"%@`~\\\t\n \0\ufeff\x85\u2028é一😀0159eE.+_",
    "\r\n",
    "<<",
    "010",
    "1:30",
]


@st.composite
def changed_texts(draw):
    """The text of one of the project's studies, with signs and lines put in, out and twice."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        lines = text.splitlines(keepends=True) or [""]
        line = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["sign", "cut", "double", "line", "indent", "scalar"])):
            case "sign":
                text = text[:at] + draw(st.sampled_from(SIGNS) | st.characters()) + text[at:]
            case "cut":
                text = text[:at] + text[at + draw(st.integers(1, 40)) :]
            case "double":
                text = "".join([*lines[: line + 1], *lines[line:]])
            case "line":
                text = "".join([*lines[:line], f"{draw(st.sampled_from(LINES))}\n", *lines[line:]])
            case "indent":
                text = "".join([*lines[:line], f"  {lines[line]}", *lines[line + 1 :]])
            case "scalar":
                key, colon, _ = lines[line].partition(":")
                value = draw(st.sampled_from(["010", "1:30", ".nan", "1e1", "'1'", "yes", "[1, 2"]))
                text = "".join([*lines[:line], f"{key}{colon} {value}\n", *lines[line + 1 :]])
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with all that the studies ask recordings and mirror for."""
    folder = tmp_path_factory.mktemp("recordings")
    corpora = [corpus for study in STUDIES for corpus in study["corpora"].values()]
    parts = {corpus["folder"].partition("/")[2] for corpus in corpora if "folder" in corpus}
    for part in (
        *parts,
        "LJSpeech-1.1/wavs",
        "music/piano",
        "sc09/test",
        "piano/test",
        "drums/test",
    ):
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / "a.wav").touch()
    return folder


def with_folder(folder, study):
    return {"recordings": str(folder), "mirror": str(folder)} | study


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study["study"])
def test_the_studies_as_they_are(folder, study):
    assert Study(with_folder(folder, study), mirrored=False).clip_counts


@quick
@given(study=changed_studies())
def test_changed_studies(folder, study):
    read(lambda: Study(with_folder(folder, study), mirrored=False))


@pytest.mark.slow
@long
@given(study=changed_studies())
def test_many_changed_studies(folder, study):
    read(lambda: Study(with_folder(folder, study), mirrored=False))


def of_file(folder, content):
    """The study of a file with this content."""
    path = folder / "study.yaml"
    path.write_bytes(content)
    return Study(with_folder(folder, load(path)), mirrored=False)


@quick
@given(text=changed_texts())
def test_changed_texts(folder, text):
    read(lambda: of_file(folder, text.encode("utf-8", "surrogatepass")))


@pytest.mark.slow
@long
@given(text=changed_texts(), encoding=st.sampled_from(["utf-8", "utf-16", "latin-1", "utf-8-sig"]))
def test_many_changed_texts(folder, text, encoding):
    read(lambda: of_file(folder, text.encode(encoding, "replace")))


@quick
@given(content=st.binary(max_size=60))
def test_any_bytes(folder, content):
    read(lambda: of_file(folder, content))
