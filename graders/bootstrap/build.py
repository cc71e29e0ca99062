"""Makes a missing, half-made or outdated environment anew, or adds a group to one that stands.

Must not know what the environment is for.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from graders.bootstrap import installers
from graders.bootstrap.agreement import require_agreement, require_course_lock
from graders.bootstrap.lock import holding
from graders.bootstrap.notices import Notices
from graders.bootstrap.stamp import (
    Stamp,
    python_of,
    read_stamp,
    remove_stamp,
    stands,
    write_stamp,
)
from graders.bootstrap.trouble import SetupError

# What an environment of venv or uv may hold at its top: a folder with anything else is not ours.
_PARTS_OF_AN_ENVIRONMENT = {
    *("bin", "include", "lib", "lib64", "share", "etc", "man"),
    *("Include", "Lib", "Scripts"),
    *("pyvenv.cfg", "CACHEDIR.TAG", ".gitignore", ".lock"),
}


def build(root: Path, venv: Path, wanted: Stamp, notices: Notices) -> None:
    """Make sure that ``venv`` is what ``wanted`` says; one run at a time."""
    place = shown(venv, root)
    lock = venv.with_name(f"{venv.name}.lock")
    with holding(lock, lambda: notices.say(f"another run is setting up {place}; waiting for it.")):
        if stands(venv, wanted):
            return
        require_agreement(root)
        require_course_lock(root)
        stamp = read_stamp(venv) if python_of(venv).exists() else None
        if stamp is not None and stamp._replace(sources=wanted.sources).covers(wanted):
            write_stamp(venv, stamp._replace(sources=wanted.sources))
            return
        _install(root, venv, stamp, wanted, notices)


def shown(venv: Path, root: Path) -> str:
    """Return how to call the environment's folder: briefly, where it is beside ``grade.py``."""
    return str(venv.relative_to(root)) if venv.is_relative_to(root) else str(venv)


def reason(venv: Path, stamp: Stamp | None, wanted: Stamp) -> str:
    """Say why there is something to do, in half a sentence."""
    if stamp is None:
        return "the environment is half-made" if venv.exists() else "first run"
    if stamp.python != wanted.python:
        return f"the environment was made by another Python ({stamp.python})"
    if stamp.lock != wanted.lock:
        return "the locked packages have changed"
    if stamp.course != wanted.course:
        return "the packages of the class have changed"
    return "some packages are still missing"


def _install(root: Path, venv: Path, stamp: Stamp | None, wanted: Stamp, notices: Notices) -> None:
    installer = installers.choose_installer()
    began = time.monotonic()
    why = reason(venv, stamp, wanted)
    kept = stamp is not None and stamp.same_base(wanted) and stamp.installer == installer.name
    # What a class no longer has must go; what it adds can be added.
    new = not (kept and stamp is not None and stamp.course in {"", wanted.course})
    groups = tuple(sorted({*wanted.groups, *(stamp.groups if stamp else ())}))
    remove_stamp(venv)
    if new:
        clear(venv)
    notices.say(
        f"{why}: installing the locked packages into {shown(venv, root)} "
        f"with {installer.name} ({installer.expectation})."
    )
    for command in installer.commands(root, venv, groups, new):
        installers.run(command, notices.step)
    write_stamp(venv, wanted._replace(groups=groups, installer=installer.name))
    seconds = time.monotonic() - began
    notices.say(f"the environment is ready after {seconds:.0f} s; later runs start at once.")


def clear(venv: Path) -> None:
    """Remove an old or half-made environment, but never a folder that is something else."""
    old = venv.with_name(f"{venv.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if not venv.exists():
        return
    foreign = sorted({entry.name for entry in venv.iterdir()} - _PARTS_OF_AN_ENVIRONMENT)
    if foreign and not (venv / "pyvenv.cfg").exists():
        raise SetupError(
            f"{venv} is not a virtual environment (it holds {foreign[0]}), so it is left alone.",
            "set CHATKIT_GRADER_VENV to a folder that does not exist yet.",
        )
    # Renamed first: were the removal interrupted, what is left could not be told from a folder
    # with something else in it.
    venv.rename(old)
    shutil.rmtree(old, ignore_errors=True)
