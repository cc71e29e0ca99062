"""Takes the checks of some criteria out of a lesson's modules, with all that only they use.

Pure: the sources go in and come out. A name stands for every definition of this name in the lesson,
so what another check may use is kept. Must not import what it reads.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

_Definition: TypeAlias = (
    ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
_IMPORTS = (ast.Import, ast.ImportFrom)
_CHECK = "test_"


@dataclass(frozen=True)
class Cut:
    """What is left of some modules, by name, and the text of what was taken out."""

    kept: Mapping[str, str]
    removed: str


@dataclass(eq=False)
class _Part:
    """One statement at the top of a module: what it defines, and the names that it uses."""

    module: str
    node: ast.stmt
    defines: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    decides: frozenset[str] = frozenset()


@dataclass
class _Lesson:
    """All parts of a lesson, and who defines which name."""

    parts: list[_Part]
    by_name: dict[str, list[_Part]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part in self.parts:
            for name in part.defines:
                self.by_name.setdefault(name, []).append(part)

    def needed_by(self, starts: Iterable[_Part]) -> set[_Part]:
        """Return ``starts`` and all that they use, in however many steps."""
        found: set[_Part] = set()
        waiting = list(starts)
        while waiting:
            part = waiting.pop()
            if part not in found:
                found.add(part)
                waiting += [each for name in part.uses for each in self.by_name.get(name, ())]
        return found


def without_checks(sources: Mapping[str, str], criteria: Collection[str]) -> Cut:
    """Return the modules (``test_basics: text``) without the checks of ``criteria``.

    A module of which nothing is left is left out. A criterion whose check is not found, because its
    id is not written out, is a ValueError.
    """
    lesson = _Lesson([part for name, text in sources.items() for part in _parts(name, text)])
    checks = [part for part in lesson.parts if part.decides & frozenset(criteria)]
    if unknown := frozenset(criteria).difference(*(part.decides for part in checks)):
        raise ValueError(min(unknown))
    suspected = lesson.needed_by(checks)
    kept = lesson.needed_by(part for part in lesson.parts if part not in suspected)
    removed = suspected - kept
    gone = {
        name: frozenset().union(*(part.defines for part in removed if part.module == name))
        for name in sources
    }
    empty = {part.module for part in removed if _is_empty(part.module, lesson, removed)}
    texts = {
        name: _without(text, [part.node for part in removed if part.module == name])
        for name, text in sources.items()
        if name not in empty
    }
    return Cut(
        {name: _without_imports(text, gone, empty) for name, text in texts.items()},
        "\n".join(ast.unparse(part.node) for part in removed),
    )


def criteria_using(sources: Mapping[str, str], fixture: str) -> frozenset[str]:
    """Return what stands in the decorators of checks that use a fixture, in however many steps."""
    lesson = _Lesson([part for name, text in sources.items() for part in _parts(name, text)])
    using = (
        check.decides
        for check in lesson.parts
        if check.decides and any(fixture in part.uses for part in lesson.needed_by([check]))
    )
    return frozenset().union(*using)


def _parts(module: str, text: str) -> Iterator[_Part]:
    for node in ast.parse(text).body:
        if isinstance(node, _IMPORTS):
            continue
        uses = frozenset(_names(node))
        if isinstance(node, _DEFINITIONS):
            is_check = getattr(node, "name", "").startswith(_CHECK)
            # Nothing uses a check, whatever names its decorators hold; one of them is what it
            # decides: `@criterion("its-id")`, or another decorator that makes such a mark.
            defines = frozenset() if is_check else frozenset(_defined(node))
            decides = frozenset(_decorated(node)) if is_check else frozenset()
            yield _Part(module, node, defines, uses, decides)
        else:
            yield _Part(module, node, uses=uses)


def _names(node: ast.AST) -> Iterator[str]:
    """Yield every name that stands in a statement; a fixture is asked for by an argument's name."""
    for each in ast.walk(node):
        match each:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.Constant(value=str(text)) if text.isidentifier():
                yield text


def _defined(node: _Definition) -> Iterator[str]:
    """Yield what others call a definition: its name, and names that a decorator gives it."""
    match node:
        case ast.Assign(targets=targets):
            yield from (each.id for each in targets if isinstance(each, ast.Name))
        case ast.AnnAssign(target=target):
            yield from [target.id] if isinstance(target, ast.Name) else []
        case _:
            yield node.name
            yield from _decorated(node)


def _decorated(node: ast.stmt) -> Iterator[str]:
    """Yield each text that stands in the decorators of a definition."""
    for decorator in getattr(node, "decorator_list", ()):
        for each in ast.walk(decorator):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield each.value


def _is_empty(module: str, lesson: _Lesson, removed: Collection[_Part]) -> bool:
    """Return whether only the text at the top of a module would be left of it."""
    left = (part for part in lesson.parts if part.module == module and part not in removed)
    return all(isinstance(part.node, ast.Expr) for part in left)


def _without(text: str, nodes: Iterable[ast.stmt]) -> str:
    """Return a module without some of its statements, and without the comments above them."""
    lines = text.splitlines()
    gone: set[int] = set()
    for node in nodes:
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(each.lineno for each in decorators)]) - 1
        while first > 0 and lines[first - 1].startswith("#"):
            first -= 1
        gone.update(range(first, node.end_lineno or node.lineno))
    left = "\n".join(line for number, line in enumerate(lines) if number not in gone)
    return re.sub(r"\n{4,}", "\n\n\n", left).rstrip() + "\n"


def _without_imports(text: str, gone: Mapping[str, frozenset[str]], empty: Collection[str]) -> str:
    """Return a module that imports nothing of what is gone from its neighbours."""
    lines = text.splitlines()
    for node in reversed(ast.parse(text).body):
        if not isinstance(node, ast.ImportFrom):
            continue
        origin = (node.module or "").rpartition(".")[2]
        missing = {*gone.get(origin, ()), *empty}
        left = [] if origin in empty else [each for each in node.names if each.name not in missing]
        if len(left) < len(node.names):
            new = ast.unparse(ast.ImportFrom(node.module, left, node.level)) if left else ""
            lines[node.lineno - 1 : node.end_lineno] = new.splitlines()
    return "\n".join(lines) + "\n"
