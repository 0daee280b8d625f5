"""What the names in a module lead to: the statements that count where a name is used.

A name at the top of a module stands for the statements that give it its value, and these lead to
all names that they read. Statements that do more than give names a value, such as a call or an
`if`, count wherever their module is imported. In doubt more counts: a local variable leads to what
has its name at the top, and a module that is passed on, or asked for what it does not define,
counts whole.

Three things are not seen, and the package does without them: a name that is put together at run
time, a function that is changed from another module, and a call that does more than make the value
of a constant.
"""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from dap.plugins import source
from dap.study.code_syntax import cleaned, names, text

# decorators that do nothing beside what they do to their function
PURE = {"cache", "cached_property", "classmethod", "contextmanager", "dataclass", "lru_cache"}
PURE |= {"property", "runtime_checkable", "staticmethod", "total_ordering", "wraps"}
# whoever calls these may read any name
REFLECTION = {"eval", "exec", "globals", "vars"}
# in place of a name: all of a module, or what counts with any of its names
ALL, ANY = "*", ""


class Import(NamedTuple):
    """What an imported name stands for.

    Attributes:
        module: dotted name of one of the package's modules; "" for others.
        name: of what is imported from it; "" for the module itself.
        line: counts where the name is used; "" for what is outside.
    """

    module: str
    name: str
    line: str


Imports = dict[str, list[Import]]


class Statement(NamedTuple):
    """A statement at the top of a module, imports excepted.

    Attributes:
        text: its syntax.
        binds: names at the top that it gives a value.
        reads: names, each with the attributes that are asked of it.
        imports: inside of it, by name.
    """

    text: str
    binds: frozenset[str]
    reads: tuple[tuple[str, ...], ...]
    imports: Imports


class Step(NamedTuple):
    """Where a name of a module leads.

    Attributes:
        counting: numbers of the module's statements, and lines of its imports.
        onward: modules, and names of them.
    """

    counting: frozenset[int | str]
    onward: frozenset[tuple[str, str]]


@dataclass
class Module:
    """A parsed module.

    Attributes:
        statements: in their order.
        always: the numbers of those that count where it is imported.
        imports: at its top, by name.
        mentioned: names that are read in nothing that counts, such as annotations.
        loads: the modules of the package that it imports.
    """

    is_package: bool
    mentioned: set[str]
    statements: list[Statement] = field(default_factory=list)
    always: list[int] = field(default_factory=list)
    imports: Imports = field(default_factory=dict)
    loads: set[str] = field(default_factory=set)

    @cached_property
    def bound(self) -> dict[str, list[int]]:
        """By name, the numbers of the statements that give it a value."""
        result: dict[str, list[int]] = {}
        for number, statement in enumerate(self.statements):
            for name in statement.binds:
                result.setdefault(name, []).append(number)
        return result

    @cached_property
    def unread(self) -> list[Import]:
        """What is imported for other modules, or for what its import does."""
        read = {chain[0] for statement in self.statements for chain in statement.reads}
        names = self.imports.keys() - read - self.mentioned
        return [one for name in names for one in self.imports[name]]

    def texts(self, counting: Iterable[int | str]) -> list[str]:
        """Lines of imports and statements, in an order of their own."""
        lines = sorted(part for part in counting if isinstance(part, str))
        numbers = sorted(part for part in counting if isinstance(part, int))
        return lines + [self.statements[number].text for number in numbers]


class Sources:
    """The modules of a package, each read and parsed once.

    Files beside them, such as scripts, are modules, too, by the names of their paths. So are
    plugins from outside, and what they import of their own packages.

    Args:
        package: its folder.
        outside: dotted names of modules, and of names in modules, that do not count.
    """

    def __init__(self, package: Path, outside: Iterable[str]):
        self.package, self.outside = package, tuple(outside)
        self._modules: dict[str, Module] = {}
        self._steps: dict[tuple[str, str], Step] = {}
        self._known: dict[str, bool] = {}
        # first parts of modules' names
        self._ours = {package.name}

    def reached(self, modules: Iterable[str]) -> dict[str, frozenset[int | str]]:
        """What counts of each module where all of some modules does."""
        todo, seen = [(name, ALL) for name in modules], set()
        plugins = {name.partition(".")[0] for name, _ in todo if not name.endswith(".py")}
        if new := plugins - self._ours:
            self._ours |= new
            self._known.clear()
        result: dict[str, frozenset[int | str]] = {}
        while todo:
            if (key := todo.pop()) in seen:
                continue
            seen.add(key)
            if key not in self._steps:
                self._steps[key] = self._step(*key)
            step = self._steps[key]
            if step.counting:
                result[key[0]] = result.get(key[0], frozenset()) | step.counting
            todo += step.onward
        return result

    def module(self, name: str) -> Module:
        """A module by its dotted name, or a file by its path below the package's parent."""
        if name not in self._modules:
            self._modules[name] = self._parsed(name)
        return self._modules[name]

    def path(self, name: str) -> Path:
        """Where the source of a module is, if there is such a module."""
        if name.endswith(".py"):
            return self.package.parent / name
        if name.partition(".")[0] != self.package.name:
            return source(name) or Path(name)
        base = self.package.parent.joinpath(*name.split("."))
        return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")

    def has(self, name: str) -> bool:
        """Whether the package has a module of this name."""
        if name not in self._known:
            ours = name.partition(".")[0] in self._ours
            self._known[name] = ours and self.path(name).is_file()
        return self._known[name]

    def is_outside(self, name: str) -> bool:
        """Whether a module, or a name in a module, does not count."""
        return any(f"{name}.".startswith(f"{other}.") for other in self.outside)

    # ------------------------------------------------------------------ where names lead

    def _step(self, of: str, name: str) -> Step:
        """Where a name of a module leads, or all of it, or what counts with any name."""
        module = self.module(of)
        numbers, imports = list(module.always), [] if module.is_package else module.unread
        if name == ALL or not (name == ANY or name in module.bound or name in module.imports):
            numbers, imports = list(range(len(module.statements))), module.unread
        elif name:
            numbers += module.bound.get(name, [])
            imports = imports + module.imports.get(name, [])
        counting: set[int | str] = set()
        onward = {(loaded, ANY) for loaded in module.loads}
        for one in imports:
            counting.add(one.line)
            onward |= self._target(one)
        for number in numbers:
            statement = module.statements[number]
            inside = not self._is_outside(of, statement)
            if inside:
                counting.add(number)
            for head, *asked in statement.reads:
                if head in REFLECTION:
                    onward.add((of, ALL))
                if head in module.bound:
                    onward.add((of, head))
                for one in statement.imports.get(head, []):
                    onward |= self._target(one, asked)
                for one in module.imports.get(head, []):
                    if inside:
                        counting.add(one.line)
                    onward |= self._target(one, asked)
            read = {head for head, *_ in statement.reads}
            for unread in statement.imports.keys() - read:
                for one in statement.imports[unread]:
                    onward |= self._target(one)
        counting = set() if self.is_outside(of) else counting - {""}
        return Step(frozenset(counting), frozenset(onward))

    def _is_outside(self, of: str, statement: Statement) -> bool:
        names = [f"{of}.{name}" for name in statement.binds] or [of]
        return all(map(self.is_outside, names))

    def _target(self, one: Import, asked: Sequence[str] = ()) -> set[tuple[str, str]]:
        """What an import leads to, with the attributes that are asked of it."""
        if not one.module:
            return set()
        module, names = one.module, [one.name, *asked] if one.name else list(asked)
        while names and self.has(f"{module}.{names[0]}"):
            module = f"{module}.{names.pop(0)}"
        parents = module.split(".")[:-1]
        # the packages on the way are imported, too
        packages = (".".join(parents[:depth]) for depth in range(1, len(parents) + 1))
        onward = {(package, ANY) for package in packages if self.has(package)}
        return onward | {(module, names[0] if names else ALL)}

    # ------------------------------------------------------------------ parsing

    def _parsed(self, name: str) -> Module:
        path = self.path(name)
        is_package = path.stem == "__init__"
        package = name if is_package else name.rpartition(".")[0]
        tree, mentioned = cleaned(path.read_bytes())
        module = Module(is_package, mentioned)
        for node in tree.body:
            imports = _Imports(self, package, mentioned)
            node = imports.visit(node)
            defines = True
            if node is not None and not isinstance(node, ast.Import | ast.ImportFrom):
                binds, defines = _bound(node)
                if not defines:
                    module.always.append(len(module.statements))
                statement = Statement(text(node), binds, tuple(names(node)), imports.imported)
                module.statements.append(statement)
                if defines:
                    continue
            module.loads |= imports.loads
            for bound, imported in imports.imported.items():
                module.imports.setdefault(bound, []).extend(imported)
        return module


def _bound(node: ast.stmt) -> tuple[frozenset[str], bool]:
    """The names that a statement gives a value, and whether it does nothing else."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            decorators = {ast.unparse(each).partition("(")[0] for each in node.decorator_list}
            pure = {name.rpartition(".")[2] for name in decorators} <= PURE
            return frozenset({node.name}), pure
        case ast.Assign():
            parts = [part for target in node.targets for part in ast.walk(target)]
            plain = ast.Name | ast.Tuple | ast.List | ast.Starred | ast.expr_context
            defines = all(isinstance(part, plain) for part in parts)
        case ast.AugAssign(target=ast.Name()):
            parts, defines = [node.target], True
        case _:
            parts, defines = list(ast.walk(node)), False
    stored = (part for part in parts if isinstance(getattr(part, "ctx", None), ast.Store))
    return frozenset(part.id for part in stored if isinstance(part, ast.Name)), defines


class _Imports(ast.NodeTransformer):
    """Notes what a statement imports, and leaves out what of it does not count."""

    def __init__(self, sources: Sources, package: str, mentioned: set[str]):
        self.sources, self.package, self.mentioned = sources, package, mentioned
        self.imported: Imports = {}
        self.loads: set[str] = set()

    def visit(self, node: ast.AST) -> Any:
        # imports are statements, and no expression has one inside
        return node if isinstance(node, ast.expr) else super().visit(node)

    def visit_Import(self, node: ast.Import) -> ast.Import | None:
        counting = []
        for alias in node.names:
            self._load(alias.name)
            # `import a.b` binds a, `import a.b as c` the module a.b
            top = alias.name.partition(".")[0]
            module = alias.name if alias.asname else top
            if self._note(alias.asname or top, module, "", alias.name):
                counting.append(alias)
        return ast.Import(counting) if counting else None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        parents = self.package.split(".")
        base = parents[: len(parents) + 1 - node.level] if node.level else []
        source = ".".join([*base, *filter(None, [node.module])])
        counting = []
        for alias in node.names:
            whole = f"{source}.{alias.name}"
            module, name = (whole, "") if self.sources.has(whole) else (source, alias.name)
            self._load(module)
            if self._note(alias.asname or alias.name, module, name, whole):
                counting.append(alias)
        return ast.ImportFrom(source, counting, 0) if counting else None

    def _load(self, module: str) -> None:
        if self.sources.has(module):
            self.loads.add(module)

    def _note(self, bound: str, module: str, name: str, whole: str) -> bool:
        """Note what a name stands for, and whether it counts."""
        counts = bound not in self.mentioned and not self.sources.is_outside(whole)
        if not self.sources.has(module):
            module = name = ""
        line = f"{bound} is {whole}" if counts else ""
        self.imported.setdefault(bound, []).append(Import(module, name, line))
        return counts
