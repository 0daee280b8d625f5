"""A study's YAML file, read so that nothing in it is lost or taken for something else in silence.

What is read is what `yaml.safe_load` reads. Refused, with the line, is what it reads as few people
mean it: of two equal keys the last, `010` as 8 and `1:30` as 90, which YAML 1.2 takes for 10 and
for text.

Light on purpose: the Snakefile and every cluster job parse it.
"""

import re
from pathlib import Path
from typing import NoReturn

from dap.errors import DapError, extra
from dap.plugin_literals import shown

with extra("workflow"):
    import yaml

# those that aliases repeat are counted each time: a file of a few lines may have billions
MOST_VALUES = 100_000
TEXT, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
# numbers with a zero in front, and those of base 60
OLD_NUMBER = re.compile(r"[-+]?(0[0-9_]+|[0-9_]+(:[0-9_]+)+(\.[0-9_]*)?)")


def load(path: Path) -> dict:
    """Read a study's YAML.

    Raises:
        DapError: it is not there, not UTF-8, or not YAML, or holds no keys; a key is there twice,
            or is no text; a number is one that versions of YAML read otherwise. The message has the
            file, and the line.
    """
    where = shown(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DapError(f"{where}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DapError(
            f"{where}: is not UTF-8 (byte {error.start}): save it in that encoding"
        ) from error
    try:
        content = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        reason = " ".join(str(error.problem).split())
        why = reason if isinstance(error, _RefusedError) else f"cannot be read as YAML: {reason}"
        raise DapError(f"{where}{line}: {why}") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise DapError(f"{where}: cannot be read as YAML: {reason}") from error
    except RecursionError as error:
        raise DapError(f"{where}: cannot be read as YAML: it is nested too deeply") from error
    if not isinstance(content, dict):
        raise DapError(f"{where}: holds no keys: a study is a mapping, such as `study: NAME`")
    return content


class _RefusedError(yaml.MarkedYAMLError):
    """What YAML allows, and a study may not have."""


class _Loader(yaml.SafeLoader):
    """Checks the nodes, which know their lines, as soon as each is whole."""

    def __init__(self, stream: str):
        super().__init__(stream)
        self._values: dict[yaml.Node, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        if node is None:
            return node
        if not alias:
            self._values[node] = 1 + sum(self._values[below] for below in _below(node))
            if isinstance(node, yaml.MappingNode):
                _check_keys(node)
            elif isinstance(node, yaml.ScalarNode) and node.tag in NUMBERS:
                _check_number(node)
        if node not in self._values:
            _refuse(node, "it contains itself, by an alias")
        if self._values[node] > MOST_VALUES:
            _refuse(node, f"its aliases make more than {MOST_VALUES} values of it")
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        if not isinstance(node, yaml.ScalarNode):
            return super().construct_object(node, deep)
        try:
            return super().construct_object(node, deep)
        except (AttributeError, LookupError, ValueError):
            # such as the 30th of February, or a number of thousands of digits
            kind = node.tag.rpartition(":")[2]
            _refuse(node, f"{node.value[:40]!r} cannot be read as {kind}; put text in quotes")


def _below(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [below for pair in node.value for below in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _check_keys(node: yaml.MappingNode) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.tag not in (TEXT, MERGE):
            text = key.value if isinstance(key, yaml.ScalarNode) else "of several parts"
            _refuse(key, f"the key {text or '(none)'} is no text: put it in quotes")
        if key.value in lines:
            _refuse(
                key,
                f"the key {key.value!r} is there twice, on lines {lines[key.value]} and {line}: "
                "remove one",
            )
        lines[key.value] = line


def _check_number(node: yaml.ScalarNode) -> None:
    if OLD_NUMBER.fullmatch(node.value):
        _refuse(
            node,
            f"{node.value} is read as a number of base 8 or 60 by some and not by others: write "
            "the number without ':' and without a zero in front, or put text in quotes",
        )


def _refuse(node: yaml.Node, problem: str) -> NoReturn:
    raise _RefusedError(problem=problem, problem_mark=node.start_mark)
