"""``grade.py env add`` and ``env lock``: the packages of a class, into `course.yaml` and its lock.

Both files are written only once everything is known to fit. Installs nothing: the next run does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from graders.engine.cli.context import CommandContext
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.resolving import Resolved, find_uv, resolve
from graders.engine.content.course import COURSE_NAME, checked_packages, find_course
from graders.engine.content.course_packages import lock_text, with_packages
from graders.engine.content.fields import did_you_mean
from graders.engine.content.locked_packages import COURSE_LOCK_NAME, normal, packages_of
from graders.engine.core.errors import UsageError
from graders.engine.core.text import quote
from graders.engine.reports.files import require_writable, write_whole

NEXT = "The next run of grade.py installs them."


def change_packages(context: CommandContext, action: str, packages: Sequence[str]) -> ExitCode:
    """Do what was asked for: `add` or `lock`."""
    match action:
        case "add":
            return add_packages(context, packages)
        case "lock" if not packages:
            return lock_packages(context)
        case "lock":
            raise UsageError(
                "`env lock` takes no packages: it locks those of course.yaml.",
                cure=f"`python grade.py env add {' '.join(map(quote, packages))}`",
            )
        case _:
            raise UsageError(
                f"`env` knows no `{quote(action)}`.", cure=did_you_mean(action, ("add", "lock"))
            )


def add_packages(context: CommandContext, packages: Sequence[str]) -> ExitCode:
    """Add packages to the class, and lock all of its packages."""
    if not packages:
        raise UsageError("No package is named.", cure="`python grade.py env add pandas`")
    checked_packages(packages)
    missing = [each for each in packages if not _is_there(context, each)]
    if not missing:
        return ExitCode.FULL_MARKS
    path = context.course_file or context.root / COURSE_NAME
    course = find_course(context.root, context.course_file)
    text = path.read_text(encoding="utf-8") if course is not None else "format_version: 1\n"
    changed = with_packages(text, missing, path)
    before = course.told.packages if course is not None else ()
    _lock(context, tuple(dict.fromkeys((*before, *missing))), path, changed)
    return ExitCode.FULL_MARKS


def lock_packages(context: CommandContext) -> ExitCode:
    """Lock the packages that the class has, or remove the lock if it has none."""
    course = find_course(context.root, context.course_file)
    packages = course.told.packages if course is not None else ()
    if packages:
        _lock(context, packages)
        return ExitCode.FULL_MARKS
    lock = context.root / COURSE_LOCK_NAME
    lock.unlink(missing_ok=True)
    print(f"The class adds no packages, so there is no {COURSE_LOCK_NAME}.", file=context.err)
    return ExitCode.FULL_MARKS


def _is_there(context: CommandContext, package: str) -> bool:
    """Tell of a package, named without a version, that servers may import anyway."""
    found = packages_of(context.root)
    for each in (*found.promised, *found.others, *found.of_course):
        if each.name == normal(package):
            print(f"{each.name} {each.version} is there already.", file=context.err)
            return True
    return False


def _lock(
    context: CommandContext, packages: Sequence[str], path: Path | None = None, course: str = ""
) -> None:
    lock = context.root / COURSE_LOCK_NAME
    for each in (lock, *([path] if path else [])):
        require_writable(each)
    uv = find_uv()
    print(f"Asking {'uv' if uv else 'pip'} for versions that fit ...", file=context.err)
    resolved = resolve(packages, context.root, uv=uv)
    write_whole(lock, lock_text(packages, resolved.pins, context.root, resolved.good_for))
    if path is not None:
        write_whole(path, course)
    _tell(context, packages, resolved)


def _tell(context: CommandContext, packages: Sequence[str], resolved: Resolved) -> None:
    shown = ", ".join(f"{each.name} {each.version}" for each in resolved.pins) or "nothing new"
    print(f"{COURSE_LOCK_NAME} for {quote(', '.join(packages), 300)}: {shown}.", file=context.err)
    print(f"It is good for {resolved.good_for}. {NEXT}", file=context.err)
