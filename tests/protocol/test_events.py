"""ChatKit events: what they show, what they complain about, and that nothing makes them raise."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.protocol import SseDecoder, join_deltas, parse_event
from tests.protocol.stories import event, message, raw
from tests.protocol.vectors import load, names

NASTY = load("text")


def problems(payload: Any) -> tuple[str, ...]:
    return parse_event(json.dumps(payload)).problems


def test_a_good_event_has_no_problems_and_keeps_its_raw_form() -> None:
    payload = raw("thread.item.done/user_message", id="u1", text="hi")
    parsed = parse_event(json.dumps({**payload, "future": 1}))
    assert parsed.problems == ()
    assert parsed.raw == {**payload, "future": 1}


def test_an_item_event_shows_its_item() -> None:
    parsed = event(message("thread.item.done", id="a1", texts=["Hel", "lo"]))
    assert parsed.label == "thread.item.done/assistant_message"
    assert (parsed.item_type, parsed.item_id, parsed.thread_id) == (
        "assistant_message",
        "a1",
        "thr_1",
    )
    assert (parsed.text, parsed.part_texts) == ("Hello", ("Hel", "lo"))


def test_an_update_shows_what_it_changes() -> None:
    parsed = event(raw("text_delta", id="a1", part=2, delta="x"))
    assert parsed.label == "thread.item.updated/assistant_message.content_part.text_delta"
    assert (parsed.item_id, parsed.content_index, parsed.delta) == ("a1", 2, "x")


def test_a_thread_event_shows_its_thread() -> None:
    parsed = event(raw("thread.created"))
    assert (parsed.label, parsed.thread_id, parsed.item_id) == ("thread.created", "thr_1", "")


def test_an_unknown_type_is_kept_and_told() -> None:
    parsed = parse_event('{"type": "item.delta", "delta": "x"}')
    assert (parsed.type, parsed.raw["delta"]) == ("item.delta", "x")
    assert parsed.problems == ("The event has the type 'item.delta', which ChatKit does not know.",)


def test_accessors_of_a_misshapen_event_are_empty() -> None:
    parsed = parse_event(
        '{"type": "thread.item.done", "item": {"id": 1, "content": 2}, "update": []}'
    )
    assert (parsed.item_id, parsed.item_type, parsed.text, parsed.delta) == ("", "", "", "")
    assert (parsed.content_index, parsed.thread_id) == (None, "")
    assert parsed.label == "thread.item.done"


def test_a_truth_value_is_no_content_index() -> None:
    update = {"type": "assistant_message.content_part.text_delta", "content_index": True}
    parsed = parse_event(json.dumps({"type": "thread.item.updated", "update": update}))
    assert parsed.content_index is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("", "not JSON"),
        ("hello", "not JSON"),
        ("{'type': 'error'}", "not JSON"),
        ("[DONE]", "ChatKit has no end event"),
        ('"{}"', "encoded twice?"),
        ("[]", "not an object"),
        ("null", "not an object"),
        ("{}", "`type` is missing"),
        ('{"type": 1}', "`type` is missing or is not a text"),
        ('{"type": NaN}', "NaN is a word of Python's"),
        ('{"type": -Infinity}', "-Infinity is a word of Python's"),
        ('{"type": ' + "1" * 5000 + "}", "thousands of digits"),
        ("[" * 100_000, "nested more than 200 levels"),
        ('{"type":' + "[" * 250 + "]" * 250 + "}", "nested more than 200 levels"),
        ("\ufeff{}", "not JSON"),
    ],
)
def test_data_that_is_no_event_gives_an_event_without_type(data: str, told: str) -> None:
    parsed = parse_event(data)
    assert parsed.type == ""
    assert len(parsed.problems) == 1
    assert told in parsed.problems[0]


def test_a_doubled_key_is_told_and_the_last_one_counts() -> None:
    parsed = parse_event('{"type": "notice", "type": "error"}')
    assert parsed.type == "error"
    assert parsed.problems == ("The key 'type' occurs twice in one object.",)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"type": "thread.item.done"}, "The field `item` is missing."),
        ({"type": "thread.item.done", "item": {}}, "The field `item` has no `type`."),
        (
            {"type": "thread.item.done", "item": {"type": "message"}},
            "The field `item` has the type 'message', which ChatKit does not know.",
        ),
        (
            {"type": "thread.item.updated", "item_id": "a", "update": {"type": "delta"}},
            "The field `update.type` is none of the types that ChatKit knows at this place.",
        ),
        (
            {"type": "thread.item.updated", "item_id": "a", "update": {"delta": "x"}},
            "The field `update` has no `type`.",
        ),
        (
            {"type": "thread.item.updated", "item_id": "a", "update": "x"},
            "The field `update` is not an object.",
        ),
        (
            raw("text_delta", id="a1", delta=7),
            "The field `update.delta` is wrong: input should be a valid string.",
        ),
        (
            {"type": "thread.item.updated", "item_id": "a", "update": raw("text_delta")["item_id"]},
            "The field `update` is not an object.",
        ),
    ],
)
def test_a_misfit_is_one_sentence_that_names_the_field(payload: Any, told: str) -> None:
    assert problems(payload) == (told,)


def test_misfits_name_the_place_in_a_list() -> None:
    payload = message("thread.item.done", id="a1", texts=["good", "bad"])
    payload["item"]["content"][1]["text"] = None
    assert problems(payload)[0].startswith("The field `item.content.1.text` is wrong")


def test_many_misfits_are_cut_short() -> None:
    payload = message("thread.item.done", id="a1", texts=[])
    payload["item"]["content"] = [{} for _ in range(50)]
    told = problems(payload)
    assert len(told) == 6
    assert told[-1] == "Misfits not listed here: 45."


def test_problems_are_safe_to_print() -> None:
    for data in ('{"type": "\\u001b[31m\\ud800"}', '"\\u202e\\u0007"', '\x1b{"type"', "\ud83d"):
        told = "".join(parse_event(data).problems)
        assert told
        assert told.isprintable()


KEYS = st.sampled_from(["type", "item", "update", "content", "id", "text", "thread", "widget"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
)
TYPES = st.sampled_from(["thread.item.done", "thread.item.updated", "thread.created", "error"])


@given(st.text() | JSON.map(json.dumps))
@settings(deadline=None)
def test_parsing_never_raises(data: str) -> None:
    parsed = parse_event(data)
    assert parsed.problems or parsed.type


@given(TYPES, st.dictionaries(KEYS, JSON, max_size=4))
@settings(deadline=None)
def test_accessors_never_raise(kind: str, payload: dict[str, Any]) -> None:
    parsed = parse_event(json.dumps({**payload, "type": kind}))
    assert isinstance(parsed.text + parsed.delta + parsed.item_id, str)
    assert isinstance(parsed.label + parsed.thread_id, str)


def whole_text(case: dict[str, Any]) -> str:
    return str(case["text"]) * int(case.get("repeat", 1))


@pytest.mark.parametrize("case", NASTY, ids=names(NASTY))
def test_a_nasty_text_survives_the_way_from_bytes_to_event(case: dict[str, Any]) -> None:
    text = whole_text(case)
    story = [
        message("thread.item.added", id="a1", texts=[]),
        raw("text_delta", id="a1", delta=text),
        message("thread.item.done", id="a1", texts=[text]),
    ]
    stream = "".join(f"data: {json.dumps(one, ensure_ascii=False)}\n\n" for one in story).encode()
    start = stream.index(b'"delta": "') + len(b'"delta": "')
    cuts = [0, *(start + at for at in case.get("cut_at", [1])), len(stream)]
    decoder = SseDecoder()
    chunks = [stream[a:b] for a, b in pairwise(cuts)]
    events = [parse_event(one.data) for chunk in chunks for one in decoder.feed(chunk)]
    assert [one.problems for one in events] == [()] * 3
    assert join_deltas(one.delta for one in events) == events[-1].text == text


def test_the_nasty_texts_are_sound() -> None:
    assert len(set(names(NASTY))) == len(NASTY)
    for case in NASTY:
        assert set(case) <= {"name", "why", "text", "repeat", "cut_at"}, case["name"]
        assert case["why"].endswith("."), case["name"]
        assert type(case["text"]) is str, case["name"]
        size = len(whole_text(case).encode())
        assert all(0 < at < size for at in case.get("cut_at", [])), case["name"]


def test_halves_of_a_surrogate_pair_join_as_in_a_browser() -> None:
    assert join_deltas(["a\ud83d", "\ude00b"]) == "a\U0001f600b"
    assert join_deltas(["\ude00", "\ud83d"]) == "\ude00\ud83d"


def test_the_sdk_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, graders.engine.protocol; print('chatkit' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
