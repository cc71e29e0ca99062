"""Canary words come from the seed and the name, and from nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.content import canaries as module
from graders.engine.content.canaries import Canaries, misspelt_placeholder, new_seed

ROOT = Path(__file__).parents[2]


def test_word_is_a_noun_and_six_hex_digits() -> None:
    assert re.fullmatch(r"[a-z]+-[0-9a-f]{6}", Canaries(1).word("first"))


def test_word_does_not_depend_on_what_was_asked_before() -> None:
    first, second = Canaries(5), Canaries(5)
    first.word("other")
    assert first.word("name") == second.word("name")
    assert first.word("name") == first.word("name")


def test_word_is_the_same_in_another_process() -> None:
    code = "from graders.engine.content.canaries import Canaries; print(Canaries(3).word('x'))"
    run = [sys.executable, "-R", "-c", code]
    printed = subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert printed.strip() == Canaries(3).word("x")


def test_word_of_a_known_seed_never_changes() -> None:
    assert Canaries(1).word("colour") == "canoe-c0cd7c"


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_other_seeds_give_other_words(one: int, other: int) -> None:
    same = Canaries(one).word("a") == Canaries(other).word("a")
    assert same == (one == other)


def test_no_two_names_share_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the source repeats itself."""
    monkeypatch.setattr(module, "_words", lambda _seed, name: iter(["kiwi-1", f"kiwi-{name}"]))
    words = Canaries(1)
    assert [words.word(name) for name in "abc"] == ["kiwi-1", "kiwi-b", "kiwi-c"]


def test_no_noun_is_the_end_of_another() -> None:
    """So no word can be found within another."""
    nouns = module._NOUNS
    assert len(set(nouns)) == len(nouns) >= 60
    assert not [(a, b) for a in nouns for b in nouns if a != b and b.endswith(a)]


def test_fill_replaces_placeholders_only() -> None:
    words = Canaries(2)
    text = "{canary.a} {other} {canary.b-2} {}"
    assert words.fill(text) == f"{words.word('a')} {{other}} {words.word('b-2')} {{}}"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{canary}", "{canary}"),
        ("{canary.}", "{canary.}"),
        ("say {Canary.x} now", "{Canary.x}"),
        ("{ canary.x }", "{ canary.x }"),
        ("{canary.x", "{canary.x"),
        ("{canary.a} {canary.B}", "{canary.B}"),
        ("{canary.a}", None),
        ("a canary, {} and {canaries}", None),
    ],
)
def test_misspelt_placeholder_is_found(text: str, wrong: str | None) -> None:
    assert misspelt_placeholder(text) == wrong


def test_new_seed_can_be_typed_in_again() -> None:
    assert 0 <= new_seed() < 10**9
