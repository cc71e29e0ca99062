"""The two ways to install the locked packages: uv, else venv and pip.

Both are told to compile bytecode, and run without the user's ``PYTHON*`` settings: where
``PYTHONDONTWRITEBYTECODE`` held, every later start would take twice as long. Must not know when
an environment has to be built.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from graders.bootstrap.stamp import COURSE_LOCK_NAME, EXPORT_NAMES, has_course_lock, python_of
from graders.bootstrap.trouble import explain, no_venv_module

STOP_SECONDS = 5
"""How long an interrupted installer may take to end by itself."""

# Settings that would send packages somewhere else than into our environment.
_MISLEADING = (
    "VIRTUAL_ENV",
    "PIP_NO_COMPILE",
    "PIP_NO_DEPS",
    "PIP_PREFIX",
    "PIP_QUIET",
    "PIP_REQUIREMENT",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "UV_FROZEN",
    "UV_LOCKED",
    "UV_NO_SYNC",
    "UV_PROJECT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_WORKING_DIRECTORY",
)
_SECRET = re.compile(r"_(API_KEY|SECRET|TOKEN)$")

Step = tuple[str, str]
"""A stage of the work and what it is at."""


class Command(NamedTuple):
    """One program to run, the name to call it by, and how its progress is read."""

    name: str
    words: tuple[str, ...]
    step: Callable[[str], Step | None]
    environment: Mapping[str, str]


class Installer(NamedTuple):
    """A way to make an environment: ``commands`` for a new one, or for one to be added to."""

    name: str
    expectation: str
    commands: Callable[[Path, Path, Sequence[str], bool], list[Command]]


def choose_installer() -> Installer:
    """Return uv where it is installed and works, else venv and pip.

    A ``uv`` that does not even tell its version (a pyenv shim, say) counts as absent.
    """
    uv = shutil.which("uv")
    if uv is not None and _answers(uv):
        return Installer("uv", "usually less than a minute", uv_commands)
    if not venv_module_is_complete():
        raise no_venv_module()
    return Installer("pip", "usually one to three minutes", pip_commands)


def uv_commands(root: Path, venv: Path, groups: Sequence[str], new: bool) -> list[Command]:  # noqa: ARG001 - uv makes and mends in one
    """Return what uv has to do; ``new`` makes no difference to it."""
    words = ["uv", "sync", "--project", str(root), "--frozen", "--no-default-groups"]
    words += ["--compile-bytecode", "--no-progress", "--python", base_python()]
    for group in groups:
        words += ["--group", group]
    environment = clean_environment(os.environ) | {"UV_PROJECT_ENVIRONMENT": str(venv)}
    sync = Command("uv sync", tuple(words), uv_step, environment)
    if not has_course_lock(root):
        return [sync]
    # After `uv sync`, which removes all that its own lock does not name.
    # From our own folder: uv also reads the settings of the one that it is started in, which in a
    # classroom is the student's.
    words = ["uv", "pip", "install", "--directory", str(root), "--python", str(python_of(venv))]
    words += ["--require-hashes", "--no-deps", "--compile-bytecode", "--no-progress"]
    words += ["--requirement", str(root / COURSE_LOCK_NAME)]
    return [sync, Command("uv pip install", tuple(words), uv_step, environment)]


def pip_commands(root: Path, venv: Path, groups: Sequence[str], new: bool) -> list[Command]:
    """Return what venv (for a new environment) and pip have to do."""
    environment = clean_environment(os.environ)
    make = (base_python(), "-I", "-m", "venv", str(venv))
    words = [str(python_of(venv)), "-I", "-m", "pip", "install", "--require-hashes", "--no-deps"]
    words += ["--compile", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    for name in ["", *groups]:
        words += ["--requirement", str(root / EXPORT_NAMES[name])]
    if has_course_lock(root):
        words += ["--requirement", str(root / COURSE_LOCK_NAME)]
    install = Command("pip install", tuple(words), pip_step, environment)
    return [Command("python -m venv", make, pip_step, environment), install] if new else [install]


def uv_step(line: str) -> Step | None:
    """Read one line of uv's: ``Prepared 70 packages in 3s``."""
    stage, _, detail = line.strip().partition(" ")
    return (stage.lower(), detail) if stage in {"Downloading", "Prepared", "Installed"} else None


def pip_step(line: str) -> Step | None:
    """Read one line of pip's: ``Collecting fastapi==0.165.0 (from -r ...)``."""
    start, _, rest = line.strip().partition(" ")
    if start == "Collecting":
        return "downloading", rest.partition(" ")[0]
    if line.startswith("Installing collected packages: "):
        return "installing", f"{line.count(',') + 1} packages"
    return None


def run(command: Command, on_step: Callable[[str, str], None]) -> None:
    """Run one command to its end, telling each step; raise a SetupError that explains a failure."""
    output: list[str] = []
    on_step("starting", command.name)
    with _started(command) as process:
        for line in process.stdout or ():
            output.append(line.rstrip())
            step = command.step(output[-1])
            if step is not None:
                on_step(*step)
        code = process.wait()
    if code != 0:
        raise explain(command.name, code, output)


def base_python() -> str:
    """Return the interpreter under any virtual environment, which may be the one to be removed."""
    return str(getattr(sys, "_base_executable", sys.executable))


def venv_module_is_complete() -> bool:
    """Return whether this Python can make environments.

    Debian's cannot without an extra package.
    """
    return find_spec("venv") is not None and find_spec("ensurepip") is not None


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for an installer: none that misleads it, and no key or token."""
    return {
        name: value
        for name, value in variables.items()
        if not name.startswith("PYTHON") and name not in _MISLEADING and not _SECRET.search(name)
    }


def _answers(uv: str) -> bool:
    try:
        done = subprocess.run([uv, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@contextmanager
def _started(command: Command) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command.words,
        env=dict(command.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    """End the process if it still runs, as after Ctrl-C: first politely."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
