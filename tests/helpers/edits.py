"""Edits of sources, whatever these hold at the moment."""

import ast
import re
from pathlib import Path

HARMLESS = "assert True"


def change(path: Path, name: str, statement: str = HARMLESS) -> None:
    """Change what a name at the top of a module stands for, or a method.

    A value is taken out of a list that it is put into. A function or a class starts with another
    statement, after its docstring.
    """
    lines = path.read_text().splitlines()
    node = ast.parse("\n".join(lines))
    for part in name.split("."):
        (node,) = [each for each in node.body if part in _bound(each)]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        value = ast.unparse(node.value)
        lines[node.lineno - 1 : node.value.end_lineno] = [f"{target} = [{value}][0]"]
    else:
        first = node.body[0]
        documented = ast.get_docstring(node) is not None
        line = first.end_lineno if documented else first.lineno - 1
        lines.insert(line, " " * first.col_offset + statement)
    path.write_text("\n".join(lines) + "\n")


def substitute(path: Path, pattern: str, replacement: str, *, count: int = 1) -> None:
    """Replace what a pattern matches, which has to be there; the first match of it, or more."""
    source, replaced = re.subn(pattern, replacement, path.read_text(), count=count, flags=re.S)
    assert replaced, (path, pattern)
    path.write_text(source)


def _bound(node: ast.AST) -> set[str | None]:
    """The names that a statement gives a value."""
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    return {getattr(node, "name", None), *(getattr(target, "id", None) for target in targets)}
