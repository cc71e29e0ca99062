"""Deltas must add up to the text that finishes them."""

from __future__ import annotations

from typing import Any

from graders.engine.protocol import TextMismatch, check_texts
from tests.protocol.stories import event, message, raw


def check(*payloads: dict[str, Any]) -> list[TextMismatch]:
    return check_texts([event(payload) for payload in payloads])


def added(*texts: str) -> dict[str, Any]:
    return message("thread.item.added", id="a1", texts=list(texts))


def done(*texts: str) -> dict[str, Any]:
    return message("thread.item.done", id="a1", texts=list(texts))


def delta(text: str, part: int = 0) -> dict[str, Any]:
    return raw("text_delta", delta=text, part=part)


def part_done(text: str) -> dict[str, Any]:
    return raw("part.done", text=text)


def test_deltas_that_add_up_are_fine() -> None:
    assert check(added(), delta("Hel"), delta("lo"), part_done("Hello"), done("Hello")) == []


def test_a_lost_delta_is_found_where_the_text_is_finished() -> None:
    (mismatch,) = check(added(), delta("Hel"), part_done("Hello"), done("Hello"))
    assert (mismatch.index, mismatch.item_id, mismatch.part) == (2, "a1", 0)
    assert (mismatch.streamed, mismatch.final) == ("Hel", "Hello")
    assert mismatch.text == (
        "Event 3, `thread.item.updated/assistant_message.content_part.done`, says another text for "
        "part 0 of message 'a1' than its deltas made: from character 4 on the deltas have no more, "
        "the event has 'lo'."
    )


def test_a_final_item_that_differs_from_its_part_is_found_too() -> None:
    found = check(added(), delta("Hel"), part_done("Hel"), done("Hello"))
    assert [one.index for one in found] == [3]


def test_whitespace_counts() -> None:
    (mismatch,) = check(added(), delta("a "), delta("b"), done("ab"))
    assert "from character 2 on the deltas have ' b', the event has 'b'" in mismatch.text


def test_each_part_is_compared_with_its_own_deltas() -> None:
    found = check(added(), delta("One"), delta("Two", 1), done("One", "Two!"))
    assert [one.part for one in found] == [1]


def test_a_part_that_the_final_item_lacks_is_found() -> None:
    (mismatch,) = check(added(), delta("One"), delta("Two", 1), done("One"))
    assert (mismatch.part, mismatch.final) == (1, "")


def test_a_text_may_begin_in_the_announcement() -> None:
    assert check(added("Hel"), delta("lo"), done("Hello")) == []
    begun = raw("part.added", text="Hel")
    assert check(added(), begun, delta("lo"), done("Hello")) == []


def test_two_messages_do_not_mix() -> None:
    other = message("thread.item.done", id="a2", texts=["other"])
    assert check(added(), delta("One"), raw("text_delta", id="a2", delta="other"), other) == []


def test_a_message_without_deltas_is_not_compared() -> None:
    assert check(done("Hello")) == []
    assert check(added(), raw("part.added"), done("I cannot help with that.")) == []


def test_a_message_that_begins_anew_forgets_its_deltas() -> None:
    assert check(added(), delta("One"), added(), delta("Two"), done("Two")) == []
    assert check(added(), delta("One"), added(), done("Two")) == []


def test_a_message_that_broke_off_is_not_compared() -> None:
    assert check(added(), delta("Hel"), raw("error")) == []


def test_halves_of_a_surrogate_pair_add_up() -> None:
    assert check(added(), delta("\ud83d"), delta("\ude00"), done("\U0001f600")) == []


def test_foreign_texts_are_safe_to_print() -> None:
    (mismatch,) = check(added(), delta("\x1b[31m" + "x" * 500), done("\u202e"))
    assert mismatch.text.isprintable()
    assert len(mismatch.text) < 400
