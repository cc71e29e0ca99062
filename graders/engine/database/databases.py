"""Databases for students' servers, one each, with a user each, on one PostgreSQL server.

Two users are the grader's own. ``grader`` may do all, and so never enters a database in which a
student's functions could lie in wait. ``reader`` sees every row and changes nothing. The user of a
database may enter this one only, and do in it what an owner may; no file, no program, no other
user's connection is within reach. Must not know what a server ought to store.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Timer
from typing import LiteralString

import psycopg
from psycopg import sql

from graders.engine.core.errors import Finding, GraderBrokeError
from graders.engine.core.text import quote
from graders.engine.database.postgres_server import PostgresServer

Connection = psycopg.Connection[tuple[object, ...]]

GRADER, READER = "grader", "reader"
_TEMPLATE = "chat_template"
_RULES = f"""\
local all {GRADER} scram-sha-256
local all {READER} scram-sha-256
local sameuser all scram-sha-256
"""
_MOST_CONNECTIONS = 60
_MAKE: tuple[LiteralString, ...] = (
    f"CREATE ROLE {{name}} LOGIN PASSWORD {{password}} CONNECTION LIMIT {_MOST_CONNECTIONS}",
    f"CREATE DATABASE {{name}} TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY",
    "REVOKE ALL ON DATABASE {name} FROM PUBLIC",
    "GRANT ALL ON DATABASE {name} TO {name}",
    f"GRANT CONNECT ON DATABASE {{name}} TO {READER}",
)
_OPTIONS = "-c lock_timeout=5s -c statement_timeout=30s -c default_transaction_read_only=off"
"""Of the grader's connections: no table that is locked may hold it up for long."""
_END_MILLISECONDS = 10_000
_CONNECTED = "SELECT pid FROM pg_stat_activity WHERE usename = %s"
_END = "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
_AWAIT_END = "SELECT pg_terminate_backend(%s, %s)"
_MOST_SECONDS = 45.0
"""Of what runs a student's functions: longer than a statement may take."""
_SAYS_LATER = ("FATAL:  the database system is", "server closed the connection unexpectedly")
"""It starts, recovers, does not accept connections yet, or ends one with those of a crash."""
_TRIES = 10_000
_OWN_TROUBLES = ("53100", "58", "XX")
"""SQLSTATEs that are no server's doing: a full disk, a failing system, an error in PostgreSQL."""
_MOST_TOLD = 200
_MARK = "log_parameter_max_length"
"""A setting without any effect here."""
_LOOKS = 1_000
_SORTED = "pgsql_tmp"
"""Where temporary files of all databases lie: their limit is one for each connection."""
_ASKED_FOR_TIME = """\
SELECT 1 FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname = d.datname AND d.datname = %s
AND s.query ~* %s LIMIT 1"""
_TIME = (
    r"\m(now|transaction_timestamp|statement_timestamp|clock_timestamp)\s*\("
    r"|\m(current_timestamp|localtimestamp|current_date|current_time|localtime)\M"
)
_A_TABLE = "SELECT 1 FROM pg_catalog.pg_stat_user_tables LIMIT 1"


class Databases:
    """The server, which is started with the first database, and all that are on it."""

    def __init__(self) -> None:
        self._password = secrets.token_hex(16)
        self._numbers = itertools.count(1)
        self._mark = 0
        self._server: PostgresServer | None = None
        self._admin: Connection | None = None

    def new(self) -> ServerDatabase:
        """Make an empty database with a user of its own."""
        try:
            return self._new()
        except psycopg.OperationalError:
            # One of its processes has crashed a moment ago, which takes all connections along.
            return self._new()

    def _new(self) -> ServerDatabase:
        admin = self.admin()
        name, password = f"chat_{next(self._numbers)}", secrets.token_hex(16)
        own = {"name": sql.Identifier(name), "password": sql.Literal(password)}
        for statement in _MAKE:
            admin.execute(sql.SQL(statement).format(**own))
        return ServerDatabase(self, name, password)

    @property
    def server(self) -> PostgresServer:
        """The server, which is started when it is first needed."""
        if self._server is None:
            self._server = PostgresServer(GRADER, self._password, _RULES)
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise
        return self._server

    @property
    def version(self) -> str:
        """The server's version, as people say it."""
        [(version,)] = self.admin().execute("SHOW server_version").fetchall()
        return f"PostgreSQL {version}"

    def admin(self) -> Connection:
        """Return the connection of the user who may do all, to a database that is empty."""
        # The server first: its start makes a connection as well.
        assert self.server
        if self._admin is None or not _answers(self._admin):
            self._admin = self.connect(GRADER, self._password, "postgres")
        return self._admin

    @contextmanager
    def reading(self, name: str) -> Iterator[Connection]:
        """Connect to a database as the user who sees all rows, and no function of its owner's."""
        options = f"{_OPTIONS} -c search_path=pg_catalog"
        with self.connect(READER, self._password, name, options=options) as connection:
            yield connection

    def connect(
        self, user: str, password: str, database: str, *, options: str = _OPTIONS
    ) -> Connection:
        """Connect as somebody; every statement is a transaction of its own."""
        for _ in range(_TRIES):
            try:
                return psycopg.connect(
                    host=str(self.server.socket_folder),
                    user=user,
                    password=password,
                    dbname=database,
                    autocommit=True,
                    options=options,
                )
            except psycopg.OperationalError as error:
                # After a crash of one of its processes, it lets nobody in for a moment.
                if not any(each in str(error) for each in _SAYS_LATER):
                    raise
        raise GraderBrokeError("The PostgreSQL server of the grader lets nobody in.")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the server for the length of a ``with`` block."""
        if self._admin is not None:
            self._admin.close()
        with self.server.stopped():
            yield

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Stop the server, and start it again, if the ``with`` block takes too long.

        A student's function can end in no other way: it may catch that its statement is cancelled,
        or never look whether it is.
        """
        server, was_late = self.server, Event()

        def end() -> None:
            was_late.set()
            server.stop()

        timer = Timer(_MOST_SECONDS, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            if was_late.is_set():
                server.start()

    @contextmanager
    def having(self, setting: LiteralString, value: str) -> Iterator[None]:
        """Let all connections, also those that are open, have a setting unless they set it."""
        before = self._shown(setting)
        try:
            self._set(setting, value, before)
            yield
        finally:
            self._set(setting, None, self._shown(setting))

    def close(self) -> None:
        """End the server; more than once does no harm."""
        if self._admin is not None:
            self._admin.close()
        if self._server is not None:
            self._server.close()
            self._server = None

    def _prepare(self) -> None:
        admin = self.admin()
        password = sql.Literal(self._password)
        admin.execute(
            sql.SQL(
                f"CREATE ROLE {READER} LOGIN PASSWORD {{}} BYPASSRLS IN ROLE pg_read_all_data"
            ).format(password)
        )
        admin.execute("CREATE EXTENSION pg_stat_statements")
        admin.execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0 STRATEGY FILE_COPY")
        with self.connect(GRADER, self._password, _TEMPLATE) as inside:
            # Only its own user enters a database at all.
            inside.execute("GRANT ALL ON SCHEMA public TO PUBLIC")

    def _with_no_options(self) -> Connection:
        return self.connect(READER, self._password, "postgres", options="")

    def _shown(self, setting: LiteralString) -> object:
        """Return a setting as a new connection has it."""
        with self._with_no_options() as connection:
            return _show(connection, setting)

    def _set(self, setting: LiteralString, value: str | None, before: object) -> None:
        """Give all connections a setting, or the old one for ``None``; return once they have it.

        One is seen to have it while others are still to be told: so another one is set after it.
        """
        self._mark += 1
        self._set_one(setting, value, before)
        self._set_one(_MARK, str(self._mark), self._shown(_MARK))

    def _set_one(self, setting: LiteralString, value: str | None, before: object) -> None:
        change = "ALTER SYSTEM RESET {}" if value is None else "ALTER SYSTEM SET {} = {}"
        names = sql.Identifier(setting), sql.Literal(value)
        with self._with_no_options() as connection:
            self.admin().execute(sql.SQL(change).format(*names))
            self.admin().execute("SELECT pg_reload_conf()")
            for _ in range(_LOOKS):
                if _show(connection, setting) != before:
                    return
        raise GraderBrokeError(f"The PostgreSQL server of the grader did not take up {setting}.")


def _answers(connection: Connection) -> bool:
    """Return whether a connection is still good; close it if it is not."""
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        connection.close()
        return False
    return True


def _show(connection: Connection, setting: LiteralString) -> object:
    return connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(setting))).fetchall()


class ServerDatabase:
    """The database of one student's server, named like its user.

    ``was_used`` says, once it is dropped, whether the server has made a table in it.
    """

    def __init__(self, databases: Databases, name: str, password: str) -> None:
        self._databases = databases
        self._password = password
        self.name = name
        self.is_held = False
        self.was_used = False
        self._dropped = False

    @property
    def url(self) -> str:
        """Where the server finds it, as libpq and asyncpg read it."""
        return f"postgresql://{self.name}:{self._password}@/{self.name}?host={self.socket_folder}"

    @property
    def socket_folder(self) -> Path:
        """The folder of the socket that leads to it."""
        return self._databases.server.socket_folder

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders in which the PostgreSQL server keeps it, and what its statements sort."""
        asked = "SELECT oid FROM pg_database WHERE datname = %s"
        [(number,)] = self._databases.admin().execute(asked, (self.name,)).fetchall()
        base = self._databases.server.data / "base"
        return base / str(number), base / _SORTED

    @contextmanager
    def entered(self) -> Iterator[Connection]:
        """Connect as its own user, with no more rights than that one has."""
        with self._databases.connect(self.name, self._password, self.name) as connection:
            yield connection

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Bound the time of a ``with`` block in which functions of the server's own may run."""
        with self._databases.bounded():
            yield

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Connect as the user who sees all rows."""
        with self._databases.reading(self.name) as connection:
            yield connection

    @contextmanager
    def asked_by_others(self) -> Iterator[None]:
        """Raise a finding where the server lets nobody but itself into its database.

        It may have taken all locks or connections, changed its password, or end other sessions.
        """
        try:
            yield
        except psycopg.Error as error:
            if (error.sqlstate or "").startswith(_OWN_TROUBLES):
                raise
            told = quote(_told(error), _MOST_TOLD)
            raise Finding(
                f"nobody but the server can use its database; PostgreSQL says: {told}",
                advice="Keep no lock, no transaction and no more connections than you need while "
                "nothing is to be done, and change neither the password nor the settings of the "
                "database's user.",
            ) from error

    def processes(self) -> Sequence[int]:
        """Return the numbers of the processes that may be at work for the server."""
        return self._databases.server.processes()

    @property
    def was_asked_for_the_time(self) -> bool:
        """Whether a statement of the server's has asked PostgreSQL what time it is."""
        found = self._databases.admin().execute(_ASKED_FOR_TIME, (self.name, _TIME))
        return found.fetchone() is not None

    @property
    def is_kept_waiting(self) -> bool:
        """Whether a statement waits for a lock that the grader holds."""
        return self.is_held and any(map(_waits_for_lock, self.processes()))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stop the PostgreSQL server for the length of a ``with`` block."""
        with self._databases.stopped():
            yield

    @contextmanager
    def having(self, setting: LiteralString, value: str) -> Iterator[None]:
        """Let the server's connections have a setting of PostgreSQL for that long."""
        with self._databases.having(setting, value):
            yield

    def end_connections(self) -> None:
        """End what is left of a process that is gone, and return when nothing of it is left.

        What cannot be ended goes with the whole PostgreSQL server: a statement that never looks
        whether it is to end, and a transaction that has taken all memory for locks.
        """
        try:
            ended = self._end_each()
        except psycopg.OperationalError:
            ended = False
        if not ended:
            with self._databases.stopped():
                pass

    def _end_each(self) -> bool:
        """End all connections of its user; return whether all are gone."""
        admin = self._databases.admin()
        # All of them first: they end side by side.
        for pid, _ in admin.execute(_END, (self.name,)).fetchall():
            [(ended,)] = admin.execute(_AWAIT_END, (pid, _END_MILLISECONDS)).fetchall()
            # Nor is one ended that was gone before it was asked.
            if not ended and admin.execute(_CONNECTED, (self.name,)).fetchone():
                return False
        return True

    def drop(self) -> None:
        """Remove it with its user; more than once does no harm."""
        if self._dropped:
            return
        self._dropped = True
        self.end_connections()
        with self.read() as connection:
            self.was_used = connection.execute(_A_TABLE).fetchone() is not None
        admin, own = self._databases.admin(), sql.Identifier(self.name)
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(own))
        admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(own))


def _told(error: psycopg.Error) -> str:
    """Return what PostgreSQL says, without where it was asked."""
    return error.diag.message_primary or str(error).rpartition("FATAL:")[2].strip()


def _waits_for_lock(process: int) -> bool:
    """Return whether a process of PostgreSQL says so, in its title."""
    try:
        title = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
    return title.rstrip(b"\0 ").endswith(b" waiting")
