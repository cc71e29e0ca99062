"""What a submission names as its packages and this environment does not have, in words.

Said before anything of the submission runs. Must not judge: a server is right that never imports
what it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from graders.engine.core.text import quote
from graders.engine.server.diagnosis.import_cures import instead_of
from graders.engine.submissions.requirements import NamedPackage, named_packages

MOST_TOLD = 5
"""Packages that are told one by one."""

VersionOf = Callable[[str], str | None]


def installed_version(name: str) -> str | None:
    """Return the version of a package that is installed, whatever the spelling of its name."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def lacking_packages(root: Path, version_of: VersionOf = installed_version) -> tuple[str, ...]:
    """Return one sentence for each package that is named and lacks, and one about the versions."""
    named = named_packages(root)
    return (
        *_missing([each for each in named if version_of(each.name) is None]),
        *_other_versions(
            [
                (each, here)
                for each in named
                if (here := version_of(each.name)) is not None and not each.fits(here)
            ]
        ),
    )


def _missing(missing: list[NamedPackage]) -> Iterator[str]:
    for each in missing[:MOST_TOLD]:
        cure = instead_of(each.name) or (
            "Leave out what needs it, or ask your instructor to add it for the class."
        )
        yield f"{each.place}: `{each.name}` is not installed here, so it cannot be imported. {cure}"
    others = [f"`{each.name}`" for each in missing[MOST_TOLD:]]
    if others:
        shown = ", ".join(others[:MOST_TOLD])
        more = f" and {len(others) - MOST_TOLD} more" if len(others) > MOST_TOLD else ""
        yield f"`{missing[0].file}` names others that are not installed here: {shown}{more}."


def _other_versions(other: list[tuple[NamedPackage, str]]) -> Iterator[str]:
    if other:
        shown = ", ".join(
            f"`{each.name}` {here} for `{quote(each.wanted, 40)}` (line {each.line})"
            for each, here in other[:MOST_TOLD]
        )
        more = f" and {len(other) - MOST_TOLD} more" if len(other) > MOST_TOLD else ""
        yield f"`{other[0][0].file}` asks for other versions than are used here: {shown}{more}."
