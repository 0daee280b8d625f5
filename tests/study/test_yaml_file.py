"""A study's file is read as it is meant, or refused with its name, the line and the remedy."""

from pathlib import Path

import pytest
import yaml

from dap.errors import DapError
from dap.study.schema import SCHEMA
from dap.study.yaml_file import load

ROOT = Path(__file__).resolve().parents[2]
STUDIES = [
    SCHEMA,
    ROOT / "config.yaml",
    ROOT / "tests" / "golden" / "study.yaml",
    *sorted((ROOT / "workflow" / "studies").glob("*.yaml")),
]


def refusal(tmp_path, content):
    """The message without the file, which it must begin with."""
    path = tmp_path / "study.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DapError) as refused:
        load(path)
    message = str(refused.value)
    assert message.startswith(f"{path}")
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"{path}")


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_studies_are_read_as_yaml_reads_them(path):
    assert load(path) == yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("study: tiny", {"study": "tiny"}),
        ("\ufeffstudy: tiny", {"study": "tiny"}),
        ("study: tiny\r\nclips: 2\r\n", {"study": "tiny", "clips": 2}),
        ("{a: 1, b: {a: 2}, c: [{a: 3}]}", {"a": 1, "b": {"a": 2}, "c": [{"a": 3}]}),
        # a key may override that of an anchor, of which it is the whole point
        ("x: &x {a: 1, b: 2}\ny: {<<: *x, a: 3}", {"x": {"a": 1, "b": 2}, "y": {"a": 3, "b": 2}}),
        (
            "x: &x {a: 1}\ny: &y {<<: *x, a: 2}\nz: {<<: [*y, *x], b: 1}",
            {"x": {"a": 1}, "y": {"a": 2}, "z": {"a": 2, "b": 1}},
        ),
        ("a: [0, -1, 1_000, 0x10]", {"a": [0, -1, 1000, 16]}),
        ("a: [1.0, 0.5, 1.e+3, 1e3]", {"a": [1, 0.5, 1000, "1e3"]}),
        ("a: ['010', \"1:30\", 10:a, 1.2.3]", {"a": ["010", "1:30", "10:a", "1.2.3"]}),
        ("'1': a", {"1": "a"}),
    ],
)  # fmt: skip
def test_what_is_read(tmp_path, text, content):
    (tmp_path / "study.yaml").write_bytes(text.encode())
    assert load(tmp_path / "study.yaml") == content


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", ", line 3: the key 'a' is there twice, on lines 1 and 3: remove one"),
        ("a: 1\n'a': 1", ", line 2: the key 'a' is there twice, on lines 1 and 2: remove one"),
        ("a: {b: 1, b: 1}", ", line 1: the key 'b' is there twice, on lines 1 and 1: remove one"),
        ("a:\n- b: 1\n  c: 2\n  b: 3", ", line 4: the key 'b' is there twice, on lines 2 and 4"),
        ("x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x", ", line 4: the key '<<' is there twice"),
        ("1: a", ", line 1: the key 1 is no text: put it in quotes"),
        ("a: {on: a}", ", line 1: the key on is no text: put it in quotes"),
        ("? [a, b]\n: c", ", line 1: the key of several parts is no text"),
        ("? \n: c", ", line 1: the key (none) is no text"),
        ("{recordings}: c", ", line 1: the key of several parts is no text"),
    ],
)
def test_keys_that_are_refused(tmp_path, text, message):
    assert refusal(tmp_path, text).startswith(message)


@pytest.mark.parametrize(
    "number", ["010", "-010", "+07", "00", "0_1", "1:30", "1:30.5", "-1:2:3", "190:20:30.15"]
)
def test_numbers_that_versions_of_yaml_read_otherwise(tmp_path, number):
    message = refusal(tmp_path, f"study: a\nclips: [1, {number}]")
    assert message.startswith(f", line 2: {number} is read as a number of base 8 or 60 by some")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study: [", ", line 1: cannot be read as YAML: expected the node content"),
        ("study: a\n\tb: 3", ", line 2: cannot be read as YAML: found character"),
        ("study: a\nb: c: d", ", line 2: cannot be read as YAML: mapping values are not allowed"),
        ("a: b\n---\na: b", ", line 2: cannot be read as YAML: but found another document"),
        ("a: *b", ", line 1: cannot be read as YAML: found undefined alias 'b'"),
        ("a: !!python/object:os.system b", ", line 1: cannot be read as YAML: could not determine"),
        ("a: b\0", ": cannot be read as YAML: unacceptable character #x0000"),
        ("a: &b [*b]", ", line 1: it contains itself, by an alias"),
        ("a: &b {c: *b}", ", line 1: it contains itself, by an alias"),
        ("a: " + "[" * 5000, ": cannot be read as YAML: it is nested too deeply"),
        ("a: 2021-02-30", ", line 1: '2021-02-30' cannot be read as timestamp; put text in quotes"),
        ("a: " + "9" * 5000, f", line 1: '{'9' * 40}' cannot be read as int"),
        ("a: !!int ''", ", line 1: '' cannot be read as int"),
        ("a: !!float x", ", line 1: 'x' cannot be read as float"),
        ("a: !!bool x", ", line 1: 'x' cannot be read as bool"),
        ("a: !!timestamp x", ", line 1: 'x' cannot be read as timestamp"),
        ("", ": holds no keys: a study is a mapping, such as `study: NAME`"),
        ("# nothing\n", ": holds no keys"),
        ("- a", ": holds no keys"),
        ("a", ": holds no keys"),
        ("study: caf\xe9".encode("latin-1"), ": is not UTF-8 (byte 10): save it in that encoding"),
        ("study: a".encode("utf-16"), ": is not UTF-8 (byte 0)"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, text, message):
    assert refusal(tmp_path, text).startswith(message)


def test_aliases_of_aliases(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    message = refusal(tmp_path, "\n".join(lines))
    assert message == ", line 5: its aliases make more than 100000 values of it"


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(DapError, match=r"gone\.yaml: cannot be read: No such file or directory$"):
        load(tmp_path / "gone.yaml")
    with pytest.raises(DapError, match=r": cannot be read: Is a directory$"):
        load(tmp_path)


def test_a_file_is_named_from_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text("- a")
    with pytest.raises(DapError, match=r"^study\.yaml: holds no keys"):
        load(tmp_path / "study.yaml")
