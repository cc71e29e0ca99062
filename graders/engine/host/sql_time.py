"""SQLite's own time: what its date functions call "now" follows the virtual clock.

SQLite reads the system's clock itself, so `CURRENT_TIMESTAMP`, `datetime('now')` and their kin, in
statements, defaults and triggers, would stay in real time. Each connection that the process opens
therefore gets functions of the same names, which ask SQLite's own on a connection that nobody else
sees, with the present time written out. Everything but "now" is as SQLite has it: modifiers, other
times, types, NULL for nonsense. They are deterministic for SQLite, as its own are within one
statement, so that indexes on dates go on working. Must not know what moves the clock.

How long SQLite waits for a locked database, it counts itself too, in pauses of real time: a
connection waits for ``longest_wait`` seconds at most, whatever its `timeout` says.

One thing differs: with `PRAGMA trusted_schema = OFF` a default may only use functions that are
built in, and Python cannot mark others as harmless.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

from graders.engine.host.workers import replace

_EPOCH = datetime(1970, 1, 1)
# The place of the time among the arguments of each.
_FUNCTIONS = {"date": 0, "time": 0, "datetime": 0, "julianday": 0, "unixepoch": 0, "strftime": 1}
_CONSTANTS = {"current_date": "date", "current_time": "time", "current_timestamp": "datetime"}
_DIFFERENCE = "timediff"
_SUBSECONDS = frozenset({"subsec", "subsecond"})
# Where `factory` stands among the arguments of `sqlite3.connect`.
_FACTORY = 5
_TIMEOUT = 1
SQLITES_WAIT = 5.0
"""Seconds that `sqlite3.connect` waits for a lock by default."""

Value = str | bytes | int | float | None


class SqlTime:
    """Makes SQLite take the time from ``now_ns``, in nanoseconds since the Unix epoch.

    ``longest_wait`` is in real seconds.
    """

    def __init__(self, now_ns: Callable[[], int], *, longest_wait: float = SQLITES_WAIT) -> None:
        self._now_ns = now_ns
        self._longest_wait = longest_wait
        self._lock = threading.Lock()
        self._plain = sqlite3.connect(":memory:", check_same_thread=False)
        self._functions = tuple(self._made())

    def install(self, undo: ExitStack) -> None:
        """Let all connections opened from now on have it, until ``undo`` is closed."""
        undo.callback(self._plain.close)
        base, original = sqlite3.Connection, sqlite3.connect
        own = self._connection_class()

        def connect(*args: Any, **options: Any) -> Any:
            if len(args) <= _FACTORY:
                options.setdefault("factory", own)
            connection: object = original(*self._with_short_wait(args, options), **options)
            # A factory may be a class that was derived before the replacement, or a function.
            if isinstance(connection, base) and not isinstance(connection, own):
                self._register(connection)
            return connection

        for module in (sqlite3, sqlite3.dbapi2):
            replace(undo, module, "connect", connect)
            replace(undo, module, "Connection", own)

    def _connection_class(self) -> type[sqlite3.Connection]:
        """Return a class for all connections, also for those that are derived from it."""
        register, with_short_wait = self._register, self._with_short_wait

        class Connection(sqlite3.Connection):
            __doc__ = sqlite3.Connection.__doc__

            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*with_short_wait(args, options), **options)
                register(self)

        Connection.__module__ = sqlite3.Connection.__module__
        Connection.__qualname__ = sqlite3.Connection.__qualname__
        return Connection

    def _register(self, connection: sqlite3.Connection) -> None:
        for name, count, function in self._functions:
            connection.create_function(name, count, function, deterministic=True)

    def _made(self) -> list[tuple[str, int, Callable[..., Any]]]:
        """Return the functions, with their names and numbers of arguments, that SQLite has here."""
        made: list[tuple[str, int, Callable[..., Any]]] = [
            (name, 0, lambda own=own: self._ask(own, (self._now(),)))
            for name, own in _CONSTANTS.items()
        ]
        made += [
            (name, -1, self._of_time(name, place))
            for name, place in _FUNCTIONS.items()
            if self._is_there(name, ("now",) * (place + 1))
        ]
        if self._is_there(_DIFFERENCE, ("now", "now")):
            made.append((_DIFFERENCE, 2, self._difference))
        return made

    def _of_time(self, name: str, place: int) -> Callable[..., Any]:
        def function(*args: Value) -> Any:
            if len(args) < place:
                return self._ask(name, args)
            before, times = args[:place], args[place:]
            if not times or _is_word(times[0], _SUBSECONDS):
                return self._ask(name, (*before, self._now(), *times))
            return self._ask(name, (*before, self._dated(times[0]), *times[1:]))

        return function

    def _difference(self, one: Value, other: Value) -> Any:
        return self._ask(_DIFFERENCE, (self._dated(one), self._dated(other)))

    def _dated(self, value: Value) -> Value:
        return self._now() if _is_word(value, {"now"}) else value

    def _now(self) -> str:
        """Write the present time as SQLite reads it, to the millisecond that it knows."""
        moment = _EPOCH + timedelta(milliseconds=self._now_ns() // 1_000_000)
        return moment.isoformat(" ", "milliseconds")

    def _is_there(self, name: str, args: tuple[Value, ...]) -> bool:
        try:
            self._ask(name, args)
        except sqlite3.OperationalError:
            return False
        return True

    def _with_short_wait(self, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...]:
        """Shorten the `timeout` of a connection in ``options``, or in ``args`` if it is there."""
        if len(args) > _TIMEOUT:
            return (*args[:_TIMEOUT], self._shortened(args[_TIMEOUT]), *args[_TIMEOUT + 1 :])
        options["timeout"] = self._shortened(options.get("timeout", SQLITES_WAIT))
        return args

    def _shortened(self, timeout: object) -> object:
        return min(timeout, self._longest_wait) if isinstance(timeout, int | float) else timeout

    def _ask(self, name: str, args: tuple[Value, ...]) -> Any:
        """Ask SQLite's own function; one at a time, since its connection is for all threads."""
        places = ", ".join("?" * len(args))
        with self._lock:
            return self._plain.execute(f"SELECT {name}({places})", args).fetchone()[0]


def _is_word(value: Value, words: set[str] | frozenset[str]) -> bool:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return isinstance(text, str) and text.lower() in words
