"""SQLite's own time under the virtual clock: "now" is the clock's, all else is SQLite's own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from graders.engine.host.clock import VirtualClock
from graders.engine.host.sql_time import SqlTime

# 2030-01-31 23:59:58.765 UTC
NOW_NS = 1_896_134_398_765_432_100
TOLD = "2030-01-31 23:59:58"
DAY = 86_400


class Stopped:
    """A clock that shows what it was set to."""

    def __init__(self) -> None:
        self.ns = NOW_NS

    def now_ns(self) -> int:
        """Return what it shows, in nanoseconds since the Unix epoch."""
        return self.ns


@pytest.fixture
def stopped() -> Iterator[Stopped]:
    """Yield a clock that stands still, which SQLite follows."""
    clock = Stopped()
    with ExitStack() as undo:
        SqlTime(clock.now_ns).install(undo)
        yield clock


def ask(connection: sqlite3.Connection, sql: str, *args: Any) -> Any:
    return connection.execute(f"SELECT {sql}", args).fetchone()[0]


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("CURRENT_TIMESTAMP", TOLD),
        ("current_date", "2030-01-31"),
        ("Current_Time", "23:59:58"),
        ("datetime('now')", TOLD),
        ("DATETIME('NOW')", TOLD),
        ("datetime()", TOLD),
        ("date()", "2030-01-31"),
        ("date('now', '+1 day')", "2030-02-01"),
        ("date('now', 'start of month', '-1 day')", "2029-12-31"),
        ("time('now', '+2 seconds')", "00:00:00"),
        ("strftime('%Y/%m %f', 'now')", "2030/01 58.765"),
        ("strftime('%s')", "1896134398"),
        ("strftime(NULL, 'now')", None),
        ("unixepoch()", 1_896_134_398),
        ("unixepoch('now', '-1 day')", 1_896_134_398 - DAY),
        ("typeof(unixepoch('now'))", "integer"),
        ("typeof(julianday('now'))", "real"),
        ("julianday('now') - julianday('2030-01-31 23:59:58.765')", 0.0),
        ("datetime(NULL)", None),
        ("datetime('yesterday')", None),
        ("datetime('now', 'sideways')", None),
        ("datetime(CAST('now' AS BLOB))", TOLD),
        ("datetime(0, 'unixepoch')", "1970-01-01 00:00:00"),
    ],
)
@pytest.mark.usefixtures("stopped")
def test_now_is_the_clocks(sql: str, value: object) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        assert ask(connection, sql) == value


WORDS = (
    *("2024-02-29", "2024-02-29 12:30:15.25", "12:30", "%s", "%J %f", "noon", ""),
    *("+1 month", "-3 days", "unixepoch", "auto", "weekday 0", "start of year", "utc"),
)
VALUES = st.one_of(
    st.none(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False),
    st.sampled_from(WORDS),
)


@given(
    name=st.sampled_from(["date", "time", "datetime", "julianday", "unixepoch", "strftime"]),
    args=st.lists(VALUES, min_size=2, max_size=4),
)
def test_all_else_is_as_sqlite_has_it(name: str, args: list[Any]) -> None:
    sql = f"{name}({', '.join('?' * len(args))})"
    with ExitStack() as undo:
        plain = undo.enter_context(closing(sqlite3.connect(":memory:")))
        SqlTime(lambda: NOW_NS).install(undo)
        timed = undo.enter_context(closing(sqlite3.connect(":memory:")))
        assert ask(timed, sql, *args) == ask(plain, sql, *args)
        assert ask(timed, f"typeof({sql})", *args) == ask(plain, f"typeof({sql})", *args)


def test_a_connection_follows_the_clock_as_it_moves(stopped: Stopped) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        before = ask(connection, "unixepoch('now')")
        stopped.ns += 3 * DAY * 10**9
        assert ask(connection, "unixepoch('now')") - before == 3 * DAY


@pytest.mark.usefixtures("stopped")
def test_defaults_triggers_and_indexes_use_it() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(
            """
            CREATE TABLE threads (
                id TEXT,
                made TEXT DEFAULT CURRENT_TIMESTAMP,
                seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
                day TEXT GENERATED ALWAYS AS (date(made)) VIRTUAL,
                CHECK (datetime(made) IS NOT NULL)
            );
            CREATE INDEX by_day ON threads (date(made));
            CREATE TRIGGER touch AFTER UPDATE ON threads
            BEGIN UPDATE threads SET seen = datetime('now', '+1 hour'); END;
            """
        )
        connection.execute("INSERT INTO threads (id) VALUES ('a')")
        row = connection.execute("SELECT made, seen, day FROM threads").fetchone()
        assert row == (TOLD, "2030-01-31T23:59:58.765Z", "2030-01-31")
        connection.execute("UPDATE threads SET id = 'b'")
        assert ask(connection, "seen FROM threads") == "2030-02-01 00:59:58"
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM threads WHERE date(made) = '2030-01-31'"
        ).fetchall()
        assert "by_day" in plan[0][3]


def test_expired_rows_are_those_of_the_clock(stopped: Stopped) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE threads (seen TEXT DEFAULT CURRENT_TIMESTAMP)")
        connection.execute("INSERT INTO threads DEFAULT VALUES")
        old = "count(*) FROM threads WHERE seen < datetime('now', ?)"
        assert ask(connection, old, "-1 day") == 0
        stopped.ns += (DAY + 2) * 10**9
        assert ask(connection, old, "-1 day") == 1


@pytest.mark.usefixtures("stopped")
def test_all_ways_to_connect_are_covered(tmp_path: Path) -> None:
    class Own(sqlite3.Connection):
        pass

    connect: Any = sqlite3.connect
    connections = [
        sqlite3.connect(tmp_path / "a.db"),
        sqlite3.connect(f"file:{tmp_path}/a.db?mode=ro", uri=True, timeout=0.1),
        sqlite3.connect(":memory:", factory=Own, check_same_thread=False),
        connect(":memory:", factory=lambda *args, **_: Own(*args)),
        sqlite3.dbapi2.connect(":memory:", isolation_level=None),
        sqlite3.Connection(":memory:"),
        Own(":memory:"),
    ]
    for connection in connections:
        with closing(connection):
            assert ask(connection, "CURRENT_TIMESTAMP") == TOLD
            assert isinstance(connection, sqlite3.Connection)
    assert type(connections[0]).__name__ == "Connection"


def test_classes_derived_before_are_covered() -> None:
    class Own(sqlite3.Connection):
        pass

    with ExitStack() as undo:
        SqlTime(lambda: NOW_NS).install(undo)
        with closing(sqlite3.connect(":memory:", factory=Own)) as connection:
            assert ask(connection, "CURRENT_TIMESTAMP") == TOLD


@pytest.mark.usefixtures("stopped")
def test_a_function_of_the_students_own_wins() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.create_function("datetime", -1, lambda *_: "mine")
        assert ask(connection, "datetime('now')") == "mine"


@pytest.mark.usefixtures("stopped")
def test_connecting_fails_as_it_does_without(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="unable to open database file"):
        sqlite3.connect(tmp_path / "missing" / "a.db")
    connect: Any = sqlite3.connect
    with pytest.raises(TypeError):
        connect()


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize(
    ("options", "waits"), [({}, 5_000), ({"timeout": 30}, 5_000), ({"timeout": 0.25}, 250)]
)
def test_locks_are_waited_for_as_long_as_sqlite_does_at_most(
    options: dict[str, Any], waits: int
) -> None:
    class Own(sqlite3.Connection):
        pass

    for connection in (sqlite3.connect(":memory:", **options), Own(":memory:", **options)):
        with closing(connection):
            assert connection.execute("PRAGMA busy_timeout").fetchone()[0] == waits


def test_locks_are_waited_for_less_where_that_is_asked_for() -> None:
    with ExitStack() as undo:
        SqlTime(lambda: NOW_NS, longest_wait=1.0).install(undo)
        with closing(sqlite3.connect(":memory:")) as connection:
            assert connection.execute("PRAGMA busy_timeout").fetchone()[0] == 1_000


@pytest.mark.usefixtures("stopped")
def test_sqlalchemy_and_aiosqlite_are_covered(tmp_path: Path) -> None:
    async def asked() -> Any:
        async with aiosqlite.connect(tmp_path / "a.db") as connection:
            row = await (await connection.execute("SELECT CURRENT_TIMESTAMP")).fetchone()
            assert row is not None
            return row[0]

    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/b.db")
    with engine.connect() as connection:
        made = connection.scalar(sqlalchemy.select(sqlalchemy.func.current_timestamp()))
        assert str(made) == TOLD
    engine.dispose()
    assert asyncio.run(asked()) == TOLD


@pytest.mark.usefixtures("stopped")
def test_many_threads_may_ask_at_once() -> None:
    def read_often() -> set[Any]:
        with closing(sqlite3.connect(":memory:")) as connection:
            return {ask(connection, "datetime('now')") for _ in range(50)}

    async def all_of_them() -> list[set[Any]]:
        return await asyncio.gather(*(asyncio.to_thread(read_often) for _ in range(8)))

    assert asyncio.run(all_of_them()) == [{TOLD}] * 8


def test_everything_is_given_back() -> None:
    def doors() -> list[object]:
        return [getattr(m, n) for m in (sqlite3, sqlite3.dbapi2) for n in ("connect", "Connection")]

    before = doors()
    with ExitStack() as undo:
        SqlTime(lambda: NOW_NS).install(undo)
        assert not set(map(id, before)) & set(map(id, doors()))
    assert doors() == before


def test_the_virtual_clock_leads_sqlite() -> None:
    clock = VirtualClock()

    async def story() -> tuple[int, int]:
        clock.install()
        with closing(sqlite3.connect(":memory:")) as connection:
            before = ask(connection, "unixepoch(CURRENT_TIMESTAMP)")
            await clock.advance(30 * DAY)
            return ask(connection, "unixepoch(CURRENT_TIMESTAMP)") - before, int(
                clock.now()
            ) - before

    try:
        moves = asyncio.run(story())
    finally:
        clock.uninstall()
    assert [moved // DAY for moved in moves] == [30, 30]
