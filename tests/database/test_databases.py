"""Databases of students' servers: empty, apart, and there again after a power failure."""

from __future__ import annotations

import os
import signal
from typing import LiteralString

import psycopg
import pytest

from graders.engine.core.errors import GraderBrokeError
from graders.engine.database.databases import Databases, ServerDatabase

TABLE = "CREATE TABLE notes (id serial PRIMARY KEY, text text)"


def seen_by_server(database: ServerDatabase, statement: LiteralString) -> object:
    """Return the first value that the server's own connection gets."""
    with psycopg.connect(database.url) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return row[0]


def test_it_is_empty_and_its_user_may_make_what_it_needs(database: ServerDatabase) -> None:
    with psycopg.connect(database.url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_stat_user_tables").fetchone()
        assert found == (0,)
        connection.execute(TABLE)
        connection.execute("CREATE SCHEMA own; CREATE TYPE own.mood AS ENUM ('good', 'bad')")
        connection.execute("CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1")
        connection.execute("CREATE TEMP TABLE scratch (a int)")
        assert connection.execute("SELECT current_schema()").fetchone() == ("public",)


def test_its_user_can_enter_no_other_one(databases: Databases, database: ServerDatabase) -> None:
    other = databases.new()
    for name in (other.name, "postgres", "template1", "chat_template"):
        url = database.url.replace(f"/{database.name}?", f"/{name}?")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
    for user in (other.name, "grader", "reader"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(database.url.replace(f"//{database.name}:", f"//{user}:"))
    other.drop()


def test_what_was_committed_is_there_after_a_power_failure(database: ServerDatabase) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute(TABLE)
        connection.execute("INSERT INTO notes (text) VALUES ('kept')")
    left = psycopg.connect(database.url)
    left.execute("INSERT INTO notes (text) VALUES ('never committed')")
    with database.away():
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(database.url)
        assert database.processes() == ()
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    assert seen_by_server(database, "SELECT count(*) FROM notes") == 1


def test_open_and_new_connections_have_a_setting_for_a_while(database: ServerDatabase) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(TABLE)
        with database.having("default_transaction_read_only", "on"):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute("INSERT INTO notes (text) VALUES ('a')")
            assert seen_by_server(database, "SHOW transaction_read_only") == "on"
        connection.execute("INSERT INTO notes (text) VALUES ('b')")


def test_a_setting_that_is_not_taken_up_is_an_error_of_ours(database: ServerDatabase) -> None:
    # It needs a new start of the server.
    with pytest.raises(GraderBrokeError), database.having("max_connections", "100"):
        pass


def test_connections_of_a_process_that_is_gone_are_ended(database: ServerDatabase) -> None:
    left = psycopg.connect(database.url)
    left.execute(TABLE)
    database.end_connections()
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    assert seen_by_server(database, "SELECT count(*) FROM pg_stat_user_tables") == 0


def test_it_is_removed_with_its_user_and_says_whether_it_was_used(databases: Databases) -> None:
    used, unused = databases.new(), databases.new()
    with psycopg.connect(used.url) as connection:
        connection.execute(TABLE)
    for each in (used, unused):
        each.drop()
        each.drop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(each.url)
    assert (used.was_used, unused.was_used) == (True, False)


def test_a_process_of_postgresql_that_crashes_ends_no_run(
    databases: Databases, database: ServerDatabase
) -> None:
    left = psycopg.connect(database.url)
    left.execute(TABLE)
    left.commit()
    os.kill(left.info.backend_pid, signal.SIGKILL)
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    left.close()
    other = databases.new()
    assert seen_by_server(other, "SELECT 1") == 1
    other.drop()
    assert seen_by_server(database, "SELECT count(*) FROM notes") == 0


@pytest.mark.parametrize(
    ("statement", "asks"),
    [
        ("SELECT now() - interval '1 day'", True),
        ("CREATE TABLE a (at timestamptz DEFAULT CURRENT_TIMESTAMP)", True),
        ("SELECT statement_timestamp ( )", True),
        ("SELECT 'known' AS now_known", False),
        ("CREATE TABLE a (current_timestamps int)", False),
    ],
)
def test_whether_it_was_asked_for_the_time(
    database: ServerDatabase, statement: LiteralString, *, asks: bool
) -> None:
    assert not database.was_asked_for_the_time
    with psycopg.connect(database.url) as connection:
        connection.execute(statement)
    assert database.was_asked_for_the_time is asks


def test_its_files_are_where_it_says(database: ServerDatabase) -> None:
    own, _ = database.folders
    assert (own / "PG_VERSION").read_text(encoding="ascii").strip() == "18"
    assert database.socket_folder.stat().st_mode & 0o777 == 0o711
