"""What the Python files of a submission show without being run: their imports and their encoding.

Only ever looked at to explain why a server did not start, and in a copy that no process of it can
change. Must not import anything of it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

_MOST_FILES = 200
_MOST_BYTES = 1 << 20
"""Of all files together: what is larger was not written by hand."""


def missing_packages(root: Path, installed: Collection[str]) -> tuple[str, ...]:
    """Return the packages that files below ``root`` import when they are imported, and lack.

    ``installed`` has the top-level names of installed packages. An import within ``try`` may fail,
    and one within a function may never be made.
    """
    known = {*sys.stdlib_module_names, *installed}
    known |= {path.stem for path in root.rglob("*.py")} | {
        path.name for path in root.iterdir() if path.is_dir()
    }
    names: dict[str, None] = {}
    for path in _python_files(root):
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        names |= dict.fromkeys(name for name in _imported(tree.body) if name not in known)
    return tuple(names)


def not_utf8(root: Path) -> str:
    """Return the first Python file that is not saved as UTF-8, with its line; empty if none is."""
    for path in _python_files(root):
        data = path.read_bytes()
        name = path.relative_to(root).as_posix()
        if b"\0" in data[:1_000] or data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return name
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            return f"{name}, line {data.count(bytes([10]), 0, error.start) + 1}"
    return ""


def _python_files(root: Path) -> Iterator[Path]:
    left = _MOST_BYTES
    files = (path for path in sorted(root.rglob("*.py")) if path.is_file())
    for _, path in zip(range(_MOST_FILES), files, strict=False):
        size = path.stat().st_size
        if size <= left:
            left -= size
            yield path


def _imported(body: Collection[ast.stmt]) -> Iterator[str]:
    """Yield the top-level names that statements at a module's own level import."""
    for statement in body:
        match statement:
            case ast.Import(names=aliases):
                yield from (alias.name.partition(".")[0] for alias in aliases)
            case ast.ImportFrom(level=0, module=str(module)):
                yield module.partition(".")[0]
