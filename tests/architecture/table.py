"""The import table of ``graders/ARCHITECTURE.md``, and who imports whom by the source.

Must not import what it reads: a module is looked at, never run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
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
