"""Disturbances of storage: they do what they say, spare what is not theirs, and are undone."""

from __future__ import annotations

import base64
import bz2
import fcntl
import gzip
import json
import lzma
import os
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from graders.engine.harness.packed import Unpacking
from graders.engine.harness.storage import places_containing
from graders.engine.harness.storage_faults import (
    damage,
    locked,
    read_only,
    unmounted,
)
from tests.students import Bench

TRIES = """
    import os

    def told():
        folder = os.environ["CHATKIT_DATA_DIR"]
        try:
            open(folder + "/file", "a").write("x")
        except OSError as error:
            empty = ", and nothing is there" if not os.listdir(folder) else ""
            return type(error).__name__ + empty
        return "written"

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": told().encode()})
"""
BAD, GOOD = "kiwi-7f3a09", "plum-112233"


def make(path: Path, mode: str = "DELETE") -> None:
    """Write a database with one row for each word, as a server does that is killed then."""
    code = f"""
import os, sqlite3
db = sqlite3.connect({str(path)!r}, isolation_level=None)
db.execute("PRAGMA journal_mode = {mode}")
db.execute("CREATE TABLE IF NOT EXISTS items (id TEXT PRIMARY KEY, data TEXT)")
for word in ({BAD!r}, {GOOD!r}):
    db.execute("INSERT INTO items VALUES (?, ?)", (word[:4], '{{"text": "' + word + '"}}'))
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def rows(path: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT id, data FROM items"))


@pytest.mark.parametrize("mode", ["DELETE", "WAL", "PERSIST"])
def test_one_value_of_a_database_is_damaged(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "chat.db"
    make(path, mode)
    assert damage([tmp_path], BAD, [GOOD]) == 1
    found = rows(path)
    assert set(found["kiwi"]) == {"#"}
    assert json.loads(found["plum"]) == {"text": GOOD}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_value_that_others_share_is_spared(tmp_path: Path) -> None:
    both = json.dumps([BAD, GOOD])
    (tmp_path / "all.json").write_text(both)
    with closing(sqlite3.connect(tmp_path / "chat.db")) as connection, connection:
        connection.execute("CREATE TABLE state (data TEXT)")
        connection.execute("INSERT INTO state VALUES (?)", (both,))
    assert damage([tmp_path], BAD, [GOOD]) == 0
    assert (tmp_path / "all.json").read_text() == both


def test_a_file_of_its_own_is_damaged_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps(BAD))
    (tmp_path / "good.json").write_text(json.dumps(GOOD))
    assert damage([tmp_path], BAD, [GOOD]) == 1
    assert set((tmp_path / "bad.json").read_text()) == {"#"}
    assert json.loads((tmp_path / "good.json").read_text()) == GOOD


def test_a_database_in_the_middle_of_a_change_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    make(path)
    (tmp_path / "chat.db-journal").write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(600))
    before = path.read_bytes()
    assert damage([tmp_path], BAD, [GOOD]) == 0
    assert path.read_bytes() == before


WRITES = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=0.05, isolation_level=None)
try:
    db.execute("INSERT INTO items VALUES ('new', '')")
except sqlite3.OperationalError as error:
    print(error)
"""


def write(path: Path) -> str:
    """Write as another process does; return its complaint."""
    done = subprocess.run(
        [sys.executable, "-c", WRITES, str(path)], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_locked_database_cannot_be_written_to(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "chat.db"
    make(path, mode)
    with locked([tmp_path]):
        assert write(path) == "database is locked"
    assert write(path) == ""
    assert "new" in rows(path)


def test_an_open_connection_in_wal_mode_can_read_and_not_write(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    code = (
        "import sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], timeout=0.05, isolation_level=None)\n"
        "db.execute('SELECT * FROM items').fetchall()\n"
        "for line in sys.stdin:\n"
        "    try:\n"
        "        print(db.execute(line).fetchall(), flush=True)\n"
        "    except sqlite3.OperationalError as error:\n"
        "        print(error, flush=True)\n"
    )
    make(path, "WAL")
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(sql: str) -> str:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(sql + "\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        assert ask("SELECT count(*) FROM items") == "[(2,)]"
        with locked([tmp_path]):
            assert ask("SELECT count(*) FROM items") == "[(2,)]"
            assert ask("DELETE FROM items") == "database is locked"
        assert ask("DELETE FROM items") == "[]"


def test_a_lock_needs_no_database_to_be_whole(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0rubbish")
    (tmp_path / "link.db").symlink_to(tmp_path / "broken.db")
    with locked([tmp_path]):
        number = os.open(tmp_path / "broken.db", os.O_RDWR)
    fcntl.lockf(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(number)


def test_modes_are_given_back(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / "chat.db").write_text("")
    (folder / "chat.db").chmod(0o640)
    (folder / "link").symlink_to("/etc")
    with read_only([folder]):
        assert folder.stat().st_mode & 0o777 == 0o500
        assert (folder / "chat.db").stat().st_mode & 0o777 == 0o440
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "chat.db").stat().st_mode & 0o777 == 0o640


def test_what_is_in_a_folder_goes_and_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "threads").mkdir(parents=True, mode=0o700)
    (folder / "chat.db").write_text("kept")
    inode = (folder / "chat.db").stat().st_ino
    with unmounted(folder):
        assert list(folder.iterdir()) == []
        assert folder.stat().st_mode & 0o222 == 0
    assert (folder / "chat.db").stat().st_ino == inode
    assert {each.name for each in tmp_path.rglob("*")} == {"data", "threads", "chat.db"}
    (folder / "new").touch()


async def test_a_server_can_neither_write_nor_see_what_is_away(bench: Bench) -> None:
    student = await bench.serve(TRIES)
    assert (await student.http.get("/")).text == "written"
    with read_only(student.own_dirs):
        assert (await student.http.get("/")).text == "PermissionError"
    with unmounted(student.data_dir):
        assert (await student.http.get("/")).text == "PermissionError, and nothing is there"
    assert (await student.http.get("/")).text == "written"


def document() -> dict[str, object]:
    """Return what a server keeps that has one file for all its threads."""
    return {
        "threads": {
            "thr_1": {"id": "thr_1", "title": BAD, "number": 1},
            "thr_2": {"id": "thr_2", "title": GOOD, "number": 2},
        },
        "items": [{"content": [{"type": "text", "text": BAD}]}, {"content": [{"text": GOOD}]}],
    }


def test_of_a_document_that_others_share_the_smallest_object_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    path.write_text(json.dumps(document()))
    assert damage([tmp_path], BAD, [GOOD]) == 1
    found = json.loads(path.read_text())
    assert found["threads"]["thr_1"] == {"id": "#####", "title": "#" * len(BAD), "number": 1}
    assert found["threads"]["thr_2"] == {"id": "thr_2", "title": GOOD, "number": 2}
    assert found["items"][0] == {"content": [{"type": "####", "text": "#" * len(BAD)}]}
    assert found["items"][1] == {"content": [{"text": GOOD}]}


def test_a_list_of_threads_is_shared_by_those_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "threads.json"
    path.write_text(json.dumps([{"id": "thr_1", "title": BAD}, {"id": "thr_2"}]))
    assert damage([tmp_path], BAD, ['"thr_2"']) == 1
    assert json.loads(path.read_text())[1] == {"id": "thr_2"}


@pytest.mark.parametrize("shared", [True, False])
def test_of_a_file_of_lines_one_line_is_damaged(tmp_path: Path, shared: bool) -> None:
    path = tmp_path / "log.jsonl"
    other = json.dumps({"text": GOOD if shared else "other"})
    path.write_text(f"{other}\n{json.dumps({'text': BAD})}\n")
    assert damage([tmp_path], BAD, [GOOD]) == 1
    first, second = path.read_text().splitlines()
    assert first == other
    assert set(second) == {"#"}


@pytest.mark.parametrize("depth", [300, 600, 900])
def test_a_deep_document_is_damaged_or_left_alone(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "all.json"
    path.write_text(f'{{"a": "{GOOD}", "b": {"[" * depth}{{"c": "{BAD}"}}{"]" * depth}}}')
    damage([tmp_path], BAD, [GOOD])
    assert GOOD in path.read_text()


def test_a_long_document_that_is_shared_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    path.write_text(json.dumps({"a": {"b": GOOD}, "c": {"d": BAD}, "e": "x" * 1024 * 1024}))
    assert damage([tmp_path], BAD, [GOOD]) == 0


def test_a_file_that_is_no_json_and_shared_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(f"{BAD}\n{GOOD}\n")
    assert damage([tmp_path], BAD, [GOOD]) == 0
    assert path.read_text() == f"{BAD}\n{GOOD}\n"


def packings() -> dict[str, bytes]:
    """Return a text of the damaged thread in each usual form."""
    text = f'{{"text": "About {BAD}, and more words"}}'
    plain = text.encode()
    return {
        "zlib": zlib.compress(plain),
        "gzip": gzip.compress(plain),
        "bz2": bz2.compress(plain),
        "lzma": lzma.compress(plain),
        "base64": base64.b64encode(plain),
        "url-safe base64": base64.urlsafe_b64encode(b"\xff\xfe" + plain),
        "hexadecimal": plain.hex().encode(),
        "zlib in base64": base64.b64encode(zlib.compress(plain)),
        "UTF-16": text.encode("utf-16"),
    }


@pytest.mark.parametrize("form", packings())
def test_what_is_packed_is_seen_and_damaged(tmp_path: Path, form: str) -> None:
    packed, other = packings()[form], zlib.compress(GOOD.encode())
    with closing(sqlite3.connect(tmp_path / "chat.db")) as connection, connection:
        connection.execute("CREATE TABLE items (id TEXT, data BLOB)")
        connection.executemany("INSERT INTO items VALUES (?, ?)", [("k", packed), ("p", other)])
    assert places_containing([tmp_path], BAD) == ["table `items` of chat.db"]
    assert damage([tmp_path], BAD, [GOOD]) == 1
    assert places_containing([tmp_path], BAD) == []
    found = rows(tmp_path / "chat.db")
    assert (set(found["k"]), found["p"]) == (set(b"#"), other)


def test_a_value_that_unpacks_to_what_is_spared_stays(tmp_path: Path) -> None:
    both = zlib.compress(f"{BAD} {GOOD}".encode())
    (tmp_path / "both.z").write_bytes(both)
    assert damage([tmp_path], BAD, [GOOD]) == 0
    assert (tmp_path / "both.z").read_bytes() == both


def test_a_packed_file_is_seen_and_damaged(tmp_path: Path) -> None:
    path = tmp_path / "thread.json.gz"
    path.write_bytes(gzip.compress(f'{{"text": "{BAD}"}}'.encode()))
    assert places_containing([tmp_path], BAD) == ["thread.json.gz"]
    assert damage([tmp_path], BAD, [GOOD]) == 1
    assert set(path.read_bytes()) == set(b"#")


def test_a_database_in_utf_16_is_damaged(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "chat.db")) as connection, connection:
        connection.execute("PRAGMA encoding = 'UTF-16'")
        connection.execute("CREATE TABLE items (id TEXT, data TEXT)")
        connection.execute("INSERT INTO items VALUES ('kiwi', ?)", (f"About {BAD}",))
    assert damage([tmp_path], BAD, [GOOD]) == 1
    assert set(rows(tmp_path / "chat.db")["kiwi"]) == {"#"}


@pytest.mark.parametrize(
    "bomb",
    [zlib.compress(bytes(200_000_000)), b"\x78 no such thing at all", b"abcde" * 5, b"ab" * 11],
    ids=["bomb", "broken", "no base64", "no text"],
)
def test_only_so_much_is_unpacked(bomb: bytes) -> None:
    assert max(map(len, Unpacking().unpacked(bomb)), default=0) <= 4 * 1024 * 1024


def test_only_so_much_is_unpacked_in_all() -> None:
    packed = zlib.compress(BAD.encode() + bytes(4_000))
    unpacking = Unpacking(most=3 * 4_000)
    assert [unpacking.holds(packed, BAD.encode()) for _ in range(5)] == [True] * 3 + [False] * 2
    assert unpacking.holds(BAD.encode(), BAD.encode())


@pytest.mark.parametrize(
    "value", [BAD.encode().hex().encode(), b"\\x" + BAD.encode().hex().encode()]
)
def test_hexadecimal_is_read(value: bytes) -> None:
    assert Unpacking().holds(value, BAD.encode())
    assert not Unpacking().holds(value[:-1], BAD.encode())


def test_of_many_lines_that_are_alike_all_are_damaged(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text("".join(f'{{"{number}": "{BAD}"}}\n' for number in range(30_000)))
    assert damage([tmp_path], BAD, [GOOD]) == 1
    assert places_containing([tmp_path], BAD) == []


def test_of_a_database_no_more_values_are_damaged_than_can_be_found_again(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "chat.db")) as connection, connection:
        connection.execute("CREATE TABLE items (data TEXT)")
        rows = [(f"{number:05} {BAD}",) for number in range(1_500)]
        connection.executemany("INSERT INTO items VALUES (?)", rows)
    assert damage([tmp_path], BAD, [GOOD]) == 1_000
