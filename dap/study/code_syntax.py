"""Source code without all that changes no number, as texts that are equal where the code is.

Left out are comments, formatting, docstrings, annotations and `if TYPE_CHECKING`; the texts of
errors that are raised; calls that only say something to people (`log.info("...")`); and, of what a
plugin says of itself, the descriptions. The texts do not depend on the version of Python.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

# calls that, as statements, only tell a person something: with a text as their first argument, or
# of a logger whatever they are given
TELLING = {"critical", "debug", "error", "exception", "info", "log", "say", "warn", "warning"}
LOGGERS = {"log", "logger", "logging"}
# what describes a plugin: printed in tables and lists, or checked before any job
DESCRIBED = {"ARCHIVES", "BASELINES", "CORRUPTIONS", "METRICS", "PRIORS", "SYNTHETIC"}
DESCRIPTIVE = {"better", "citation", "corruptions", "label", "licence", "published"}
DESCRIPTIVE |= {"least_iterations", "sample_rates", "tasks", "title"}
# a job has a corruption's options, checked and complete, among its parameters
DESCRIPTIVE |= {"allOf", "options"}
# annotations that make a dataclass treat a name otherwise
MEANINGFUL = {"ClassVar", "InitVar", "KW_ONLY"}
# fields of a tree that say nothing, or not in all versions
UNIMPORTANT = {"ctx", "kind", "type_comment", "type_params"}
EMPTY: tuple[object, ...] = (None, [])
# nodes with nothing inside that could be left out
LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.cmpop, ast.unaryop)
C_TOKENS = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
    | (?P<string> "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
    | (?P<word> \.?[0-9](?:[eEpP][+-]|[\w.])* | \w+ )
    | (?P<sign> <<= | >>= | \.\.\. | -> | \+\+ | -- | << | >> | \#\# | && | \|\|
                | [<>=!*/%+\-&|^]= | [^\s\w] )
    """,
    re.VERBOSE | re.DOTALL,
)


def cleaned(source: str | bytes) -> tuple[ast.Module, set[str]]:
    """A module's tree without what changes no number, and the names that only that mentions."""
    cleaner = _Cleaner()
    tree = cleaner.visit(ast.parse(source))
    read = {node.id for node in _nodes(tree) if isinstance(node, ast.Name)}
    return tree, cleaner.mentioned - read


def text(node: object) -> str:
    """A tree as text, the same in all versions of Python.

    `ast.dump` writes empty fields in some versions and not in others.
    """
    if isinstance(node, ast.JoinedStr):
        node = ast.JoinedStr(_joined(node.values))
    if isinstance(node, ast.AST):
        if isinstance(node, ast.Constant):
            return ascii(node.value)  # repr shows what this version's Unicode calls printable
        shown = [type(node).__name__]
        for name in node._fields:
            value = getattr(node, name, None)
            if value not in EMPTY and name not in UNIMPORTANT:
                shown.append(f"{name}={text(value)}")
        return f"({' '.join(shown)})"
    if isinstance(node, list):
        return f"[{' '.join(map(text, node))}]"
    return ascii(node)


def _joined(parts: list[ast.expr]) -> list[ast.expr]:
    """The parts of an f-string, of which versions cut the plain ones differently."""
    result: list[ast.expr] = []
    for part in parts:
        match part, result[-1:]:
            case ast.Constant(value=""), _:
                pass
            case ast.Constant(value=str(more)), [ast.Constant(value=str(before))]:
                result[-1] = ast.Constant(before + more)
            case _:
                result.append(part)
    return result


def names(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    """The names that a tree reads, each with the attributes that are asked of it."""
    if isinstance(tree, ast.Attribute):
        chain, node = [tree.attr], tree.value
        while isinstance(node, ast.Attribute):
            chain.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            yield (node.id, *reversed(chain))
            return
    match tree:
        case ast.Name(ctx=ast.Load() | ast.Del()):
            yield (tree.id,)
        case ast.Global():
            yield from ((name,) for name in tree.names)
    for child in _children(tree):
        yield from names(child)


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a tree; faster than `ast.walk`."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        nodes += _children(node)
        yield node


def _children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below one; faster than `ast.iter_child_nodes`."""
    children = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            children.append(value)
        elif isinstance(value, list):
            children += [each for each in value if isinstance(each, ast.AST)]
    return children


def c_code(source: str) -> str:
    """C without comments and formatting: a line for each directive, and for all between two."""
    source = re.sub(r"\\\r?\n", "", source)
    source = C_TOKENS.sub(lambda m: " " if m["comment"] else m[0], source)
    lines = [""]
    for line in source.splitlines():
        if line.lstrip().startswith("#"):
            # `F (x)` and `F(x)` are two macros: spaces count, their number does not
            lines += [" ".join(line.split()), ""]
        else:
            lines[-1] += " ".join(["", *(match[0] for match in C_TOKENS.finditer(line))])
    return "\n".join(filter(None, lines))


class _Cleaner(ast.NodeTransformer):
    """Leaves out what changes no number.

    Attributes:
        mentioned: names in what was left out.
    """

    def __init__(self) -> None:
        self.mentioned: set[str] = set()
        self.scopes: list[type] = []

    def visit(self, node: ast.AST) -> Any:
        return node if isinstance(node, LEAVES) else super().visit(node)

    def _leave_out(self, node: ast.AST | None) -> None:
        if node is not None:
            self.mentioned |= _identifiers(node, quoted=False)

    def _leave_out_annotation(self, node: ast.expr | None) -> None:
        if node is not None:
            self.mentioned |= _identifiers(node, quoted=True)

    # ------------------------------------------------------------------ statements

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._scope(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._scope(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self.visit_FunctionDef(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._leave_out_annotation(node.returns)
        node.returns = None
        return self._scope(node)

    def _scope(self, node: ast.AST) -> ast.AST:
        self.scopes.append(type(node))
        self.generic_visit(node)
        self.scopes.pop()
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        self._leave_out_annotation(node.annotation)
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self._leave_out_annotation(node.annotation)
        if self.scopes[-1] is ast.ClassDef:
            # the fields of a dataclass: that they are there, in which order, and their values
            meanings = MEANINGFUL & _identifiers(node.annotation, quoted=True)
            node.annotation = ast.Constant(" ".join(sorted(meanings)))
            return self.generic_visit(node)
        if node.value is None:
            return None
        return self.visit(ast.Assign([node.target], node.value))

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        (first, *others) = node.targets
        described = not others and isinstance(first, ast.Name) and first.id in DESCRIBED
        if described and self.scopes[-1] is ast.Module and isinstance(node.value, ast.Dict):
            for entry in node.value.values:
                _leave_out_descriptions(entry)
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant):
            return None
        if isinstance(node.value, ast.Call) and _tells(node.value):
            self._leave_out(node)
            return None
        return self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        return None

    def visit_If(self, node: ast.If) -> ast.AST | list | None:
        if ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            self._leave_out(node.test)
            others = ast.Module(node.orelse, [])
            self.generic_visit(others)
            return others.body
        self.generic_visit(node)
        if node.body or node.orelse or _holds(node.test, (ast.Call, ast.NamedExpr, ast.Await)):
            return node
        self._leave_out(node.test)
        return None

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            call = node.exc
            call.args = [self._placeholder(argument) for argument in call.args]
            for keyword in call.keywords:
                keyword.value = self._placeholder(keyword.value)
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.msg = node.msg and self._placeholder(node.msg)
        return self.generic_visit(node)

    def _placeholder(self, argument: ast.expr) -> ast.expr:
        if not _is_text(argument):
            return argument
        self._leave_out(argument)
        return ast.Constant("text")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        return None if node.module == "__future__" else node


def _identifiers(tree: ast.AST, *, quoted: bool) -> set[str]:
    """The names and attributes in a tree, those in quotes included: annotations may be."""
    result = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                result.add(name)
            case ast.Constant(value=str(content)) if quoted:
                result.update(re.findall(r"\w+", content))
    return result


def _leave_out_descriptions(entry: ast.expr) -> None:
    if isinstance(entry, ast.Dict):
        pairs = [
            (key, value)
            for key, value in zip(entry.keys, entry.values, strict=True)
            if not (isinstance(key, ast.Constant) and key.value in DESCRIPTIVE)
        ]
        entry.keys, entry.values = [key for key, _ in pairs], [value for _, value in pairs]


def _tells(call: ast.Call) -> bool:
    """Whether a statement that is this call only tells a person something."""
    chain = ast.unparse(call.func).split(".")
    if chain[-1] not in TELLING or not call.args:
        return False
    return _is_text(call.args[0]) or not LOGGERS.isdisjoint(chain[-2:-1])


def _is_text(node: ast.expr) -> bool:
    """Whether an expression can only be a text, and does nothing but make it."""
    if _holds(node, (ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await)):
        return False
    match node:
        case ast.JoinedStr() | ast.Constant(value=str()):
            return True
        case ast.BinOp(op=ast.Add()):
            return _is_text(node.left) or _is_text(node.right)
        case ast.BinOp(op=ast.Mod()):
            return _is_text(node.left)
        case ast.IfExp():
            return _is_text(node.body) and _is_text(node.orelse)
        case ast.Call(func=ast.Attribute(value=template, attr="join" | "format")):
            return _is_text(template)
        case ast.Call(func=ast.Name(id="str")):
            return True
    return False


def _holds(tree: ast.expr, kinds: tuple[type[ast.AST], ...]) -> bool:
    return any(isinstance(node, kinds) for node in _nodes(tree))
