"""What may happen to a server's storage: damaged bytes, a lock held by another program, no access.

Nothing of a database is written through SQLite, since the file is hostile: bytes are replaced, and
locks are those that SQLite itself takes, on the same bytes of the file. Each context manager gives
everything back. What a disturbance cannot reach (a store in an unknown format, a file that other
threads share) is left alone. Must not know a schema, nor what a server ought to do.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from graders.engine.harness.packed import Unpacking
from graders.engine.harness.shelves import Value, bytes_of
from graders.engine.harness.storage import (
    SQLITE_MAGIC,
    WAL_SUFFIX,
    is_sqlite,
    opened_copy,
    read,
    regular_files,
    shelf_values,
    side_file,
    tables_of,
    values_with,
)

_NO_JSON = object()
_LEAST_LINES = 2
_MOST_JSON = 1024 * 1024
"""Of a document that threads share: each of its levels is searched anew."""
_MOST_VALUES = 1_000
"""Of a database: each is searched for in all of it."""
_FILLER = b"#"
"""Begins neither JSON, nor a date, a number, a pickle or a compressed stream."""
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
# SQLite's file format: where it takes its locks, and how many bytes they are.
_PENDING_BYTE = 0x4000_0000
_DATABASE_LOCKS = 512
_PENDING_AND_RESERVED = 2
_WAL_WRITE_LOCK = 120
# The same format: what its texts are encoded in.
_ENCODING_BYTE = 59
_ENCODINGS = {b"\2": "utf-16-le", b"\3": "utf-16-be"}


def damage(folders: Iterable[Path], word: str, spared: Iterable[str]) -> int:
    """Replace each stored value that holds ``word``; return how many were.

    A value is a column of a row, one of a shelf, or a whole file that is no database. Those that
    hold one of the ``spared`` words belong to others too, and stay; of a file of JSON that others
    share, the line or the smallest object with ``word`` is damaged. Only for a server that does not
    run.
    """
    wanted = _Wanted(word, [other.encode() for other in spared], Unpacking())
    return sum(
        _damage_database(path, wanted) if is_sqlite(path) else _damage_file(path, wanted)
        for path in regular_files(folders)
    )


@dataclass(frozen=True)
class _Wanted:
    """What is to be damaged: all that holds ``word``, and none of what belongs to others."""

    word: str
    spared: Sequence[bytes]
    unpacking: Unpacking

    def is_in(self, data: bytes) -> bool:
        """Return whether ``data`` is to be damaged."""
        holds = self.unpacking.holds
        return holds(data, self.word.encode()) and not any(
            holds(data, other) for other in self.spared
        )


@contextmanager
def locked(folders: Iterable[Path]) -> Iterator[None]:
    """Hold the databases as another program does in `BEGIN EXCLUSIVE`, as far as can be had."""
    # All are found first: to read a file is to open and close it, which gives up a lock on it.
    databases = [path for path in regular_files(folders) if is_sqlite(path)]
    with ExitStack() as held:
        for path in databases:
            _lock_database(path, held)
        yield


@contextmanager
def read_only(folders: Iterable[Path]) -> Iterator[None]:
    """Take away the right to write to all that lies below ``folders``."""
    modes: dict[Path, int] = {}
    for folder in folders:
        for parent, _, files in os.walk(folder, followlinks=False):
            for path in (Path(parent), *(Path(parent) / name for name in files)):
                mode = path.lstat().st_mode
                if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                    modes[path] = stat.S_IMODE(mode)
    try:
        for path, bits in modes.items():
            path.chmod(bits & ~0o222)
        yield
    finally:
        for path, bits in modes.items():
            with contextlib.suppress(OSError):
                path.chmod(bits)


@contextmanager
def unmounted(folder: Path) -> Iterator[None]:
    """Move all that is in ``folder`` out of its server's sight, as when a disk is not mounted.

    The folder is empty meanwhile, and nobody may write to it, so that nothing new takes its place.
    """
    hidden = folder.with_name(f"{folder.name}-unmounted")
    hidden.mkdir()
    mode = stat.S_IMODE(folder.stat().st_mode)
    names = [entry.name for entry in folder.iterdir()]
    for name in names:
        (folder / name).rename(hidden / name)
    folder.chmod(mode & ~0o222)
    try:
        yield
    finally:
        folder.chmod(mode)
        for name in names:
            (hidden / name).rename(folder / name)
        hidden.rmdir()


def _damage_file(path: Path, wanted: _Wanted) -> int:
    data = read(path)
    values = shelf_values(path, data)
    if values is not None:
        damaged = _damaged_shelf(data, values, wanted)
    elif not wanted.unpacking.holds(data, wanted.word.encode()):
        return 0
    else:
        damaged = _damaged_lines(data, wanted)
        if damaged is None and wanted.is_in(data):
            damaged = _FILLER * len(data)
        if damaged is None:
            damaged = _damaged_json(data, wanted)
    if damaged is None:
        return 0
    _overwrite(path, damaged)
    return 1


def _damaged_shelf(data: bytes, values: Iterable[Value], wanted: _Wanted) -> bytes | None:
    """Damage the values of a shelf that hold the word; ``None`` if there are none."""
    damaged = bytearray(data)
    for value in values:
        if wanted.is_in(bytes_of(value, data)):
            for place in value:
                damaged[place] = _FILLER * (place.stop - place.start)
    return None if damaged == data else bytes(damaged)


def _damaged_lines(data: bytes, wanted: _Wanted) -> bytes | None:
    """Damage a line of a file of which each line is JSON of its own; ``None`` if it is no such."""
    lines = data.splitlines(keepends=True)
    full = [line for line in lines if line.strip()]
    if len(full) < _LEAST_LINES or any(_parsed(line) is _NO_JSON for line in full):
        return None
    hit = {line for line in full if wanted.is_in(line)}
    if not hit:
        return None
    return b"".join(
        _FILLER * len(line.rstrip()) + line[len(line.rstrip()) :] if line in hit else line
        for line in lines
    )


def _damaged_json(data: bytes, wanted: _Wanted) -> bytes | None:
    """Damage the texts of the smallest object with the word; the document stays one."""
    if len(data) > _MOST_JSON:
        return None
    document = _parsed(data)
    try:
        if document is _NO_JSON or not _damage_within(document, wanted):
            return None
        return json.dumps(document).encode()
    except RecursionError:
        return None


def _damage_within(value: object, wanted: _Wanted) -> bool:
    """Damage the innermost objects in ``value`` that are wanted; return whether any was."""
    if not isinstance(value, dict | list) or wanted.word not in json.dumps(value):
        return False
    parts = list(value.values() if isinstance(value, dict) else value)
    within = [_damage_within(part, wanted) for part in parts]
    if any(within):
        return True
    if isinstance(value, list) or not wanted.is_in(json.dumps(value).encode()):
        return False
    value.update({key: _FILLER.decode() * len(v) for key, v in value.items() if type(v) is str})
    return True


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return _NO_JSON


def _damage_database(path: Path, wanted: _Wanted) -> int:
    if read(side_file(path, "-journal"), len(_JOURNAL_MAGIC)) == _JOURNAL_MAGIC:
        return 0  # half of a change is still to be rolled back
    try:
        with opened_copy(path) as (copy, connection):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            found = (
                value
                for table in tables_of(connection)
                for value in values_with(connection, table, wanted.word, wanted.unpacking)
                if wanted.is_in(value)
            )
            values = set(islice(found, _MOST_VALUES))
            data = read(copy)
    except sqlite3.Error:
        return 0
    return _replace_values(path, data, values)


def _replace_values(path: Path, data: bytes, values: set[bytes]) -> int:
    """Write the database ``data`` back with each value damaged that lies in one piece."""
    if not data.startswith(SQLITE_MAGIC):
        return 0
    encoding = _ENCODINGS.get(data[_ENCODING_BYTE : _ENCODING_BYTE + 1], "utf-8")
    stored = {_encoded(value, encoding, data): value for value in values}
    whole = [each for each in stored if each in data]
    for each in sorted(whole, key=len, reverse=True):
        rubbish = _FILLER * len(stored[each])
        data = data.replace(each, rubbish if each == stored[each] else _wide(rubbish, encoding))
    if whole:
        _overwrite(path, data)
        for suffix in (WAL_SUFFIX, "-shm"):
            side_file(path, suffix).unlink(missing_ok=True)
    return len(whole)


def _encoded(value: bytes, encoding: str, data: bytes) -> bytes:
    """Return how a value that SQLite gave in UTF-8 stands in ``data``."""
    return value if value in data else _wide(value, encoding)


def _wide(value: bytes, encoding: str) -> bytes:
    return value.decode("utf-8", "replace").encode(encoding)


def _overwrite(path: Path, data: bytes) -> None:
    number = os.open(path, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0))
    with open(number, "wb") as file:  # noqa: PTH123 - it is open already
        file.write(data)


def _lock_database(path: Path, held: ExitStack) -> None:
    """Lock all of it; where a connection of the server's stands in the way, what it needs next."""
    if not _lock(path, _PENDING_BYTE, _DATABASE_LOCKS, held):
        _lock(path, _PENDING_BYTE, _PENDING_AND_RESERVED, held)
    _lock(side_file(path, "-shm"), _WAL_WRITE_LOCK, 1, held)


def _lock(path: Path, start: int, length: int, held: ExitStack) -> bool:
    if sys.platform == "win32":
        return False  # there SQLite locks by other means
    import fcntl  # noqa: PLC0415 - not on Windows

    try:
        number = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK)
    except OSError:
        return False
    # Closing any descriptor of a file gives up all locks on it, so this one lives as long as they.
    held.callback(os.close, number)
    try:
        fcntl.lockf(number, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
    except OSError:
        return False
    return True
