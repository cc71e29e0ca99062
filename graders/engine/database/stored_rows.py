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

from graders.engine.core.errors import Finding
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
_TRIGGERS = """\
SELECT tgname, tgenabled FROM pg_catalog.pg_trigger
WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled <> 'D'"""
_RULES = """\
SELECT rulename, ev_enabled FROM pg_catalog.pg_rewrite
WHERE ev_class = %s::regclass AND ev_enabled <> 'D'"""
_FORCED = """\
SELECT relname, 'F' FROM pg_catalog.pg_class WHERE oid = %s::regclass AND relforcerowsecurity"""
_GUARDS: tuple[tuple[LiteralString, LiteralString, LiteralString], ...] = (
    (_TRIGGERS, "DISABLE TRIGGER {}", "TRIGGER {}"),
    (_RULES, "DISABLE RULE {}", "RULE {}"),
    (_FORCED, "NO FORCE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY"),
)
"""What may undo a change of a table: how it is asked for, taken away and put back."""
_ON: dict[str, LiteralString] = {
    "O": "ENABLE ",
    "A": "ENABLE ALWAYS ",
    "R": "ENABLE REPLICA ",
    "F": "",
}
_LOCKS: tuple[LiteralString, ...] = ("ACCESS EXCLUSIVE", "EXCLUSIVE")
_JSON = frozenset({"json", "jsonb"})
_TEXT = frozenset({"text", "varchar", "bpchar", "name", "citext"})
_BYTES = "bytea"
_HURRY = "SET lock_timeout = '20ms'"
_LOCK_SECONDS = 0.2
"""For which a statement waits at our lock, in real time.

All tables are locked then, so it waits for nothing that could come: how long makes no difference.
"""


class Table(NamedTuple):
    """A table by its schema and name."""

    schema: str
    name: str

    @property
    def quoted(self) -> sql.Identifier:
        """How it stands in a statement."""
        return sql.Identifier(self.schema, self.name)


def tables_containing(database: ServerDatabase, word: str) -> list[str]:
    """Name the tables that hold ``word`` in a row.

    A finding where none is known to, and the server keeps one locked: nobody could read it.
    """
    with database.read() as connection:
        found, held = _holding(connection, word)
    if held and not found:
        raise Finding(
            f"the server keeps the table `{held[0].name}` locked, so that nobody else can read it",
            advice="End each transaction as soon as its work is done.",
        )
    return [f"table `{table.name}` of PostgreSQL" for table in found]


def damage_rows(database: ServerDatabase, word: str, spared: Iterable[str]) -> int:
    """Replace each value that holds ``word`` and none of ``spared``; return how many were.

    A text becomes rubbish of the same length, JSON such a text, since it would take nothing else.
    Triggers, rules and policies are off meanwhile: a disk that fails asks none of them.
    """
    with database.read() as reading:
        wanted, _ = _holding(reading, word)
    with database.read() as reading:
        tables = [(each, _columns(reading, each), _guards(reading, each)) for each in wanted]
    # Constraints run here.
    with database.entered() as connection, database.bounded():
        count = 0
        for table, columns, guards in tables:
            with _unguarded(connection, table, guards):
                for column in columns:
                    count += _damage_column(connection, table, *column, (word, *spared))
        return count


@contextmanager
def locked_tables(database: ServerDatabase, wait_seconds: float = _LOCK_SECONDS) -> Iterator[None]:
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
            # Its session may have been ended, and the locks with it.
            connection.execute("SELECT 1")
        finally:
            database.is_held = False


def _tables(connection: Connection) -> list[Table]:
    rows = connection.execute(_TABLES, (_MOST_TABLES,))
    return [Table(str(schema), str(name)) for schema, name in rows]


def _columns(connection: Connection, table: Table) -> list[tuple[str, str]]:
    whole = table.quoted.as_string(connection)
    return [(str(name), str(kind)) for name, kind in connection.execute(_COLUMNS, (whole,))]


def _guards(connection: Connection, table: Table) -> list[tuple[sql.Composed, sql.Composed]]:
    """Return how to take away what of a table's own may undo a change, and how to put it back."""
    whole = table.quoted.as_string(connection)
    return [
        (
            sql.SQL(off).format(sql.Identifier(str(name))),
            sql.SQL(_ON[str(state)] + on).format(sql.Identifier(str(name))),
        )
        for asked, off, on in _GUARDS
        for name, state in connection.execute(asked, (whole,))
    ]


@contextmanager
def _unguarded(
    connection: Connection, table: Table, guards: list[tuple[sql.Composed, sql.Composed]]
) -> Iterator[None]:
    try:
        for off, _ in guards:
            _alter(connection, table, off)
        yield
    finally:
        for _, on in guards:
            _alter(connection, table, on)


def _alter(connection: Connection, table: Table, how: sql.Composed) -> None:
    with contextlib.suppress(psycopg.Error):
        connection.execute(sql.SQL("ALTER TABLE {} {}").format(table.quoted, how))


def _holding(connection: Connection, word: str) -> tuple[list[Table], list[Table]]:
    """Return the tables in which a row has the word, in any column, and those that are locked.

    A table that cannot be read has none. The connection may be closed afterwards.
    """
    # Bytes are told in hexadecimal.
    wanted = (word.encode(), word.encode().hex().encode())
    found, held, left = [], [], _MOST_BYTES
    for table in _tables(connection):
        try:
            holds, read = _read_through(connection, table, wanted, left)
        except psycopg.errors.LockNotAvailable:
            held.append(table)
            # If the server holds all tables so, that is no long wait.
            connection.execute(_HURRY)
            continue
        found += [table] if holds else []
        left -= read
        if left < 0:
            break
    return found, held


def _read_through(
    connection: Connection, table: Table, wanted: tuple[bytes, ...], most: int
) -> tuple[bool, int]:
    """Return whether one of ``wanted`` is in a table, and how many bytes were read.

    The connection is closed where there are more than ``most``. Raises where the table is locked.
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
        raise
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
