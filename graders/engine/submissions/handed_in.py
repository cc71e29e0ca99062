"""Files of a submission that are read and never run.

Whatever is wrong with one is a finding that names the file and the line. Must not know a rubric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from graders.engine.core.errors import ContentError, Finding

Value = TypeVar("Value")


def read_handed_in(folder: Path, name: str, reader: Callable[[Path], Value]) -> Value:
    """Read the file ``name`` in ``folder`` with ``reader``, which raises ContentErrors.

    The hints of the findings are ``missing`` and ``malformed``.
    """
    path = folder / name
    if path.is_symlink():
        raise Finding(f"`{name}` is a link, not a file.", hint="missing")
    if not path.exists():
        raise Finding(f"There is no `{name}` in your folder.", hint="missing")
    with mistakes_found(name):
        return reader(path)


@contextmanager
def mistakes_found(name: str) -> Iterator[None]:
    """Turn a ContentError about the file ``name`` into a finding with the hint ``malformed``."""
    try:
        yield
    except ContentError as error:
        raise Finding(f"{_told(name, error)} {error.cure}".strip(), hint="malformed") from None


def _told(name: str, error: ContentError) -> str:
    """Say where and what; a message that begins small ("is empty.") goes on after the name."""
    place = f"`{name}`" if error.line is None else f"`{name}`, line {error.line}"
    goes_on = error.message[:1].islower()
    if goes_on:
        return f"{place}{',' if error.line is not None else ''} {error.message}"
    return f"{place}: {error.message}"
