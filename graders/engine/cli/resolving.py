"""Asks uv, else pip, which versions of a class's packages fit beside the grader's own.

Downloads what these need to say so, and installs nothing. Must not write a file of the course.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from graders.engine.content.course_packages import HashedPin
from graders.engine.content.locked_packages import EXPORT_NAME, normal, pins
from graders.engine.core.errors import UsageError
from graders.engine.core.text import visible

OLDEST_PYTHON = "3.11"
MOST_LINES = 6
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_SECRET = re.compile(r"_(API_KEY|SECRET|TOKEN)$")

Run = Callable[[Sequence[str]], "Printed"]


class Printed(NamedTuple):
    """What a program printed, and its exit code."""

    code: int
    out: str
    err: str


class Resolved(NamedTuple):
    """The packages that are to be added, and for which systems that is good."""

    pins: tuple[HashedPin, ...]
    good_for: str


def resolve(
    packages: Sequence[str], root: Path, *, uv: str | None = None, run: Run | None = None
) -> Resolved:
    """Return the pins of ``packages`` and of what they need, without what the grader has itself.

    A UsageError if they do not fit, or if uv or pip cannot find out.
    """
    ask = run or _run
    with tempfile.TemporaryDirectory(prefix="chatkit-packages-") as folder:
        beside = Path(folder, "grader.txt")
        beside.write_text("\n".join(_constraints(root)) + "\n", encoding="utf-8")
        if uv is not None:
            wanted = Path(folder, "class.txt")
            wanted.write_text("\n".join(packages) + "\n", encoding="utf-8")
            found, good_for = _by_uv(ask, uv, wanted, beside), "every system"
        else:
            found, good_for = _by_pip(ask, packages, beside), _this_system()
    own = {each.name for each in pins((root / EXPORT_NAME).read_text(encoding="utf-8"))}
    return Resolved(tuple(each for each in found if each.name not in own), good_for)


def find_uv() -> str | None:
    """Return where uv is, if it is installed."""
    return shutil.which("uv")


def _constraints(root: Path) -> Iterable[str]:
    """Return what the grader pins, its groups included, as lines without hashes."""
    base = root / EXPORT_NAME
    exports = sorted(base.parent.glob(f"{base.stem}*{base.suffix}"))
    texts = [each.read_text(encoding="utf-8") for each in exports]
    found = sorted({each for text in texts for each in pins(text)})
    return [
        f"{each.name}=={each.version}{f' ; {each.where}' if each.where else ''}" for each in found
    ]


def _by_uv(run: Run, uv: str, wanted: Path, beside: Path) -> tuple[HashedPin, ...]:
    words = [uv, "pip", "compile", str(wanted), "--constraints", str(beside), "--universal"]
    words += ["--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-header"]
    words += ["--no-annotate", "--no-progress", "--quiet"]
    said = run(words)
    _require_success(said, "uv")
    blocks = re.split(r"\n(?=\S)", said.out.strip())
    return tuple(
        HashedPin(each.name, each.version, each.where, tuple(_HASH.findall(block)))
        for block in blocks
        for each in pins(block)
    )


def _by_pip(run: Run, packages: Sequence[str], beside: Path) -> tuple[HashedPin, ...]:
    words = [sys.executable, "-I", "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    words += ["--quiet", "--report", "-", "--no-input", "--disable-pip-version-check"]
    words += ["--constraint", str(beside), *packages]
    said = run(words)
    _require_success(said, "pip")
    report: Mapping[str, Any] = json.loads(said.out)
    return tuple(map(_of_report, report["install"]))


def _of_report(entry: Mapping[str, Any]) -> HashedPin:
    told = entry["metadata"]
    digest = entry["download_info"]["archive_info"]["hashes"]["sha256"]
    return HashedPin(normal(told["name"]), told["version"], "", (f"sha256:{digest}",))


def _this_system() -> str:
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return f"{platform.system()} {platform.machine()} with {python}; with uv, for every system"


def _require_success(said: Printed, name: str) -> None:
    if said.code == 0:
        return
    lines = [line for line in (said.err or said.out).splitlines() if line.strip()]
    shown = "\n".join(f"  | {visible(line)}" for line in lines[-MOST_LINES:])
    raise UsageError(
        f"{name} finds no versions that fit beside the grader's own:\n{shown}",
        cure="correct the name or the version, or look at the connection; "
        "`python grade.py env` lists what the grader has.",
    )


def _run(words: Sequence[str]) -> Printed:
    clean = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    try:
        done = subprocess.run(  # noqa: S603 - uv or pip, with packages that were checked
            list(words), capture_output=True, encoding="utf-8", errors="replace", check=False,
            stdin=subprocess.DEVNULL, env=clean,
        )  # fmt: skip
    except OSError as error:
        return Printed(1, "", str(error))
    return Printed(done.returncode, done.stdout, done.stderr)
