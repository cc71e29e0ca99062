"""Short ids are not found in other text, and what a user sent is no leak."""

from __future__ import annotations

import json

from graders.lesson06.fabricated_ids import bare
from graders.lesson06.leaks import json_in, strings_of, tells
from tests.lesson06.test_fabricated_ids import said


def test_short_id_is_found_only_as_a_whole_string() -> None:
    page = json_in('{"data": [{"id": "14", "created_at": "2026-04-04"}], "4x": 4}')
    assert "4" not in strings_of(page)
    assert {"14", "4x"} <= strings_of(page)


def test_id_that_json_escapes_is_found() -> None:
    odd = 'kim "o" \u6771'
    assert odd in strings_of(json_in(json.dumps([{"id": odd}])))


def test_body_that_is_no_json_has_no_strings() -> None:
    assert not strings_of(json_in("no thread 4"))


def test_part_of_what_was_sent_is_no_leak() -> None:
    assert not tells("no thread alice~7", "alice", ["alice~7"])
    assert tells("no thread alice~7 of alice", "alice", ["alice~7"])


def test_short_id_that_was_sent_hides_no_word() -> None:
    assert tells("which says kiwi-4a", "kiwi-4a", ["4"])


def test_short_id_is_not_cut_out_of_other_words() -> None:
    one, two = said("thread 4 of 45 in v4"), said("thread 9876543 of 45 in v4")
    assert bare(one.body, ["4"]) == bare(two.body, ["9876543"])
