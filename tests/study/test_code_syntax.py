"""What counts of a source, and what does not."""

import ast
from hashlib import sha256

import pytest

from dap.study.code_hash import PACKAGE
from dap.study.code_syntax import c_code, cleaned, text

SOURCE = '''
"""A module."""
from __future__ import annotations
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from pathlib import Path

PRIORS = {"conv": {"title": "U-Net", "domain": "waveform"}}
log = logging.getLogger("dap")


@dataclass(frozen=True)
class Options:
    """Options."""

    rate: float
    steps: int = 3
    kinds: ClassVar[int] = 2


def f(x: ArrayLike, path: Path | None = None, *, n: int = 4) -> float:
    """The value."""
    if n < 1:
        raise ValueError(f"n is {n}: must be at least 1")
    # a comment
    total: float = 0.0
    for i in range(n):
        total += x[i] ** 2
        log.info("%d: %g", i, total)
    return np.sqrt(total) - 1.5e-3 if path is None else f"{total:.3f} of é {n!r}"
'''

SAME = {
    "comment": ("    # a comment\n", "    # another one\n"),
    "formatting": ("def f(x: ArrayLike, path", "def f(\n    x: ArrayLike, path"),
    "docstring": ('    """The value."""\n', ""),
    "docstring of the module": ('"""A module."""', '"""Another."""'),
    "docstring of a class": ('"""Options."""', '"""All options.\n\n    Of a fit.\n    """'),
    "error text": ("must be at least 1", "give a larger one"),
    "what an error text mentions": ('f"n is {n}: must', 'f"n is {n + 1} of {str(x)}: must'),
    "error text in parts": ('(f"n is {n}: must be at least 1")', '("n is " + str(n))'),
    "log line": ('"%d: %g", i, total', '"iteration %d of %d: %.4g", i, n, total'),
    "log line removed": ('        log.info("%d: %g", i, total)\n', ""),
    "log line under a condition": ("        log.info", "        if i > 2:\n            log.info"),
    "annotation": ("n: int = 4", "n: float = 4"),
    "annotation of a variable": ("total: float = 0.0", "total = 0.0"),
    "annotation of a field": ("rate: float", "rate: int"),
    "returned": (" -> float:", ":"),
    "import for annotations": ("    from pathlib import Path\n", "    from os import PathLike\n"),
    "title of a plugin": ('"title": "U-Net", ', '"title": "Wave-U-Net", "tasks": ["denoise"], '),
}
OTHER = {
    "constant": ("1.5e-3", "1.6e-3"),
    "kind of a constant": ("0.0", "0"),
    "operator": ("** 2", "* 2"),
    "comparison": ("n < 1", "n <= 1"),
    "default": ("n: int = 4", "n: int = 5"),
    "default of a field": ("steps: int = 3", "steps: int = 4"),
    "order of fields": (
        "    steps: int = 3\n    kinds: ClassVar[int] = 2",
        "    kinds: ClassVar[int] = 2\n    steps: int = 3",
    ),
    "field that is none": ("steps: int = 3", "steps: ClassVar[int] = 3"),
    "field removed": ("    rate: float\n", ""),
    "decorator": ("frozen=True", "frozen=False"),
    "kind of error": ("raise ValueError", "raise TypeError"),
    "number of an error": ('f"n is {n}: must be at least 1"', "n"),
    "text that is a result": ("{total:.3f} of", "{total:.2f} of"),
    "text with an effect": ('f"n is {n}: must', 'f"n is {(n := 2)}: must'),
    "log line that is used": ("        log.info(", "        total = log.info("),
    "condition with an effect": ("        log.info", "        if x.pop():\n            log.info"),
    "a function called log": (
        "        log.info(",
        "        np.log(total, total)\n        log.info(",
    ),
    "domain of a plugin": ('"domain": "waveform"', '"domain": "spectrogram"'),
    "positional": ("path: Path | None = None, *,", "*, path: Path | None = None,"),
}


def normal(source):
    return text(cleaned(source)[0])


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME)
def test_what_changes_no_number_does_not_count(old, new):
    assert SOURCE.count(old) == 1
    assert normal(SOURCE.replace(old, new)) == normal(SOURCE)


@pytest.mark.parametrize(("old", "new"), OTHER.values(), ids=OTHER)
def test_what_may_change_a_number_counts(old, new):
    assert SOURCE.count(old) == 1
    assert normal(SOURCE.replace(old, new)) != normal(SOURCE)


def test_the_text_is_the_same_in_all_versions_of_python():
    # noted with Python 3.11, and the same in 3.12 and 3.13
    assert sha256(normal(SOURCE).encode()).hexdigest()[:12] == "4ccb1ac655bd"


def test_what_only_annotations_and_messages_name():
    _, mentioned = cleaned(SOURCE)
    assert {"ArrayLike", "Path", "TYPE_CHECKING"} <= mentioned
    assert not {"np", "dataclass", "x", "n"} & mentioned


def silent(tree):
    """The nodes of a tree that are in errors, log lines or annotations."""
    for node in ast.walk(tree):
        match node:
            case ast.Raise() | ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name("log")))):
                yield from ast.walk(node)
            case ast.arg(annotation=ast.AST() as part) | ast.AnnAssign(annotation=part):
                yield from ast.walk(part)
            case ast.FunctionDef(returns=ast.AST() as part):
                yield from ast.walk(part)


@pytest.mark.parametrize(
    "file",
    [
        "fitting/loop.py",
        "fitting/objectives/separation.py",
        "fitting/objectives/spectral.py",
        "fitting/cpu/library.py",
        "nn/dilated_unet.py",
        "data/corruptions/gaps.py",
        "data/corruptions/quantization.py",
        "scoring/statistics.py",
    ],
)
def test_every_number_and_every_operator_of_a_module_counts(file):
    counts = 0
    for statement in ast.parse((PACKAGE / file).read_text()).body:
        if "'options':" in ast.unparse(statement):  # of a corruption: a parameter of its jobs
            continue
        before = normal(ast.unparse(statement))
        unread = set(silent(statement))
        for node in set(ast.walk(statement)) - unread:
            match node:
                case ast.Constant(value=bool() | int() | float() as value):
                    node.value = value + 1
                    assert normal(ast.unparse(statement)) != before, ast.unparse(node)
                    node.value = value
                case ast.BinOp(op=operator) | ast.AugAssign(op=operator):
                    node.op = ast.FloorDiv() if isinstance(operator, ast.Mod) else ast.Mod()
                    assert normal(ast.unparse(statement)) != before, ast.unparse(node)
                    node.op = operator
                case ast.Compare(ops=[operator, *_] as operators):
                    operators[0] = ast.NotEq() if isinstance(operator, ast.Eq) else ast.Eq()
                    assert normal(ast.unparse(statement)) != before, ast.unparse(node)
                    operators[0] = operator
                case _:
                    continue
            counts += 1
    assert counts > 10


C = """\
#include <math.h> /* for fmaf */
#define LANES  8 /* of a vector
                    register */
#define NEXT(i) ((i) \\
                 + 1)
// a comment
static float f(const float *x, int n) { /* sums "/* */
    float s = 0.5f;
    for (int i = 0; i < n; i++) s+=x[i]; // and on
    return s - -1;
}
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("// a comment\n", ""),
        (' /* sums "/* */', ""),
        (" // and on", " /* on */"),
        ("    float s = 0.5f;\n", "  float s=0.5f;   "),
        ("s+=x[i]", "s += x[i]"),
        ("LANES  8", "LANES 8"),
        ("#define NEXT(i) ((i) \\\n                 + 1)", "#define NEXT(i) ((i) + 1)"),
    ],
)
def test_formatting_and_comments_of_c_do_not_count(old, new):
    assert C.count(old) == 1
    assert c_code(C.replace(old, new)) == c_code(C)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.5f", "0.25f"),
        ("i < n", "i <= n"),
        ("s - -1", "s--1"),
        ("LANES  8", "LANES 16"),
        ("NEXT(i) (", "NEXT (i) ("),
        ("#include <math.h>", "#include <tgmath.h>"),
        ("i++", "++i"),
    ],
)
def test_the_code_of_c_counts(old, new):
    assert C.count(old) == 1
    assert c_code(C.replace(old, new)) != c_code(C)


def test_directives_of_c_keep_their_lines():
    assert c_code(C).splitlines() == [
        "#include <math.h>",
        "#define LANES 8",
        "#define NEXT(i) ((i) + 1)",
        " static float f ( const float * x , int n ) { float s = 0.5f ; "
        "for ( int i = 0 ; i < n ; i ++ ) s += x [ i ] ; return s - - 1 ; }",
    ]
