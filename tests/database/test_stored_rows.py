"""What stands in tables: found, damaged, locked."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from graders.engine.core.errors import Finding
from graders.engine.database.databases import ServerDatabase
from graders.engine.database.stored_rows import damage_rows, locked_tables, tables_containing

Own = psycopg.Connection[tuple[object, ...]]
RUBBISH = "#" * 5


@pytest.fixture
def own(database: ServerDatabase) -> Iterator[Own]:
    """Yield a connection of the server's own, with tables of all kinds."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE kinds (id int, a text, b varchar(9), c jsonb, d json, e bytea, f text[])"
        )
        connection.execute('CREATE SCHEMA own CREATE TABLE "Odd name" ("a column" text)')
        yield connection


def test_words_are_found_in_every_kind_of_column(database: ServerDatabase, own: Own) -> None:
    values = ("'apple'", "'apple'", '\'{"x": "apple"}\'', '\'{"x": "apple"}\'', "'apple'")
    for column, value in zip("abcde", values, strict=True):
        own.execute(f"INSERT INTO kinds ({column}) VALUES ({value})".encode())
        assert tables_containing(database, "apple") == ["table `kinds` of PostgreSQL"], column
        own.execute("DELETE FROM kinds")
        assert tables_containing(database, "apple") == []
    own.execute("INSERT INTO kinds (f) VALUES ('{pear, apple}')")
    own.execute("INSERT INTO own.\"Odd name\" VALUES ('an apple')")
    assert tables_containing(database, "apple") == [
        "table `Odd name` of PostgreSQL",
        "table `kinds` of PostgreSQL",
    ]


def test_a_word_is_found_where_pieces_meet(database: ServerDatabase, own: Own) -> None:
    own.execute("INSERT INTO kinds (a) SELECT repeat('x', n) FROM generate_series(1, 3000) n")
    own.execute("INSERT INTO kinds (a) VALUES (repeat('y', 900000) || 'apple')")
    assert tables_containing(database, "apple")


def test_what_is_not_committed_is_not_stored(database: ServerDatabase, own: Own) -> None:
    with own.transaction(force_rollback=True):
        own.execute("INSERT INTO kinds (a) VALUES ('apple')")
        assert tables_containing(database, "apple") == []


def test_values_with_the_word_become_rubbish_and_no_others(
    database: ServerDatabase, own: Own
) -> None:
    own.execute(
        "INSERT INTO kinds VALUES (1, 'apple', 'apple', '{\"x\": \"apple\"}', '{\"x\": \"apple\"}',"
        " 'apple', '{apple}'),"
        "(2, 'apple and pear', 'plum', '[\"apple\", \"pear\"]', '[]', 'plum', '{}')"
    )
    assert damage_rows(database, "apple", ["pear"]) == 5
    rows = own.execute("SELECT a, b, c, d, e, f FROM kinds ORDER BY id").fetchall()
    json = "#" * 40
    assert rows == [
        (RUBBISH, RUBBISH, json, json, RUBBISH.encode(), ["apple"]),
        ("apple and pear", "plum", ["apple", "pear"], [], b"plum", []),
    ]


def test_what_the_server_forbids_itself_stays(database: ServerDatabase, own: Own) -> None:
    own.execute("ALTER TABLE kinds ADD CHECK (a NOT LIKE '#%')")
    own.execute("INSERT INTO kinds (a, b) VALUES ('apple', 'apple')")
    assert damage_rows(database, "apple", []) == 1
    assert own.execute("SELECT a, b FROM kinds").fetchall() == [("apple", RUBBISH)]


def test_tables_are_locked_for_a_while(database: ServerDatabase, own: Own) -> None:
    with locked_tables(database, 1):
        assert not database.is_kept_waiting
        for statement in ("SELECT 1 FROM kinds", "INSERT INTO kinds (id) VALUES (1)"):
            with pytest.raises(psycopg.errors.LockNotAvailable):
                own.execute(statement.encode())
    own.execute("INSERT INTO kinds (id) VALUES (2)")


def test_who_waits_for_our_lock_is_seen(database: ServerDatabase, own: Own) -> None:
    waiting = threading.Thread(target=own.execute, args=("DELETE FROM kinds",))
    with locked_tables(database, 60):
        waiting.start()
        while not database.is_kept_waiting:
            assert waiting.is_alive()
    waiting.join()
    assert not database.is_kept_waiting


def test_a_table_in_use_is_closed_to_writers(database: ServerDatabase, own: Own) -> None:
    with psycopg.connect(database.url) as reading:
        reading.execute("SELECT 1 FROM kinds")
        with locked_tables(database, 1):
            own.execute("SELECT 1 FROM kinds")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                own.execute("DELETE FROM kinds")


@pytest.mark.usefixtures("own")
def test_a_table_that_is_written_to_is_left_alone(database: ServerDatabase) -> None:
    with psycopg.connect(database.url) as writing:
        writing.execute("INSERT INTO kinds (id) VALUES (1)")
        with locked_tables(database, 1):
            writing.execute("INSERT INTO kinds (id) VALUES (2)")


def test_only_so_much_is_read(
    database: ServerDatabase, own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.execute("CREATE TABLE after_all (a text); INSERT INTO after_all VALUES ('apple')")
    own.execute("CREATE TABLE a_large_one AS SELECT repeat('x', 9000) || 'apple' AS a")
    both = ["table `a_large_one` of PostgreSQL", "table `after_all` of PostgreSQL"]
    assert tables_containing(database, "apple") == both
    monkeypatch.setattr("graders.engine.database.stored_rows._MOST_BYTES", 8_000)
    assert tables_containing(database, "apple") == both[:1]
    assert damage_rows(database, "apple", []) == 1


def test_tables_that_are_held_are_told_where_nothing_else_is_found(
    database: ServerDatabase, own: Own
) -> None:
    own.execute("CREATE TABLE held (a text); CREATE TABLE open_one (a text)")
    own.execute("INSERT INTO held VALUES ('apple'); INSERT INTO open_one VALUES ('apple')")
    own.execute("BEGIN; LOCK TABLE held")
    assert tables_containing(database, "apple") == ["table `open_one` of PostgreSQL"]
    own.execute("COMMIT; DELETE FROM open_one")
    own.execute("BEGIN; LOCK TABLE held; LOCK TABLE kinds")
    with pytest.raises(Finding, match="keeps the table `held` locked"):
        tables_containing(database, "apple")


UNDOES = """
CREATE TABLE sealed (a text);
CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;
CREATE TRIGGER sealed BEFORE UPDATE ON sealed FOR EACH ROW EXECUTE FUNCTION undo();
CREATE TRIGGER never BEFORE UPDATE ON sealed FOR EACH ROW EXECUTE FUNCTION undo();
CREATE TRIGGER replica BEFORE UPDATE ON sealed FOR EACH ROW EXECUTE FUNCTION undo();
ALTER TABLE sealed ENABLE ALWAYS TRIGGER sealed;
ALTER TABLE sealed DISABLE TRIGGER never;
ALTER TABLE sealed ENABLE REPLICA TRIGGER replica;
CREATE RULE sealed AS ON UPDATE TO sealed DO INSTEAD NOTHING;
ALTER TABLE sealed ENABLE ROW LEVEL SECURITY;
ALTER TABLE sealed FORCE ROW LEVEL SECURITY;
CREATE POLICY read_only ON sealed FOR SELECT USING (true);
CREATE POLICY adds ON sealed FOR INSERT WITH CHECK (true);
INSERT INTO sealed VALUES ('apple');
"""
STATE = """
SELECT tgname, tgenabled::text FROM pg_trigger WHERE tgrelid = 'sealed'::regclass
UNION ALL SELECT rulename, ev_enabled::text FROM pg_rewrite WHERE ev_class = 'sealed'::regclass
UNION ALL SELECT 'force', relforcerowsecurity::text FROM pg_class WHERE relname = 'sealed'
ORDER BY 1, 2
"""


def test_what_would_undo_damage_is_off_meanwhile_and_on_again(
    database: ServerDatabase, own: Own
) -> None:
    own.execute(UNDOES)
    before = own.execute(STATE).fetchall()
    assert damage_rows(database, "apple", []) == 1
    assert tables_containing(database, "apple") == []
    assert own.execute(STATE).fetchall() == before


@pytest.mark.parametrize(
    ("doing", "told"),
    [
        ("ALTER ROLE CURRENT_USER PASSWORD 'another'", "password authentication failed"),
        ("ALTER ROLE CURRENT_USER SET transaction_timeout = 1", "nobody but the server can use"),
    ],
)
def test_who_keeps_others_out_is_told(
    database: ServerDatabase, own: Own, doing: str, told: str
) -> None:
    own.execute(doing.encode())
    with pytest.raises(Finding, match=told), database.asked_by_others(), locked_tables(database, 1):
        own.execute("SELECT pg_sleep(0.1)")


def test_who_ends_the_session_that_holds_the_tables_is_told(
    database: ServerDatabase, own: Own
) -> None:
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with (
        pytest.raises(Finding, match="terminating connection"),
        database.asked_by_others(),
        locked_tables(database, 1),
    ):
        own.execute(f"{ends} AND usename = CURRENT_USER".encode())


@pytest.mark.parametrize("state", ["53100", "58030", "XX000"])
def test_what_is_no_doing_of_the_server_is_none_of_its_findings(
    database: ServerDatabase, state: str
) -> None:
    with pytest.raises(psycopg.Error), database.asked_by_others():
        raise psycopg.errors.lookup(state)
