"""What counts where a name is used: on small packages."""

import textwrap

import pytest

from dap.study.code_names import Sources


@pytest.fixture
def count(tmp_path):
    """Names of what counts of each module, from a start, in a package of some sources."""

    def count(sources, start="dap.a", outside=()):
        package = tmp_path / "dap"
        for name, source in {"__init__.py": "", **sources}.items():
            path = package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source))
        reader = Sources(package, outside)
        result = {}
        for module, counting in reader.reached([start]).items():
            statements = reader.module(module).statements
            names = {
                " ".join(sorted(statements[part].binds)) if isinstance(part, int) else part
                for part in counting
            }
            result[module] = {name for name in names if " is " not in name}
        return result

    return count


def test_a_function_counts_what_it_names(count):
    b = """
        FACTOR = 2
        OTHER = 3
        def used(x):
            return helped(x) * FACTOR
        def helped(x):
            return x
        def unused(x):
            return x * OTHER
    """
    assert count({"a.py": "from dap.b import used\ndef f(x): return used(x)", "b.py": b}) == {
        "dap.a": {"f"},
        "dap.b": {"used", "helped", "FACTOR"},
    }


@pytest.mark.parametrize(
    "source",
    [
        "from dap.sub.b import f\nx = f(1)",
        "from dap.sub import b\nx = b.f(1)",
        "from dap.sub import b as c\nx = c.f(1)",
        "import dap.sub.b\nx = dap.sub.b.f(1)",
        "import dap.sub.b as c\nx = c.f(1)",
        "from .sub import b\nx = b.f(1)",
        "from .sub.b import f\nx = f(1)",
        "def x():\n    from dap.sub.b import f\n    return f(1)",
        "def x():\n    from dap.sub import b\n    return b.f(1)",
        "try:\n    from dap.sub.b import f\nexcept ImportError:\n    f = None\nx = f(1)",
        "class x:\n    from dap.sub import b\n    y = b.f(1)",
    ],
)
def test_all_forms_of_imports_lead_on(count, source):
    sources = {
        "a.py": source,
        "sub/__init__.py": "",
        "sub/b.py": "from ..c import C\ndef f(x): return C\ndef g(x): return x",
        "c.py": "C = 1\nD = 2",
    }
    names = count(sources)
    assert names.keys() == {"dap.a", "dap.sub.b", "dap.c"}
    assert (names["dap.sub.b"], names["dap.c"]) == ({"f"}, {"C"})


@pytest.mark.parametrize(
    "source",
    [
        "from dap import b\nx = map(b)",  # who knows what is asked of it
        "from dap import b\nx = b.missing",
        "from dap.b import *",
        "from dap import b\ny = b",
    ],
)
def test_in_doubt_a_module_counts_whole(count, source):
    names = count({"a.py": source, "b.py": "def f(): pass\ndef g(): pass"})
    assert names["dap.b"] == {"f", "g"}


@pytest.mark.parametrize(
    "source",
    [
        "from dap.b import f\ndef x(y: f) -> f: return y",
        "from dap.b import f\nx: f = 1",
        "from dap.b import f\ndef x():\n    raise ValueError(f'no {f}')",
        "from dap.b import f\ndef x():\n    log.info('%s', f)",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from dap.b import f\nx = 1",
        "from __future__ import annotations\nfrom dap.b import f\ndef x(y: 'list[f]'): return y",
    ],
)
def test_annotations_and_messages_lead_nowhere(count, source):
    assert count({"a.py": source, "b.py": "def f(): pass"}).keys() == {"dap.a"}


def test_names_that_a_module_hands_on(count):
    sources = {
        "a.py": "from dap.b import f\nx = f",
        "b.py": "from dap.c import f, g\ndef h(): return g",
        "c.py": "def f(): pass\ndef g(): pass",
    }
    assert count(sources) == {"dap.a": {"x"}, "dap.b": set(), "dap.c": {"f"}}
    # even where it reads them in annotations alone
    sources["b.py"] = "from dap.c import f\ndef h(y: f): return y"
    assert count(sources)["dap.c"] == {"f"}
    # all that a plugin imports may be asked of it
    plugin = {"a.py": "from dap.c import f\n__all__ = ['f']", "c.py": sources["c.py"]}
    assert count(plugin) == {"dap.a": {"__all__"}, "dap.c": {"f"}}


@pytest.mark.parametrize(
    "effect",
    [
        "set_up()",
        "if 1:\n    FACTOR = 2",
        "os.environ['A'] = '1'",
        "for i in range(3):\n    pass",
        "@register\ndef g(): pass",
        "Class.method = None",
    ],
)
@pytest.mark.parametrize("use", ["from dap.b import f\nx = f", "from dap.b import f\nx: f = 1"])
def test_what_importing_a_module_does_counts(count, effect, use):
    alone = count({"a.py": use, "b.py": "def f(): pass"}).get("dap.b", set())
    more = count({"a.py": use, "b.py": f"def f(): pass\n{effect}"})["dap.b"]
    assert len(more - alone) == 1


def test_a_table_that_grows_counts_whole(tmp_path):
    (tmp_path / "dap").mkdir()
    (tmp_path / "dap" / "__init__.py").touch()
    (tmp_path / "dap" / "a.py").write_text("from dap.b import T\nx = T")
    (tmp_path / "dap" / "b.py").write_text("T = {}\nU = {}\nT |= {1: 2}\nU |= T")
    assert Sources(tmp_path / "dap", []).reached(["dap.a"])["dap.b"] == {0, 2}


def test_what_a_function_changes_counts(count):
    b = "count = 0\nother = 0\ndef f():\n    global count\n    count += 1"
    assert count({"a.py": "from dap.b import f\nx = f", "b.py": b})["dap.b"] == {"f", "count"}


def test_what_is_outside_does_not_count_and_is_followed(count):
    sources = {
        "a.py": "from dap.b import f, T\nx = f(T)",
        "b.py": "from dap import c\nfrom dap.c import h\ndef f(): return c.g\nT = h\nE = 1",
        "c.py": "def g(): pass\ndef h(): pass\ndef i(): pass",
    }
    assert count(sources, outside=["dap.b"]) == {"dap.a": {"x"}, "dap.c": {"g", "h"}}
    assert count(sources, outside=["dap.b.T"]) == {
        "dap.a": {"x"},
        "dap.b": {"f"},
        "dap.c": {"g", "h"},
    }
    # not by the beginning of a name
    assert count(sources, outside=["dap.b.Table", "dap.bc"])["dap.b"] == {"f", "T"}


def test_imports_of_what_is_outside_do_not_count(tmp_path):
    def texts(source):
        (tmp_path / "dap" / "a.py").write_text(source)
        reader = Sources(tmp_path / "dap", ["dap.errors"])
        return reader.module("dap.a").texts(reader.reached(["dap.a"])["dap.a"])

    (tmp_path / "dap").mkdir()
    for name in ("__init__", "errors", "b"):
        (tmp_path / "dap" / f"{name}.py").write_text("class E: pass")
    use = "def f():\n    raise E('no')\n"
    inside = use.replace("    raise", "    from dap.errors import E\n    raise")
    assert texts(f"from dap.errors import E\n{use}") == texts(inside)
    assert texts(f"from dap.b import E\n{use}") != texts(inside)


def test_whoever_looks_at_all_names_counts_all(count):
    sources = {"a.py": "from dap.b import f\nx = f", "b.py": "def f(): return globals()\nC = 1"}
    assert count(sources)["dap.b"] == {"f", "C"}


def test_local_variables_lead_to_what_has_their_name(count):
    # more than is used, rather than less
    sources = {
        "a.py": "from dap.b import f\nx = f",
        "b.py": "def f(size): return size\ndef size(): pass\ndef g(): pass",
    }
    assert count(sources)["dap.b"] == {"f", "size"}


def test_the_packages_on_the_way_count_for_what_they_do(count):
    sources = {
        "a.py": "from dap.sub.b import f\nx = f",
        "sub/__init__.py": "from dap.c import g\nVERSION = 1\nset_up()",
        "sub/b.py": "def f(): pass",
        "c.py": "def g(): pass",
    }
    assert count(sources) == {"dap.a": {"x"}, "dap.sub": {""}, "dap.sub.b": {"f"}}


def test_a_file_beside_the_package(count, tmp_path):
    sources = {"b.py": "def f(): pass\ndef g(): pass"}
    plugin = tmp_path / "elsewhere" / "prior.py"
    plugin.parent.mkdir()
    plugin.write_text("from dap.b import f\nbuild = f")
    for start in ("elsewhere/prior.py", str(plugin)):
        assert count(sources, start) == {start: {"build"}, "dap.b": {"f"}}


def test_each_source_is_read_once(tmp_path, monkeypatch):
    (tmp_path / "dap").mkdir()
    for name, source in {"__init__": "", "a": "from dap.b import f", "b": "f = 1"}.items():
        (tmp_path / "dap" / f"{name}.py").write_text(source)
    reader = Sources(tmp_path / "dap", [])
    first = reader.reached(["dap.a"])
    (tmp_path / "dap" / "b.py").unlink()
    assert reader.reached(["dap.a", "dap.b"]) == first
