"""Fabricated ids look like the real ones; answers are compared without what passes."""

from __future__ import annotations

import uuid

import httpx
import pytest

from graders.lesson06.fabricated_ids import bare, similar_id
from graders.lesson06.people import WholeAnswer


def said(body: str) -> WholeAnswer:
    return WholeAnswer(404, httpx.Headers(), body, None)


@pytest.mark.parametrize(
    "known", ["thr_1a2b3c4d", "17", "01JD3ZKQ8XWN5T7V9YB2C4F6HG", "alice-3", "aaaa", "-"]
)
def test_fabricated_id_is_another_one_of_the_same_form(known: str) -> None:
    fabricated = similar_id(known, 1)
    assert fabricated != known
    assert fabricated == similar_id(known, 1)
    assert set(fabricated) <= set(known) | set("0123456789abcdef")


def test_fabricated_ids_of_two_seeds_differ() -> None:
    assert similar_id("thr_1a2b3c4d", 1) != similar_id("thr_1a2b3c4d", 2)


def test_prefix_and_version_stay() -> None:
    known = str(uuid.uuid4())
    fabricated = uuid.UUID(similar_id(known, 1))
    assert fabricated.version == 4
    assert str(fabricated)[:-8] == known[:-8]


def test_number_is_far_from_those_that_are_given_out() -> None:
    assert int(similar_id("17", 1)) > 1_000_000


def test_ids_that_were_sent_and_what_passes_are_left_out() -> None:
    one = said('{"error": "no thr_12345678", "at": 1763700000, "request": "5f7c8ec7c33c6c00"}')
    two = said('{"error": "no thr_87654321", "at": 1763700001, "request": "0123456789abcdef"}')
    assert bare(one.body, ["thr_12345678"]) == bare(two.body, ["thr_87654321"])


def test_other_words_are_not_left_out() -> None:
    one, two = said("thr_1 is not yours"), said("thr_2 is not there")
    assert bare(one.body, ["thr_1"]) != bare(two.body, ["thr_2"])


def test_id_in_hex_stays_in_hex() -> None:
    assert set(similar_id("thr_f4ca1907", 1).removeprefix("thr_")) <= set("0123456789abcdef")
