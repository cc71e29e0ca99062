"""What a server has stored, read from outside: whether a word still stands in its files.

Everything here is hostile input. Files are opened without following links, within caps; an SQLite
file is read as a private copy, with nothing in it trusted, without its views, triggers and
generated columns, and with a bound on the work. It is asked for its rows, as a deleted row's bytes
may stay in the file for long; files of text and pickles, which are never unpickled, are searched as
bytes, and of a shelf the values that are on it. What is packed in a usual way counts unpacked. What
cannot be read so (an unknown format, a broken file) holds nothing, as far as anybody can say. Must
not know a schema or a lesson.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from graders.engine.harness.packed import Unpacking
from graders.engine.harness.shelves import Value, bytes_of, values_by_index, values_of

SQLITE_MAGIC = b"SQLite format 3\0"
WAL_SUFFIX = "-wal"
_SIDE_FILES = ("-wal", "-shm", "-journal")
_PICKLE_MAGIC = b"\x80"
_MOST_FILES = 5_000
_MOST_BYTES = 64 * 1024 * 1024
"""Of one file; a server may not write a larger one than 16 MiB."""
_MOST_VALUE_BYTES = 17 * 1024 * 1024
_STEPS = 100_000
_MOST_STEPS = 500
"""SQLite's virtual machine is looked at each so many steps, so many times: some seconds."""
_LOGS = (".log", ".out", ".err")
# Files in which records that were deleted stay as they are until their place is needed.
_SHELF_INDEX, _SHELF_DATA = ".dir", ".dat"


def places_containing(folders: Iterable[Path], word: str, *, logs: bool = False) -> list[str]:
    """Name the tables and files below ``folders`` that hold ``word``, as far as can be read.

    The name of a file holds what stands in it.
    With ``logs`` those files count too that tell what a server did, and not what it knows.
    """
    found = []
    unpacking = Unpacking()
    for path in regular_files(folders):
        if word in path.name:
            found.append(f"name {path.name}")
        if is_sqlite(path):
            found += [
                f"table `{name}` of {path.name}" for name in _tables_with(path, word, unpacking)
            ]
        elif (logs or path.suffix not in _LOGS) and _file_holds(path, word.encode(), unpacking):
            found.append(path.name)
    return found


def regular_files(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the files below ``folders``, in order, without links, pipes and Python's own."""
    count = 0
    for folder in folders:
        for parent, names, files in os.walk(folder, followlinks=False):
            names[:] = sorted(name for name in names if name != "__pycache__")
            for name in sorted(files):
                path = Path(parent) / name
                count += 1
                if count > _MOST_FILES:
                    return
                if _is_regular(path) and not name.endswith(".py") and not _is_side_file(path):
                    yield path


def is_sqlite(path: Path) -> bool:
    """Return whether this is an SQLite database, by its first bytes; an empty file is none yet."""
    return read(path, len(SQLITE_MAGIC)) == SQLITE_MAGIC


def side_file(path: Path, suffix: str) -> Path:
    """Return the file that SQLite keeps beside a database."""
    return path.with_name(path.name + suffix)


def read(path: Path, most: int = _MOST_BYTES) -> bytes:
    """Read the beginning of a regular file; nothing where that cannot be done."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        number = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError:
        return b""
    with open(number, "rb") as file:  # noqa: PTH123 - it is open already
        if not stat.S_ISREG(os.fstat(number).st_mode):
            return b""
        try:
            return file.read(most)
        except OSError:
            return b""


@contextmanager
def opened_copy(path: Path) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """Copy a database with its write-ahead log, and open the copy, trusting nothing in it.

    A journal is not copied: SQLite would roll back by it, and may delete a file that it names.
    """
    folder = Path(tempfile.mkdtemp(prefix="chatkit-stored-"))
    try:
        copy = folder / "copy.db"
        copy.write_bytes(read(path))
        if log := read(side_file(path, WAL_SUFFIX)):
            side_file(copy, WAL_SUFFIX).write_bytes(log)
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            _distrust(connection)
            yield copy, connection
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tables_of(connection: sqlite3.Connection) -> Iterator[str]:
    """Name the ordinary tables; SQLite's own may have samples of rows that are long gone."""
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%'"
    for name, made_by in connection.execute(f"{sql} ESCAPE '~'").fetchmany(_MOST_FILES):
        if isinstance(name, bytes) and not _is_virtual(made_by):
            yield name.decode("utf-8", "replace")


def values_with(
    connection: sqlite3.Connection, table: str, word: str, unpacking: Unpacking
) -> Iterator[bytes]:
    """Yield the stored values of a table that hold ``word``; a broken table has no more of them."""
    wanted = word.encode()
    with contextlib.suppress(sqlite3.Error):
        columns = ", ".join(map(_quoted, _columns(connection, table)))
        rows = connection.execute(f"SELECT {columns} FROM {_quoted(table)}")  # noqa: S608 - quoted
        for row in rows:
            for value in row:
                if isinstance(value, bytes) and unpacking.holds(value, wanted):
                    yield value


def _tables_with(path: Path, word: str, unpacking: Unpacking) -> list[str]:
    try:
        with opened_copy(path) as (_, connection):
            return [
                name
                for name in tables_of(connection)
                if any(True for _ in values_with(connection, name, word, unpacking))
            ]
    except sqlite3.Error:
        return []


def _distrust(connection: sqlite3.Connection) -> None:
    looks = iter(range(_MOST_STEPS))
    connection.set_progress_handler(lambda: next(looks, None) is None, _STEPS)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_VALUE_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.text_factory = bytes
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """Name the columns that are stored: neither generated nor of a virtual table."""
    rows = connection.execute("SELECT name, hidden FROM pragma_table_xinfo(?)", (table,))
    return [name.decode("utf-8", "replace") for name, hidden in rows if hidden == 0]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_virtual(made_by: object) -> bool:
    return not isinstance(made_by, bytes) or made_by.lstrip()[:14].upper() == b"CREATE VIRTUAL"


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _is_side_file(path: Path) -> bool:
    """Return whether SQLite keeps this file beside a database, whose deleted rows it may hold."""
    names = (path.name.removesuffix(suffix) for suffix in _SIDE_FILES if path.name.endswith(suffix))
    return any(is_sqlite(path.with_name(name)) for name in names if name)


def shelf_values(path: Path, data: bytes) -> Iterator[Value] | None:
    """Return where the values of a shelf stand in its file ``data``; ``None`` if it is no shelf.

    Of a shelf in several files those beside its data have none.
    """
    index = path.with_suffix(_SHELF_INDEX)
    if not _is_regular(index):
        return values_of(data)
    return values_by_index(read(index), data) if path.suffix == _SHELF_DATA else iter(())


def _file_holds(path: Path, word: bytes, unpacking: Unpacking) -> bool:
    """Return whether a file holds a word in bytes that are in use: in text, a pickle, a shelf.

    A file with a zero byte is no text: it is the database of some library, which may leave the
    bytes of what was deleted as they are. Packed as a whole, it may have any bytes.
    """
    data = read(path)
    values = shelf_values(path, data)
    if values is not None:
        return any(unpacking.holds(bytes_of(value, data), word) for value in values)
    is_plain = data.startswith(_PICKLE_MAGIC) or b"\0" not in data
    return (is_plain and word in data) or any(word in each for each in unpacking.unpacked(data))
