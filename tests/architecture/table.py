"""The import table of ``graders/ARCHITECTURE.md``, and who imports whom by the source.

Must not import what it reads: a module is looked at, never run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ENGINE = "graders.engine"


class Import(NamedTuple):
    """One import: the file and line, and the full name of what it asks for."""

    path: Path
    line: int
    name: str

    def place(self) -> str:
        """Return where it stands and what it asks for, for a failure's message."""
        return f"{self.path}:{self.line} imports {self.name}"


def packages_of_table(text: str) -> list[str]:
    """Return the first column of the table whose header's first cell is ``package``."""
    packages: list[str] = []
    in_table = False
    for line in text.splitlines():
        first = _first_cell(line)
        in_table = first is not None and (in_table or first == "package")
        if in_table and first and re.fullmatch(r"`\w+`", first):
            packages.append(first.strip("`"))
    return packages


def student_column(text: str) -> dict[str, str]:
    """Return by package what the last column says of the student's process."""
    packages = set(packages_of_table(text))
    rows = [line.strip("| ").split(" | ") for line in text.splitlines()]
    return {row[0].strip("`"): row[-1] for row in rows if row[0].strip("`") in packages}


def modules_in_student(cell: str, modules: Collection[str]) -> set[str]:
    """Return which of a package's ``modules`` a cell of that column names.

    ``all``, ``all but`` some, ``nothing``, or names; the name of a folder stands for all in it.
    """
    named = re.findall(r"`(\w+)`", cell)
    meant = {name for name in modules if name.partition(".")[0] in named}
    if cell.startswith("all"):
        return set(modules) - meant
    return meant


def modules_under(folder: Path) -> list[Path]:
    """Return every Python file under a folder, in order."""
    return sorted(folder.rglob("*.py"))


def imports_of(path: Path, root: Path) -> Iterator[Import]:
    """Yield every import of a file: at its top, in functions, and for type checking alone."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, path, root)
            for alias in node.names:
                yield Import(path, node.lineno, f"{origin}.{alias.name}")


def engine_package(name: str) -> str | None:
    """Return the engine's package that a full name lies in, or None where it lies elsewhere."""
    parts = name.split(".")
    return parts[2] if parts[:2] == ENGINE.split(".") and len(parts) > 2 else None


def upward_imports(root: Path, packages: list[str]) -> list[str]:
    """Return each import of a package that stands below the importer's own in the table."""
    rank = {package: index for index, package in enumerate(packages)}
    return [
        found.place()
        for package in packages
        for path in modules_under(root / "graders/engine" / package)
        for found in imports_of(path, root)
        if rank.get(engine_package(found.name) or package, len(rank)) > rank[package]
    ]


def _first_cell(line: str) -> str | None:
    return line.split("|")[1].strip() if line.startswith("|") else None


def _origin(node: ast.ImportFrom, path: Path, root: Path) -> str:
    """Return the full name of the module that a ``from`` import names, relative ones resolved."""
    if not node.level:
        return node.module or ""
    parents = path.relative_to(root).with_suffix("").parts[: -node.level]
    return ".".join([*parents, *([node.module] if node.module else [])])


def module_names(root: Path) -> dict[str, Path]:
    """Return every module of the graders by its full name; a package is its ``__init__``."""
    found = {}
    for path in modules_under(root / "graders"):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def file_graph(root: Path) -> dict[str, set[str]]:
    """Return which module imports which: at its top, in functions, and for type checking alone."""
    modules = module_names(root)
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        asked = {_module_of(found.name, modules) for found in imports_of(path, root)}
        graph[name] = {other for other in asked if other is not None} - {name}
    return graph


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other, in however many steps."""
    reached = {name: closure(graph, [name]) for name in graph}
    return sorted(
        group
        for name in graph
        if len(group := sorted(o for o in reached[name] if name in reached[o])) > 1
        and group[0] == name
    )


def closure(graph: Mapping[str, set[str]], starts: Iterable[str]) -> set[str]:
    """Return ``starts`` and all that they import, in however many steps."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph[name]
    return found


def with_parents(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the graph with what Python runs besides: the packages that a module lies in."""
    return {name: {*targets, *(_parents(name, graph))} for name, targets in graph.items()}


def _parents(name: str, known: Collection[str]) -> Iterator[str]:
    parts = name.split(".")
    yield from (
        parent for end in range(1, len(parts)) if (parent := ".".join(parts[:end])) in known
    )


def _module_of(name: str, modules: Collection[str]) -> str | None:
    """Return the module that an imported name is, or is taken from; None for one of others."""
    if name in modules:
        return name
    origin = name.rpartition(".")[0]
    return origin if origin in modules else None
