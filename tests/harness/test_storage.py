"""What is found in a server's files, and what a hostile file can do to who looks: nothing."""

from __future__ import annotations

import json
import os
import pickle
import shelve
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from graders.engine.harness.storage import places_containing

WORD = "kiwi-7f3a09"


def database(path: Path, *statements: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    return connection


def test_a_row_is_found_by_its_table(tmp_path: Path) -> None:
    statements = (
        "CREATE TABLE items (id INTEGER PRIMARY KEY, data TEXT)",
        "CREATE TABLE empty (data BLOB)",
        f"INSERT INTO items (data) VALUES ('about {WORD}.')",
    )
    with closing(database(tmp_path / "chat.db", *statements)):
        assert places_containing([tmp_path], WORD) == ["table `items` of chat.db"]
        assert places_containing([tmp_path], "plum-000000") == []


@pytest.mark.parametrize("mode", ["WAL", "DELETE", "MEMORY"])
def test_rows_are_found_while_the_server_has_the_file_open(tmp_path: Path, mode: str) -> None:
    statements = (
        f"PRAGMA journal_mode = {mode}",
        "CREATE TABLE items (data BLOB)",
        f"INSERT INTO items VALUES (CAST('{WORD}' AS BLOB))",
    )
    with closing(database(tmp_path / "chat.db", *statements)) as connection:
        assert places_containing([tmp_path], WORD) == ["table `items` of chat.db"]
        connection.execute("DELETE FROM items")
        assert places_containing([tmp_path], WORD) == []


def test_bytes_of_deleted_rows_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    statements = (
        "PRAGMA secure_delete = OFF",
        "CREATE TABLE items (data TEXT)",
        f"INSERT INTO items VALUES ('{WORD}')",
        "DELETE FROM items",
    )
    database(path, *statements).close()
    assert WORD.encode() in path.read_bytes()
    assert places_containing([tmp_path], WORD) == []


def test_text_that_is_no_utf_8_is_searched_too(tmp_path: Path) -> None:
    with closing(database(tmp_path / "chat.db", "CREATE TABLE items (data TEXT)")) as connection:
        value = b"\xff\xfe" + WORD.encode()
        connection.execute("INSERT INTO items VALUES (CAST(? AS TEXT))", (value,))
        assert places_containing([tmp_path], WORD) == ["table `items` of chat.db"]


def test_other_files_are_searched_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "threads").mkdir()
    (tmp_path / "threads" / "one.json").write_text(json.dumps({"text": WORD}))
    (tmp_path / "two.pickle").write_bytes(pickle.dumps([WORD]))
    (tmp_path / "three.json").write_text("{}")
    assert places_containing([tmp_path], WORD) == ["two.pickle", "one.json"]


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    (tmp_path / "trap.pickle").write_bytes(pickle.dumps([WORD, Trap()]))
    assert places_containing([tmp_path], WORD) == ["trap.pickle"]
    assert not (tmp_path / "sprung").exists()


def test_what_cannot_be_read_is_not_held_against_anybody(tmp_path: Path) -> None:
    (tmp_path / "unknown.bin").write_bytes(b"\x00\xff\xfe" + WORD.encode())
    (tmp_path / "server.log").write_text(f"INFO {WORD}\n")
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0" + WORD.encode() * 300)
    with shelve.open(str(tmp_path / "shelf")) as shelf:
        shelf["one"] = WORD
        del shelf["one"]
    assert places_containing([tmp_path], WORD) == []


def test_links_and_pipes_are_not_opened(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text(WORD)
    data = tmp_path / "data"
    data.mkdir()
    (data / "link.json").symlink_to(outside / "secret.json")
    (data / "folder").symlink_to(outside, target_is_directory=True)
    os.mkfifo(data / "pipe.json")
    assert places_containing([data], WORD) == []


def test_a_journal_that_names_other_files_is_not_played_back(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    statements = ("CREATE TABLE items (data TEXT)", f"INSERT INTO items VALUES ('{WORD}')")
    database(path, *statements).close()
    before = path.read_bytes()
    (tmp_path / "chat.db-journal").write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(600))
    assert places_containing([tmp_path], WORD) == ["table `items` of chat.db"]
    assert path.read_bytes() == before
    assert (tmp_path / "chat.db-journal").exists()


def test_views_triggers_and_generated_columns_are_not_run(tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    statements = (
        "CREATE TABLE items (data TEXT, twice TEXT AS (data || data) VIRTUAL)",
        f"INSERT INTO items VALUES ('{WORD}')",
        f"CREATE VIEW endless AS {endless}",
        f"CREATE TRIGGER t AFTER DELETE ON items BEGIN INSERT INTO items {endless}; END",
    )
    database(tmp_path / "chat.db", *statements).close()
    assert places_containing([tmp_path], WORD) == ["table `items` of chat.db"]


def test_a_schema_with_odd_names_is_read(tmp_path: Path) -> None:
    statements = (
        'CREATE TABLE "a""b; DROP TABLE x" ("select" TEXT, "it\'s" TEXT)',
        f"INSERT INTO \"a\"\"b; DROP TABLE x\" VALUES ('', '{WORD}')",
    )
    database(tmp_path / "chat.db", *statements).close()
    assert places_containing([tmp_path], WORD) == ['table `a"b; DROP TABLE x` of chat.db']


def test_one_broken_table_does_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    statements = (
        "CREATE TABLE a_broken (data TEXT)",
        "CREATE TABLE b_whole (data TEXT)",
        f"INSERT INTO b_whole VALUES ('{WORD}')",
    )
    database(path, "PRAGMA page_size = 4096", *statements).close()
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\xff" * 4096  # the second page, which is the first table's
    path.write_bytes(data)
    assert places_containing([tmp_path], WORD) == ["table `b_whole` of chat.db"]


def test_a_log_counts_where_no_file_may_hold_a_word(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_bytes(f"INFO {WORD} ".encode() + b"caf\xe9\n")
    assert places_containing([tmp_path], WORD) == []
    assert places_containing([tmp_path], WORD, logs=True) == ["server.log"]


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_only_what_stands_beside_a_database_is_a_part_of_it(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"chat.db{suffix}").write_text(WORD)
    assert places_containing([tmp_path], WORD) == [f"chat.db{suffix}"]
    database(tmp_path / "chat.db", "CREATE TABLE items (data TEXT)").close()
    assert places_containing([tmp_path], WORD) == []


def test_the_name_of_a_file_holds_what_stands_in_it(tmp_path: Path) -> None:
    (tmp_path / "About kiwi-7f3a09.txt").write_text("thr_1")
    assert places_containing([tmp_path], "kiwi-7f3a09") == ["name About kiwi-7f3a09.txt"]
    assert places_containing([tmp_path], "kiwi-000000") == []
