"""Bundles a student's web code, as data of a stranger: our bundler, our settings, shut in.

The bundler sees a copy of the student's folder and the course's packages, nothing else; no
configuration of the submission has a say. Must not know a lesson, nor what the code does.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from graders.engine.web.confined import ProgramSpec, confined, own_folder
from graders.engine.web.packages import ALLOWED, WebPackages

_OPTIONS = (
    "--bundle",
    "--format=iife",
    "--platform=browser",
    "--target=es2022",
    "--jsx=automatic",
    "--charset=utf8",
    "--legal-comments=none",
    '--tsconfig-raw={"compilerOptions":{"jsx":"react-jsx","useDefineForClassFields":true}}',
    '--define:process.env.NODE_ENV="production"',
    "--define:process.env={}",
    '--define:import.meta.env={"MODE":"production","PROD":true,"DEV":false}',
    "--log-level=error",
    "--log-limit=3",
    "--color=false",
    "--outdir=out",
    *(
        f"--loader:.{ending}=dataurl"
        for ending in ("png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico", "woff", "woff2")
    ),
)
_MOST_BYTES = 16 * 1024 * 1024
_MOST_SAID = 1024 * 1024
_MOST_FILES = 2_000
_MESSAGE = re.compile(r"\[ERROR\] (?P<text>.+)")
_PLACE = re.compile(r"^\s+(?P<file>\S+?):(?P<line>\d+):(?P<column>\d+):$", re.MULTILINE)
_QUOTED = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"')
_MOST_QUOTED = 60
_UNRESOLVED = re.compile(r'Could not resolve "(?P<name>[^"]+)"')
_LEFT_OUT = ("node_modules", "tsconfig*.json", "jsconfig*.json", ".git")


@dataclass(frozen=True)
class Bundle:
    """What was bundled: ``files`` by their names, such as ``page.js`` and ``page.css``."""

    files: Mapping[str, bytes]


@dataclass(frozen=True)
class BundleProblem:
    """Why it could not be bundled: the bundler's own ``message``, where, and what to do."""

    message: str
    place: str = ""
    cure: str = ""
    said: str = field(default="", repr=False)


def bundle(
    folder: Path, entries: Mapping[str, str], packages: WebPackages
) -> Bundle | BundleProblem:
    """Bundle ``entries``, modules by their names, which import from the student's ``web`` folder.

    What was bundled once in this process is not bundled again: same files, same result.
    """
    return _bundled(_hash_of(folder), folder, tuple(entries.items()), packages)


@lru_cache(maxsize=32)
def _bundled(
    digest: str, folder: Path, entries: tuple[tuple[str, str], ...], packages: WebPackages
) -> Bundle | BundleProblem:
    del digest
    with own_folder() as own:
        shutil.copytree(
            folder, own / "web", symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT)
        )
        for name, text in entries:
            (own / name).write_text(text, encoding="utf-8")
        spec = ProgramSpec(
            command=[str(packages.esbuild), *(name for name, _ in entries), *_OPTIONS],
            own=own,
            readable=[packages.folder],
            environment={"NODE_PATH": str(packages.folder), "HOME": str(own), "TMPDIR": str(own)},
        )
        with confined(spec) as program:
            end = program.to_the_end(_MOST_SAID)
        if end.ended_for:
            return BundleProblem(
                f"The bundler was ended: {end.ended_for}.",
                cure="Hand in the code as you write it: names and files as a person reads them, "
                "and nothing that a program has made.",
                said=end.printed[:2_000],
            )
        if end.code != 0:
            return _problem(end.printed, own)
        out = sorted(path for path in (own / "out").iterdir() if path.is_file())
        return Bundle({path.name: path.read_bytes()[:_MOST_BYTES] for path in out})


def _problem(said: str, own: Path) -> BundleProblem:
    said = said.replace(f"{own}/", "")
    message = _MESSAGE.search(said)
    place = _PLACE.search(said)
    text = _QUOTED.sub(_shortened, message["text"] if message else said.strip())[:300]
    text = text or "the bundler gave no reason"
    where = f"{place['file']}:{place['line']}:{place['column']}" if place else ""
    return BundleProblem(text, where, _cure(text), said.strip()[:2_000])


def _shortened(quoted: re.Match[str]) -> str:
    """Return the first line of what the bundler quotes, which may be the rest of the file."""
    text = quoted["text"]
    first = text.partition(r"\n")[0][:_MOST_QUOTED]
    return quoted[0] if first == text else f'"{first} ..."'


def _cure(text: str) -> str:
    missing = _UNRESOLVED.search(text)
    if missing is None:
        return "Correct the line that is named; `npx tsc --noEmit` finds such mistakes as well."
    if missing["name"].startswith((".", "/")):
        return "There is no such file in what you handed in: look at its name and its folder."
    names = ", ".join(f"`{name}`" for name in ALLOWED)
    return f"A widget may import {names} and its own files, and no other package."


def _hash_of(folder: Path) -> str:
    """Return a hash of all files, by which the same code is known again."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*"))[:_MOST_FILES]:
        name = str(path.relative_to(folder))
        content = b"" if path.is_symlink() or not path.is_file() else path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode(errors="replace") + content)
    return digest.hexdigest()
