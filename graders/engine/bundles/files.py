"""Files in memory by their place in a bundle, read from the project and written all at once.

Must not know what is in a bundle. Nothing is left half written, and no file of a user is replaced.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from graders.engine.core.errors import UsageError
from graders.engine.reports.files import replace_whole

Files: TypeAlias = Mapping[str, bytes]
"""Contents by place, with `/` between its parts."""

_LEFT_BEHIND = frozenset(
    {
        "__pycache__",
        "node_modules",
        ".pytest_cache",
        ".ruff_cache",
        ".mypy_cache",
        ".hypothesis",
        ".git",
        ".venv",
    }
)
_SCRIPT = b"#!"
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""What every file of an archive is dated, so that the same files make the same archive."""


def files_below(folder: Path) -> Files:
    """Return every file below a folder but what tools leave behind; links are no files."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and path.suffix != ".pyc"
        and _LEFT_BEHIND.isdisjoint(path.relative_to(folder).parts)
    }


def placed(files: Files, folder: str) -> Files:
    """Return the same files in a folder."""
    return {f"{folder}/{name}": data for name, data in files.items()}


def write_folder(files: Files, folder: Path) -> None:
    """Write a new folder; a UsageError if there is something in it already."""
    with _told(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                f"{folder} is there already, and is not an empty folder.",
                cure="Name a new folder; what it holds can then be copied over the old one.",
            )
        draft = Path(tempfile.mkdtemp(dir=folder.absolute().parent, prefix=f".{folder.name}."))
        try:
            _fill(draft, files)
            draft.chmod(0o755)
            if folder.is_dir():
                folder.rmdir()
            draft.rename(folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise


def write_zip(files: Files, archive: Path) -> None:
    """Write an archive, in the place of an older one."""
    with _told(archive):
        if archive.is_dir():
            raise UsageError(f"{archive} is a folder.", cure="Name a file: `lesson.zip`.")
        replace_whole(archive, zipped(files))


def zipped(files: Files) -> bytes:
    """Return the bytes of an archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _FIRST_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | _mode(data)) << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def _fill(folder: Path, files: Files) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(_mode(data))


def _mode(data: bytes) -> int:
    """Return the mode of a file: scripts may be run."""
    return 0o755 if data.startswith(_SCRIPT) else 0o644


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"{path} cannot be written: {reason}.", cure="Name a place in a folder that exists."
        ) from error
