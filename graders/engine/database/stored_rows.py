"""What stands in a server's database, and what may happen to it: damage, locks.

All of it is a stranger's: tables, types, triggers, rules. Rows are read by a user who changes
nothing, with `COPY`, which runs no function of the database's owner. They are changed, and tables
locked, by the server's own user, so that whatever runs then has that user's rights and no more.
Rows that are deleted and not yet cleared away are not seen. Must not know a schema or a lesson.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import LiteralString, NamedTuple

import psycopg
from psycopg import sql

from graders.engine.core.limits import MEBIBYTE
from graders.engine.database.databases import Connection, ServerDatabase

_FILLER = "#"
_MOST_TABLES = 500
_MOST_BYTES = 128 * MEBIBYTE
"""Read in one look at a database: what is stored can be a hundred times as long as its files."""
_TABLES = """\
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2 LIMIT %s"""
_COLUMNS = """\
SELECT a.attname, t.typname FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum"""
_LOCKS: tuple[LiteralString, ...] = ("ACCESS EXCLUSIVE", "EXCLUSIVE")
_JSON = frozenset({"json", "jsonb"})
_TEXT = frozenset({"text", "varchar", "bpchar", "name", "citext"})
_BYTES = "bytea"
_HURRY = "SET lock_timeout = '20ms'"


class Table(NamedTuple):
    """A table by its schema and name."""

    schema: str
    name: str

    @property
    def quoted(self) -> sql.Identifier:
        """How it stands in a statement."""
        return sql.Identifier(self.schema, self.name)


def tables_containing(database: ServerDatabase, word: str) -> list[str]:
    """Name the tables that hold ``word`` in a row."""
    with database.read() as connection:
        found = _holding(connection, word)
    return [f"table `{table.name}` of PostgreSQL" for table in found]


def damage_rows(database: ServerDatabase, word: str, spared: Iterable[str]) -> int:
    """Replace each value that holds ``word`` and none of ``spared``; return how many were.

    A text becomes rubbish of the same length, JSON such a text, since it would take nothing else.
    """
    with database.read() as reading:
        wanted = _holding(reading, word)
    with database.read() as reading:
        columns = [(each, *column) for each in wanted for column in _columns(reading, each)]
    # Triggers and rules run here.
    with database.entered() as connection, database.bounded():
        return sum(_damage_column(connection, *column, (word, *spared)) for column in columns)


@contextmanager
def locked_tables(database: ServerDatabase, wait_seconds: int) -> Iterator[None]:
    """Hold all tables as another program does that changes them.

    A statement of the server's waits for ``wait_seconds`` and fails then, unless the server has
    said otherwise.
    """
    with database.read() as reading:
        # Not as its own user: in its search path, it may have an `=` that never ends.
        tables = _tables(reading)
    with (
        database.having("lock_timeout", f"{wait_seconds}s"),
        database.entered() as connection,
        connection.transaction(force_rollback=True),
    ):
        try:
            for table in tables:
                _lock(connection, table)
            database.is_held = True
            yield
        finally:
            database.is_held = False


def _tables(connection: Connection) -> list[Table]:
    rows = connection.execute(_TABLES, (_MOST_TABLES,))
    return [Table(str(schema), str(name)) for schema, name in rows]


def _columns(connection: Connection, table: Table) -> list[tuple[str, str]]:
    whole = table.quoted.as_string(connection)
    return [(str(name), str(kind)) for name, kind in connection.execute(_COLUMNS, (whole,))]


def _holding(connection: Connection, word: str) -> list[Table]:
    """Return the tables in which a row has the word, in any column, as far as they are read.

    A table that cannot be read has none. The connection may be closed afterwards.
    """
    # Bytes are told in hexadecimal.
    wanted = (word.encode(), word.encode().hex().encode())
    found, left = [], _MOST_BYTES
    for table in _tables(connection):
        holds, read = _read_through(connection, table, wanted, left)
        found += [table] if holds else []
        left -= read
        if left < 0:
            break
    return found


def _read_through(
    connection: Connection, table: Table, wanted: tuple[bytes, ...], most: int
) -> tuple[bool, int]:
    """Return whether one of ``wanted`` is in a table, and how many bytes were read.

    The connection is closed where there are more than ``most``.
    """
    statement = sql.SQL("COPY {} TO STDOUT (FORMAT csv)").format(table.quoted)
    found, read, tail = False, 0, b""
    try:
        with connection.cursor().copy(statement) as rows:
            # To the end: a connection that has more to say takes no other statement.
            for part in rows:
                data = tail + bytes(part)
                found = found or any(each in data for each in wanted)
                tail = data[-max(map(len, wanted)) :]
                read += len(part)
                if read > most:
                    connection.close()
                    break
    except psycopg.errors.LockNotAvailable:
        # The server holds one table for itself alone. If it does so with all, that is no long wait.
        connection.execute(_HURRY)
    except psycopg.Error:
        pass
    return found, read


def _damage_column(
    connection: Connection, table: Table, column: str, kind: str, words: tuple[str, ...]
) -> int:
    """Damage the values of one column that hold the first of ``words`` and none of the others."""
    name = sql.Identifier(column)
    if kind in _JSON:
        text = sql.SQL("{}::text").format(name)
        rubbish = sql.SQL("to_jsonb(repeat({}, 40))").format(_FILLER)
    elif kind in _TEXT:
        text = sql.SQL("{}").format(name)
        rubbish = sql.SQL("repeat({}, length({}))").format(_FILLER, name)
    elif kind == _BYTES:
        text = sql.SQL("encode({}, 'escape')").format(name)
        rubbish = sql.SQL("convert_to(repeat({}, length({})), 'UTF8')").format(_FILLER, name)
    else:
        return 0
    statement = sql.SQL(
        "UPDATE {table} SET {name} = {rubbish} WHERE strpos({text}, %s) > 0"
        " AND NOT EXISTS (SELECT FROM unnest(%s::text[]) AS other WHERE strpos({text}, other) > 0)"
    ).format(table=table.quoted, name=name, rubbish=rubbish, text=text)
    word, *spared = words
    # A constraint, a trigger or a rule of the server's own may refuse it.
    with contextlib.suppress(psycopg.Error):
        return connection.execute(statement, (word, spared)).rowcount
    return 0


def _lock(connection: Connection, table: Table) -> None:
    """Lock all of a table; where a connection of the server's stands in the way, its writers."""
    for mode in _LOCKS:
        statement = sql.SQL("LOCK TABLE ONLY {} IN {} MODE NOWAIT")
        with contextlib.suppress(psycopg.Error), connection.transaction():
            connection.execute(statement.format(table.quoted, sql.SQL(mode)))
            return
