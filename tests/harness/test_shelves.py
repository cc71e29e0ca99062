"""Where the values of shelves stand, in every kind of shelf that a Python may choose.

The two files in `shelves` are real ones. The modules `dbm.gnu` and `dbm.ndbm` of Debian's Python
wrote them: a value was deleted, then each of 40 was written twice, then a long one.
"""

from __future__ import annotations

import dbm
import gzip
import pickle
import shelve
from contextlib import closing
from dbm import dumb
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graders.engine.harness.shelves import bytes_of, values_by_index, values_of
from graders.engine.harness.storage import places_containing
from graders.engine.harness.storage_faults import damage

REAL = Path(__file__).with_name("shelves")
KINDS = ("gnu", "berkeley")
GNU, BERKELEY = (gzip.decompress((REAL / f"{kind}.gz").read_bytes()) for kind in KINDS)
BAD, GOOD = "kiwi-7f3a09", "plum-112233"

each_kind = pytest.mark.parametrize("data", [GNU, BERKELEY], ids=KINDS)


@each_kind
def test_values_are_found_and_nothing_of_what_was_deleted(data: bytes) -> None:
    values = [pickle.loads(bytes_of(value, data)) for value in values_of(data) or ()]
    texts = sorted(value["text"] for value in values if isinstance(value, dict))
    assert texts == [f"word-{number:02d} " + "fruit " * number for number in range(40)]
    (long,) = (value for value in values if isinstance(value, str))
    assert long == "first-word " + "fruit " * 3000 + "last-word"


@each_kind
def test_one_value_in_a_real_file_is_damaged(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "shelf.db").write_bytes(data)
    for word in ("deleted-word", "before-01"):
        assert places_containing([tmp_path], word) == []
    assert damage([tmp_path], "word-07", []) == 1
    assert damage([tmp_path], "last-word", ["word-08"]) == 1
    assert damage([tmp_path], "word-09", ["fruit"]) == 0
    for word in ("word-07", "first-word"):
        assert places_containing([tmp_path], word) == []
    assert places_containing([tmp_path], "word-08") == ["shelf.db"]
    left = (tmp_path / "shelf.db").read_bytes()
    spoilt = [value for value in values_of(left) or () if set(bytes_of(value, left)) == {ord("#")}]
    assert len(spoilt) == 2


def test_one_value_of_the_shelf_that_this_python_makes_is_damaged(tmp_path: Path) -> None:
    with shelve.open(str(tmp_path / "shelf")) as shelf:
        shelf["gone"] = BAD
        shelf["kiwi"] = {"text": BAD + " and more" * 1_000}
        shelf["plum"] = {"text": GOOD}
        del shelf["gone"]
    assert len(places_containing([tmp_path], BAD)) == 1
    assert damage([tmp_path], BAD, [GOOD]) == 1
    assert places_containing([tmp_path], BAD) == []
    with closing(dbm.open(str(tmp_path / "shelf"))) as damaged:
        assert set(damaged["kiwi"]) == {ord("#")}
        assert pickle.loads(damaged["plum"]) == {"text": GOOD}


def test_one_value_of_a_shelf_in_two_files_is_damaged(tmp_path: Path) -> None:
    with closing(dumb.open(str(tmp_path / "shelf"))) as shelf:
        shelf["gone"] = f"{BAD} that was deleted"
        shelf["kiwi"] = pickle.dumps({"text": BAD})
        shelf["plum"] = pickle.dumps({"text": GOOD})
        del shelf["gone"]
    assert places_containing([tmp_path], BAD) == ["shelf.dat"]
    assert damage([tmp_path], BAD, [GOOD]) == 1
    assert places_containing([tmp_path], BAD) == []
    with closing(dumb.open(str(tmp_path / "shelf"))) as shelf:
        assert set(shelf["kiwi"]) == set(b"#")
        assert pickle.loads(shelf["plum"]) == {"text": GOOD}


def test_an_index_that_names_other_places_leads_nowhere() -> None:
    index = b"'a', (0, 4)\n'b', (2, 400)\n'c', (-1, 2)\nrubbish\n"
    assert list(values_by_index(index, b"12345")) == [(slice(0, 4),)]


def test_values_of_a_shelf_share_no_bytes() -> None:
    index = b"".join(b"'%d', (0, 9)\n" % number for number in range(100_000))
    assert list(values_by_index(index, b"123456789" * 2)) == [(slice(0, 9),)] * 2


def test_a_long_value_whose_pages_lead_in_a_circle_ends() -> None:
    """Of 4,096 bytes each; the chain begins on the page that the first one names as next."""
    pages = [bytearray(BERKELEY[at : at + 4096]) for at in range(0, len(BERKELEY), 4096)]
    for number, page in enumerate(pages):
        if page[25] == 7:
            page[16:20] = number.to_bytes(4, "little")
    data = b"".join(pages)
    assert sum(len(bytes_of(value, data)) for value in values_of(data) or ()) <= len(data)


@each_kind
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=9))
@example(changes=[(0.0, b"")])
def test_a_broken_file_holds_no_more_than_its_bytes(
    data: bytes, changes: list[tuple[float, bytes]]
) -> None:
    broken = bytearray(data)
    for where, what in changes:
        at = int(where * len(broken))
        broken[at : at + len(what)] = what
    found = bytes(broken)
    assert sum(len(bytes_of(value, found)) for value in values_of(found) or ()) <= len(found)


@each_kind
@pytest.mark.parametrize("length", [4, 16, 24, 40, 100, 4_095, 4_097, 9_000])
def test_a_file_that_was_cut_off_holds_no_more_than_its_bytes(data: bytes, length: int) -> None:
    cut = data[:length]
    assert sum(len(bytes_of(value, cut)) for value in values_of(cut) or ()) <= length


def test_what_is_no_shelf_has_no_values() -> None:
    assert values_of(b"") is None
    assert values_of(b"SQLite format 3\0" + bytes(100)) is None
