"""The fixture of lesson00: the skill that was handed in. Nothing of it is run."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NoReturn

import pytest

from graders.engine.harness import found, quote
from graders.lesson00.skill import FILE, FOLDER, MOST_BYTES, SKILLS, Skill, own_text


@pytest.fixture
def skill(submission: Path) -> Skill:
    """Return the skill; a finding that says what is there in its place if there is none."""
    text = own_text(submission, FILE)
    if text is None:
        no_skill(submission)
    return _parsed(submission, text)


@lru_cache(maxsize=1)
def _parsed(root: Path, text: str) -> Skill:
    """Return the skill; it is parsed once for all checks."""
    return Skill(root, text)


def no_skill(root: Path) -> NoReturn:
    """Raise the finding that tells why there is no skill."""
    path = root / FILE
    if path.is_symlink() or (path.exists() and path.resolve() != root.resolve() / FILE):
        found(f"`{FILE}` is a link, or in a folder that is one.", hint="link")
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        found(f"`{FILE}` has more than {MOST_BYTES:,} bytes.", hint="size")
    if path.is_file():
        found(f"`{FILE}` is not saved as UTF-8.", hint="encoding")
    flat = [path for path in (SKILLS.with_name("skills") / "chatkit-server.md", FOLDER)
            if (root / path).is_file()]  # fmt: skip
    if flat:
        found(f"The skill is a flat file, `{flat[0]}`; it must be a folder.", hint="flat")
    others = sorted(
        path.relative_to(root).as_posix()
        for pattern in ("*.md", "*/*.md", "*/*/*.md", "*/*/*/*.md")
        for path in root.glob(pattern)
        if path.name.lower() in {"skill.md", "skills.md"}
    )
    if others:
        found(f"There is `{quote(others[0], 200)}`, but no `{FILE}`.", hint="place")
    found(f"There is no `{FILE}` in your folder.")
