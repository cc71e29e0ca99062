"""Which turn a call belongs to, decided by content alone."""

from __future__ import annotations

import dataclasses
import html
import json
from typing import Any

import pytest

from graders.engine.model.calls import InputItem, RecordedCall
from graders.engine.model.matching import last_known_text, without_known_texts
from graders.engine.model.purposes import purpose_by_words


def call(*messages: tuple[str, str], instructions: str = "") -> RecordedCall:
    items = [InputItem("message", role=role, text=text) for role, text in messages]
    return RecordedCall(1, "responses", input=items, instructions=instructions)


def found(recorded: RecordedCall, *known: str, used: tuple[str, ...] = ()) -> str | None:
    return last_known_text(recorded, known, lambda text: text in used)


def test_last_message_wins() -> None:
    talk = call(("user", "one"), ("assistant", "two"), ("user", "three"))
    assert found(talk, "three", "one") == "three"


def test_assistant_and_tool_texts_do_not_count() -> None:
    talk = call(("user", "one"), ("assistant", "two"))
    assert found(talk, "one", "two") == "one"


@pytest.mark.parametrize("escape", [str, json.dumps, lambda t: json.dumps(t, ensure_ascii=False)])
def test_last_text_of_folded_history_wins(escape: Any) -> None:
    first, second = 'Say "kiwi" 🥝\nplease', "And <again>?"
    talk = f"User: {first}\nAssistant: kiwi\nUser: {second}"
    used = (first, second)
    assert found(call(("user", escape(talk))), first, second, used=used) == second


def test_text_in_markup_is_found() -> None:
    markup = f"<user>{html.escape('a < b & c')}</user>"
    assert found(call(("user", markup)), "a < b & c") == "a < b & c"


def test_newest_folded_before_the_history_is_found_while_it_waits() -> None:
    talk = call(("user", "Current: second\nHistory: first"))
    assert found(talk, "first", "second", used=("first",)) == "second"
    assert found(talk, "first", "second", used=("first", "second")) == "first"


def test_text_that_is_part_of_another_does_not_confuse() -> None:
    known = ("Say kiwi", "Say kiwi again", "kiwi")
    assert found(call(("user", "Say kiwi again")), *known) == "Say kiwi again"
    assert found(call(("user", "Say kiwi")), *known) == "Say kiwi"
    folded = "User: Say kiwi again\nUser: Say kiwi"
    assert found(call(("user", folded)), *known, used=known) == "Say kiwi"


def test_only_whole_words_count() -> None:
    assert found(call(("user", "Hi"), ("user", "This is it")), "Hi") == "Hi"
    assert found(call(("user", "something")), "Hi") is None
    assert found(call(("user", "你好吗")), "你好") == "你好"
    assert found(call(("user", json.dumps("User:\nHi\nThis"))), "Hi") == "Hi"


def test_case_and_white_space_do_not_matter() -> None:
    assert found(call(("user", "  say\n KIWI ")), "Say kiwi") == "Say kiwi"


def test_instructions_count_only_without_a_match_in_the_users_messages() -> None:
    assert found(call(("user", "one"), instructions="Talk: two"), "one", "two") == "one"
    assert found(call(("user", "Go on"), instructions="Talk: two"), "one", "two") == "two"


def test_unknown_text_matches_nothing() -> None:
    assert found(call(("user", "other")), "one") is None
    assert found(call(), "one") is None


def test_without_known_texts_leaves_what_the_application_wrote() -> None:
    assert without_known_texts("Title for: Say kiwi!", ["kiwi", "Say kiwi"]).split() == [
        "title",
        "for:",
        "!",
    ]


@pytest.mark.parametrize(
    ("prompt", "purpose"),
    [
        ("Generate a short title for this chat.", "title"),
        ("You write concise thread titles.", "title"),
        ("Give a title of at most five words", "title"),
        ("You are a guardrail.", "check"),
        ("Is this harmful? Answer 'yes' or 'no'.", "check"),
        ("Reply with SAFE or UNSAFE", "check"),
        ("Check if the message is about homework.", "check"),
        ("Classify the message.", "classification"),
        ("Summarize the conversation so far.", "summary"),
        ("You are a helpful assistant.", ""),
        ("You manage tasks. Every task has a title and a summary.", ""),
        ("Check whether a tool helps; decide if more is needed.", ""),
        ("Here is a summary of earlier messages: they spoke of tea.", ""),
    ],
)
def test_purpose_is_told_by_the_applications_words(prompt: str, purpose: str) -> None:
    assert purpose_by_words(call(("user", "Hi"), instructions=prompt), ["Hi"]) == purpose
    assert purpose_by_words(call(("system", prompt), ("user", "Hi")), ["Hi"]) == purpose
    assert purpose_by_words(call(("user", f"{prompt}\n\nHi")), ["Hi"]) == purpose


def test_purpose_is_not_told_by_the_users_words() -> None:
    said = "Generate a short title for this chat."
    assert purpose_by_words(call(("user", said)), [said]) == ""


PAGE_WORDS = [
    "You help people. The URL, title and headings of the page come with each chat message.",
    "You are a concise assistant that sees the page's URL, title and headings.",
    "You are the chat assistant of a website and know the page's title.",
    "Short answers. Use the page title.",
]


@pytest.mark.parametrize("prompt", PAGE_WORDS)
def test_the_title_of_a_page_is_no_title_of_a_conversation(prompt: str) -> None:
    asked = dataclasses.replace(call(("user", "Hi"), instructions=prompt), streaming=True)
    assert purpose_by_words(asked, ["Hi"]) == ""


def test_a_page_in_the_newest_message_asks_for_no_title() -> None:
    page = "The user has this page open while using the chat:\nTitle: Übung 東京\n<title>x</title>"
    asked = dataclasses.replace(call(("user", page)), streaming=True)
    assert purpose_by_words(asked, ["Hi"]) == ""


def test_a_title_that_streams_is_one_all_the_same() -> None:
    prompt = "Write a short title for the chat. Do not use the page title."
    asked = dataclasses.replace(call(("user", "Hi"), instructions=prompt), streaming=True)
    assert purpose_by_words(asked, ["Hi"]) == "title"
