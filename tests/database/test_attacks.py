"""What a submission's user may not do in PostgreSQL; nobody runs its code with more rights."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import psycopg
import pytest

from graders.engine.core.errors import Finding
from graders.engine.database import databases as databases_module
from graders.engine.database.databases import Databases, ServerDatabase
from graders.engine.database.stored_rows import damage_rows, locked_tables, tables_containing
from graders.engine.server.watch.folders import contents_of

Own = psycopg.Connection[tuple[object, ...]]

REFUSED = {
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "write a file": "COPY (SELECT 1) TO '/tmp/written'",
    "read a file by COPY": "CREATE TEMP TABLE t (a text); COPY t FROM '/etc/passwd'",
    "read a file": "SELECT pg_read_file('/etc/passwd')",
    "read bytes of a file": "SELECT pg_read_binary_file('PG_VERSION')",
    "list a folder": "SELECT pg_ls_dir('.')",
    "list the logs": "SELECT pg_ls_logdir()",
    "import a file as an object": "SELECT lo_import('/etc/passwd')",
    "export an object as a file": "SELECT lo_export(lo_create(0), '/tmp/written')",
    "load a library": "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc.so.6', 'getpid'",
    "load a module": "LOAD '/tmp/written'",
    "read files as tables": "CREATE EXTENSION file_fdw",
    "connect elsewhere": "CREATE EXTENSION dblink",
    "look into pages": "CREATE EXTENSION pageinspect",
    "become a superuser": "ALTER ROLE CURRENT_USER SUPERUSER",
    "become the grader": "SET ROLE grader",
    "become the reader": "SET ROLE reader",
    "be the grader": "SET SESSION AUTHORIZATION grader",
    "take the reader's rights": "GRANT pg_read_all_data TO CURRENT_USER",
    "raise its own limit": "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1",
    "make a user": "CREATE ROLE another LOGIN",
    "make a database": "CREATE DATABASE another",
    "close a database": "ALTER DATABASE postgres ALLOW_CONNECTIONS false",
    "remove a database": "DROP DATABASE chat_template",
    "change a setting of the server": "ALTER SYSTEM SET fsync = on",
    "load settings": "SELECT pg_reload_conf()",
    "take more room for files": "SET temp_file_limit = -1",
    "log as it likes": "SET log_statement = 'all'",
    "look at statements of others": "SELECT pg_stat_statements_reset()",
    "see passwords": "SELECT * FROM pg_authid",
    "write the catalogue": "DELETE FROM pg_database",
    "watch who connects": "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql "
    "AS 'BEGIN END'; CREATE EVENT TRIGGER t ON login EXECUTE FUNCTION f()",
    "copy from another server": "CREATE SUBSCRIPTION s CONNECTION 'dbname=postgres' PUBLICATION p",
}


@pytest.fixture
def own(database: ServerDatabase) -> Iterator[Own]:
    """Yield a connection of a submission's user."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_its_user_may_not(own: Own, statement: str) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        own.execute(statement.encode())
    assert not isinstance(refusal.value, psycopg.errors.SyntaxError)


def test_it_cannot_close_its_own_database_to_the_grader(database: ServerDatabase, own: Own) -> None:
    for change in ("ALLOW_CONNECTIONS false", "CONNECTION LIMIT 0", "OWNER TO CURRENT_USER"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            own.execute(f"ALTER DATABASE {database.name} {change}".encode())
    # Whoever gave nothing can take nothing back: a warning, and no more.
    own.execute(f"REVOKE ALL ON DATABASE {database.name} FROM reader".encode())
    assert tables_containing(database, "apple") == []


def test_it_ends_no_connection_of_the_grader(databases: Databases, own: Own) -> None:
    number = databases.admin().info.backend_pid
    for function in ("pg_terminate_backend", "pg_cancel_backend"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            own.execute(f"SELECT {function}({number})".encode())
    assert databases.version.startswith("PostgreSQL 18")


def test_it_sees_no_statement_of_others(databases: Databases, own: Own) -> None:
    databases.admin().execute("SELECT 'a secret of the grader'")
    for view in ("pg_stat_activity", "pg_stat_statements"):
        asked = f"SELECT query FROM {view} WHERE query LIKE '%secret of the grader%'"
        with contextlib.suppress(psycopg.errors.UndefinedTable):
            assert not [
                row for row in own.execute(asked.encode()).fetchall() if "LIKE" not in str(row)
            ]


TRAPS = """
CREATE TABLE caught (who text, session text);
CREATE FUNCTION trap() RETURNS trigger SECURITY INVOKER LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.caught VALUES (current_user, session_user); RETURN NEW; END $$;
CREATE FUNCTION trap_text(anyelement) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.caught VALUES (current_user, session_user); RETURN 'x'; END $$;
CREATE TYPE mood AS ENUM ('apple');
CREATE FUNCTION mood_text(mood) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.caught VALUES (current_user, session_user); RETURN 'x'; END $$;
CREATE CAST (mood AS text) WITH FUNCTION mood_text(mood) AS IMPLICIT;
CREATE FUNCTION trap_like(name, text) RETURNS bool LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.caught VALUES (current_user, session_user); RETURN true; END $$;
CREATE OPERATOR !~ (LEFTARG = name, RIGHTARG = text, FUNCTION = trap_like);
CREATE TABLE trapped (a text, b mood, c text GENERATED ALWAYS AS (lower(a)) STORED);
CREATE TRIGGER trap BEFORE INSERT OR UPDATE ON trapped FOR EACH ROW EXECUTE FUNCTION trap();
ALTER TABLE trapped ENABLE ALWAYS TRIGGER trap;
CREATE VIEW pg_class AS SELECT trap_text('a'::text) AS relname;
ALTER TABLE trapped ENABLE ROW LEVEL SECURITY;
ALTER TABLE trapped FORCE ROW LEVEL SECURITY;
CREATE POLICY hide ON trapped USING (trap_text(a) = 'y') WITH CHECK (true);
INSERT INTO trapped VALUES ('apple', 'apple');
REVOKE ALL ON trapped FROM CURRENT_USER;
ALTER ROLE CURRENT_USER SET search_path = public, pg_catalog;
"""


def test_no_trap_runs_with_the_rights_of_the_grader(database: ServerDatabase, own: Own) -> None:
    own.execute(TRAPS)
    # Hidden by a policy, revoked: the reader sees it all the same.
    assert tables_containing(database, "apple") == ["table `trapped` of PostgreSQL"]
    damage_rows(database, "apple", [])
    with locked_tables(database, 1):
        pass
    database.end_connections()
    with psycopg.connect(database.url) as again:
        caught = again.execute("SELECT DISTINCT who, session FROM public.caught").fetchall()
    assert set(caught) <= {(database.name, database.name)}
    # The trap works: it has caught its own author, at the INSERT.
    assert caught


NEVER_ENDS = """
CREATE TABLE kept (a text);
CREATE FUNCTION never_ends(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
    IF $1 = 'apple' THEN RETURN true; END IF;
    LOOP
        BEGIN PERFORM pg_sleep(1e6); EXCEPTION WHEN query_canceled THEN NULL; END;
    END LOOP; END $$;
ALTER TABLE kept ADD CHECK (never_ends(a));
INSERT INTO kept VALUES ('apple');
"""


def test_a_constraint_does_not_hold_up_the_grader(
    database: ServerDatabase, own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.execute(NEVER_ENDS)
    monkeypatch.setattr(databases_module, "_MOST_SECONDS", 0.5)
    assert damage_rows(database, "apple", []) == 0
    assert tables_containing(database, "apple") == ["table `kept` of PostgreSQL"]


BUSY = "SELECT array_fill(5, ARRAY[9000000]) <@ (array_fill(1, ARRAY[9000000]) || 5)"
"""Compares for hours, and never looks whether it is to end."""
IS_BUSY = "SELECT 1 FROM pg_stat_activity WHERE usename = %s AND state = 'active'"


def test_a_statement_that_cannot_be_cancelled_ends_with_its_server(
    databases: Databases, own: Own, database: ServerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        with contextlib.suppress(psycopg.Error):
            own.execute(BUSY)

    thread = threading.Thread(target=work)
    thread.start()
    while not databases.admin().execute(IS_BUSY, (database.name,)).fetchone():
        pass
    monkeypatch.setattr(databases_module, "_END_MILLISECONDS", 200)
    database.end_connections()
    thread.join()
    assert not databases.admin().execute(IS_BUSY, (database.name,)).fetchone()
    database.drop()


def test_what_it_tells_others_does_not_fill_the_disk(own: Own, database: ServerDatabase) -> None:
    own.execute("LISTEN others; BEGIN")
    told = "SELECT pg_notify('others', repeat('x', 7900) || n) FROM generate_series(1, 2000) n"
    with (
        psycopg.connect(database.url, autocommit=True) as telling,
        pytest.raises(psycopg.OperationalError, match="queue"),
    ):
        telling.execute(told.encode())


def test_what_it_sorts_counts_as_its_own(database: ServerDatabase, own: Own) -> None:
    sorts = "BEGIN; DECLARE c CURSOR FOR SELECT n FROM generate_series(1, 1000000) n ORDER BY -n;"
    own.execute(f"SET work_mem = 64; {sorts} FETCH c".encode())
    found = contents_of(database.folders, most_files=10_000)
    assert any(folder.name == "pgsql_tmp" for folder in database.folders)
    assert found.largest > 4_000_000


def test_who_takes_all_locks_is_ended_all_the_same(database: ServerDatabase, own: Own) -> None:
    takes = "SELECT pg_advisory_lock(n) FROM generate_series(1, 100000) n"
    with pytest.raises(psycopg.errors.OutOfMemory):
        own.execute(takes)
    with pytest.raises(Finding, match="out of shared memory"), database.asked_by_others():
        tables_containing(database, "apple")
    database.end_connections()
    assert tables_containing(database, "apple") == []
