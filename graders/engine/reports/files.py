"""Writes reports to files: wholly or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graders.engine.core.errors import UsageError


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` to ``path``; whoever reads it meanwhile sees the old file or the new one."""
    with _told(path):
        replace_whole(path, text.encode())


def append_to(path: Path, text: str) -> None:
    """Write ``text`` at the end of a file that others write to as well."""
    with _told(path), path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(text)


def require_writable(path: Path) -> None:
    """Raise a UsageError now if :func:`write_whole` could not write ``path`` later."""
    with _told(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        handle, name = _draft(path)
        os.close(handle)
        Path(name).unlink()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the system says into a message for the command line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"{path} cannot be written: {reason}.", cure="Name a file in a folder that exists."
        ) from error


def _draft(path: Path) -> tuple[int, str]:
    return tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")


def replace_whole(path: Path, data: bytes) -> None:
    """Put a file with ``data`` in the place of ``path``; an OSError leaves the old one there."""
    handle, name = _draft(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
