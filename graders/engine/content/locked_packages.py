"""What a server may import: the packages of the lock, and those that a class adds.

Reads the files that pip installs from (a test keeps them equal to `uv.lock`); looks at nothing that
is installed. ``python -m graders.engine.content.locked_packages`` prints `docs/environment.md`.
"""

from __future__ import annotations

import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.markers import Marker

from graders.engine.core.places import REPOSITORY

EXPORT_NAME = Path("graders") / "requirements.txt"
COURSE_LOCK_NAME = "course.lock"
# Of what the project itself asks for, this is for grading; no server needs it.
GRADERS_OWN = frozenset(
    {"hypothesis", "httpcore", "httpcore2", "markupsafe", "pydantic-core", "pytest"}
    | {"pytest-asyncio", "pytest-httpx2", "respx", "rich", "time-machine", "typer", "watchfiles"}
)

_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)"
    r"(?:[ ]*;[ ]*(?P<where>[^\\\n]+))?",
    re.MULTILINE,
)
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class LockedPackage(NamedTuple):
    """One package of one version; ``where`` says on which systems, as a marker, empty for all."""

    name: str
    version: str
    where: str = ""

    @property
    def is_for_here(self) -> bool:
        """Whether it belongs to this system and this Python."""
        return not self.where or Marker(self.where).evaluate()


class ServerPackages(NamedTuple):
    """The packages that are there: asked for by name, needed by these, and added by a class."""

    promised: tuple[LockedPackage, ...]
    others: tuple[LockedPackage, ...]
    of_course: tuple[LockedPackage, ...]


def packages_of(root: Path) -> ServerPackages:
    """Return the packages of the repository ``root``, each list in the order of the names."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {normal(found[0]) for each in project["dependencies"] if (found := _NAME.match(each))}
    locked = sorted(pins((root / EXPORT_NAME).read_text(encoding="utf-8")))
    promised = asked - GRADERS_OWN
    added = root / COURSE_LOCK_NAME
    return ServerPackages(
        tuple(each for each in locked if each.name in promised),
        tuple(each for each in locked if each.name not in promised),
        tuple(sorted(pins(added.read_text(encoding="utf-8")))) if added.is_file() else (),
    )


def pins(text: str) -> Iterator[LockedPackage]:
    """Yield what a requirements file pins."""
    for found in _PIN.finditer(text):
        where = (found["where"] or "").strip()
        yield LockedPackage(normal(found["name"]), found["version"], where)


def normal(name: str) -> str:
    """Return the name of a package as all its spellings have it: `Flask_Login` is `flask-login`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def page(packages: ServerPackages) -> str:
    """Return `docs/environment.md`."""
    promised = "\n".join(f"| `{each.name}` | {each.version} |" for each in packages.promised)
    others = ", ".join(
        f"`{each.name}` {each.version}{' (on some systems)' if each.where else ''}"
        for each in packages.others
    )
    return _PAGE.format(
        promised=promised, others=textwrap.fill(f"{others}.", 100, break_on_hyphens=False)
    )


_PAGE = """\
# The environment

What a student's server may import, beside Python's standard library and its own files. This page is
made from the lock file; `python grade.py env` prints the same for a checkout, with what a class has
added. [what-a-server-may-use.md](what-a-server-may-use.md) says what works when a server is graded.

| package | version |
|---|---|
{promised}

Also there, because the grader or one of these needs it, and without a promise that it stays:
{others}

## Add a package for a class

```
python grade.py env add pandas
```

writes `pandas` into `packages` of `course.yaml` ([course.md](course.md)), looks for versions that
fit beside the grader's own, and writes them with their hashes into `course.lock`. Commit both:
every machine with this checkout then installs the same at its next run. A version can be given:
`python grade.py env add "pandas<3"`. After a change of `packages` by hand, or a new version of the
grader, `python grade.py env lock` writes `course.lock` anew; until then nothing is graded.

With [uv](https://docs.astral.sh/uv/) the lock is good for every system. With pip alone it is good
for the kind of system and the Python that it was made on.
"""


if __name__ == "__main__":
    sys.stdout.write(page(packages_of(REPOSITORY)))
