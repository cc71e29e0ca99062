"""Whether pyproject.toml, uv.lock and the two exports of it tell the same story.

uv installs from the lock, pip from the exports: a student must get the same packages from both. The
lock of a class, `course.lock`, may only add to them.
Pure: parsed files in, plain sentences out. Must not install anything.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from graders.bootstrap.stamp import COURSE_LOCK_NAME, EXPORT_NAMES, LOCK_NAME, has_course_lock
from graders.bootstrap.trouble import SetupError

Table = dict[str, Any]
CURES = (
    "if you changed no such file, download the project again, whole.",
    "if you did, run .ci/lock (it needs uv) and commit the files that it writes.",
)

COURSE_CURES = ("remove course.lock, then run: python grade.py env lock",)

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?\s*([^;]*)")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(.*(?:\n[ \t].*)*)", re.MULTILINE)
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


class Need(NamedTuple):
    """One requirement of the project, in a form that can be compared."""

    name: str
    extras: frozenset[str]
    versions: frozenset[str]

    def text(self) -> str:
        """Return the requirement as a person writes it."""
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        return self.name + extras + ",".join(sorted(self.versions))


class Pin(NamedTuple):
    """One package of one version, and the hashes that its files may have."""

    name: str
    version: str
    hashes: frozenset[str]


def require_agreement(root: Path) -> None:
    """Raise a :class:`SetupError` that names the file which is behind, if one is."""
    lock = _toml(root / LOCK_NAME)
    stale = differences_from_project(_toml(root / "pyproject.toml"), lock)
    if stale:
        raise SetupError(f"uv.lock does not match pyproject.toml: {stale[0]}.", *CURES)
    for group, name in EXPORT_NAMES.items():
        text = (root / name).read_text("utf-8")
        stale = differences_from_export(text, lock, (group,) if group else ())
        if stale:
            raise SetupError(f"{name} does not match uv.lock: {stale[0]}.", *CURES)


def require_course_lock(root: Path) -> None:
    """Raise a :class:`SetupError` unless a class's own lock only adds packages, with hashes."""
    if not has_course_lock(root):
        return
    text = (root / COURSE_LOCK_NAME).read_text("utf-8")
    wrong = mistake_in_course_lock(text, _toml(root / LOCK_NAME))
    if wrong:
        raise SetupError(f"{COURSE_LOCK_NAME} {wrong}.", *COURSE_CURES)


def mistake_in_course_lock(text: str, lock: Table) -> str:
    """Say what is wrong with a class's own lock, after its name; empty if nothing is."""
    others = _PIN.sub("", re.sub(r"^#.*$", "", text, flags=re.MULTILINE))
    if others.strip():
        # An option of pip, say, which would fetch packages from somewhere else.
        return f"holds something else than packages: {others.split()[0]!r}"
    own = {pin.name for pin in pins_of_lock(lock, ())}
    all_locked = {(package["name"], package["version"]) for package in lock.get("package", [])}
    names = {name for name, _ in all_locked}
    for pin in pins_of_export(text):
        if not pin.hashes:
            return f"has no hash for {pin.name}"
        # What only a group has, such as that of the tests, may be added in the same version.
        same = pin.name not in names or (pin.name, pin.version) in all_locked
        if pin.name in own or not same:
            return f"names {pin.name}, which the grader has in a version of its own"
    return ""


def differences_from_project(project: Table, lock: Table) -> list[str]:
    """Say what pyproject.toml asks for and the lock does not have, or the other way round."""
    described = project.get("project", {})
    root = _root_package(lock)
    locked = root.get("metadata", {})
    found = list(
        _differing_needs(described.get("dependencies", []), locked.get("requires-dist", []))
    )
    groups = project.get("dependency-groups", {})
    locked_groups = locked.get("requires-dev", {})
    for name in sorted(groups.keys() | locked_groups.keys()):
        found += _differing_needs(groups.get(name, []), locked_groups.get(name, []))
    if described.get("requires-python") != lock.get("requires-python"):
        found.append("requires-python differs")
    return found


def differences_from_export(text: str, lock: Table, groups: Iterable[str]) -> list[str]:
    """Say which packages an export and the lock do not have alike, for a choice of groups."""
    exported = set(pins_of_export(text))
    locked = set(pins_of_lock(lock, groups))
    return sorted(f"{pin.name} {pin.version} differs" for pin in exported ^ locked)


def pins_of_export(text: str) -> Iterator[Pin]:
    """Yield what a requirements file pins."""
    for name, version, rest in _PIN.findall(text):
        yield Pin(_normal(name), version, frozenset(_HASH.findall(rest)))


def pins_of_lock(lock: Table, groups: Iterable[str]) -> Iterator[Pin]:
    """Yield what the lock pins for the project itself and the chosen groups."""
    packages: dict[str, list[Table]] = {}
    for package in lock.get("package", []):
        packages.setdefault(package["name"], []).append(package)
    root = _root_package(lock)
    waiting = list(root.get("dependencies", []))
    for group in groups:
        waiting += root.get("dev-dependencies", {}).get(group, [])
    for name in _reachable(waiting, packages):
        yield from (_pin(package) for package in packages.get(name, []))


def _reachable(waiting: list[Table], packages: dict[str, list[Table]]) -> set[str]:
    seen: set[tuple[str, str]] = set()
    while waiting:
        need = waiting.pop()
        for extra in ("", *need.get("extra", [])):
            if (need["name"], extra) not in seen:
                seen.add((need["name"], extra))
                for package in packages.get(need["name"], []):
                    waiting += _dependencies(package, extra)
    return {name for name, _ in seen}


def _dependencies(package: Table, extra: str) -> list[Table]:
    if not extra:
        return list(package.get("dependencies", []))
    return list(package.get("optional-dependencies", {}).get(extra, []))


def _differing_needs(asked: list[str], locked: list[Table]) -> Iterator[str]:
    wanted, held = _needs(asked), {_locked_need(entry) for entry in locked}
    for need in sorted(wanted - held, key=str):
        yield f"{need.text()} is asked for, but not locked"
    for need in sorted(held - wanted, key=str):
        yield f"{need.text()} is locked, but no longer asked for"


def _needs(requirements: list[str]) -> set[Need]:
    return {_need(requirement) for requirement in requirements}


def _need(requirement: str) -> Need:
    match = _REQUIREMENT.match(requirement.strip())
    if match is None:
        raise SetupError(f"pyproject.toml: {requirement!r} is not a requirement.", *CURES)
    name, extras, versions = match.groups()
    return Need(_normal(name), _split(extras or ""), _split(versions))


def _locked_need(entry: Table) -> Need:
    return Need(
        _normal(entry["name"]),
        frozenset(entry.get("extras", [])),
        _split(entry.get("specifier", "")),
    )


def _split(text: str) -> frozenset[str]:
    return frozenset(re.sub(r"\s", "", part) for part in text.split(",") if part.strip())


def _pin(package: Table) -> Pin:
    files = [*package.get("wheels", [])]
    files += [package["sdist"]] if "sdist" in package else []
    return Pin(package["name"], package["version"], frozenset(file["hash"] for file in files))


def _root_package(lock: Table) -> Table:
    for package in lock.get("package", []):
        if package.get("source") == {"virtual": "."}:
            return dict(package)
    raise SetupError("uv.lock does not hold this project.", *CURES)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _toml(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{path.name} is not valid TOML: {error}.", *CURES) from error
