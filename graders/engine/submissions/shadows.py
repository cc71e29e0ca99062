"""Which of a submission's files hide a module that others need.

Must not import anything; what is installed is told from outside.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path


def shadowing_names(root: Path, installed: Collection[str]) -> list[str]:
    """Return the sorted names of top-level modules in ``root`` that hide another module.

    ``installed`` has the top-level names of installed packages; the standard library's are known.
    ``logging.py`` and ``agents/__init__.py`` hide; a folder without ``__init__.py`` does not, since
    Python prefers any real package to it. Modules built into the interpreter cannot be hidden.
    """
    hideable = (sys.stdlib_module_names | set(installed)) - set(sys.builtin_module_names)
    return sorted(_own_modules(root) & hideable)


def _own_modules(root: Path) -> set[str]:
    modules = {path.stem for path in root.glob("*.py")}
    packages = {path.parent.name for path in root.glob("*/__init__.py")}
    return modules | packages
