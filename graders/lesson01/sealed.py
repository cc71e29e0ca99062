"""The sequences that the SDK sends, so that they can be compared with but not read.

For copies of the grader that lie open to students, and so hold no reference server. Each step is a
salted, slow hash: only a step that the student has written is known again. That keeps the sequences
from being read, not from being found by trying all steps that there are.
``lifecycle.sealed.yaml`` is made by tests/lesson01/test_sealed.py, which compares it with what the
installed SDK sends. Must not know how a sequence is judged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from graders.engine.content.binding import read
from graders.engine.content.fields import ContentModel, FormatVersion
from graders.lesson01.lifecycle import Conversations, folded
from graders.lesson01.scenarios import Lifecycles

SEALED_FILE = Path(__file__).with_name("lifecycle.sealed.yaml")
UNKNOWN = "(a step that you have not written)"
NAMES = ("first_message", "follow_up", "progress")
_HEAD = """\
# What the SDK sends in the conversations of `lifecycle.yaml`, sealed. Made by a test: leave it so.
format_version: 1
"""
_COST = 2**14

_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class SealedLifecycles(ContentModel):
    """A ``lifecycle.sealed.yaml``."""

    format_version: FormatVersion
    first_message: tuple[_Hash, ...]
    follow_up: tuple[_Hash, ...]
    progress: tuple[_Hash, ...]

    def opened(self, written: Conversations) -> Lifecycles:
        """Return the sequences; a step that was not written is :data:`UNKNOWN`."""
        return Lifecycles(
            *(_opened(name, getattr(self, name), getattr(written, name)) for name in NAMES)
        )


def load_sealed(path: Path) -> SealedLifecycles:
    """Read a ``lifecycle.sealed.yaml``."""
    return read(path, SealedLifecycles)


def sealed(lifecycles: Lifecycles) -> str:
    """Return the text of a ``lifecycle.sealed.yaml``; the same sequences give the same text."""
    lines = []
    for name in NAMES:
        lines.append(f"{name}:")
        lines += [f'  - "{_hash(name, step)}"' for step in getattr(lifecycles, name)]
    return _HEAD + "\n".join(lines) + "\n"


def _opened(name: str, hashes: Sequence[str], written: Iterable[str]) -> list[str]:
    known = {_hash(name, step): step for step in dict.fromkeys(folded(written))}
    return [known.get(each, UNKNOWN) for each in hashes]


def _hash(name: str, step: str) -> str:
    salt = f"lesson01/{name}".encode()
    return hashlib.scrypt(step.encode(), salt=salt, n=_COST, r=8, p=1, dklen=16).hex()
