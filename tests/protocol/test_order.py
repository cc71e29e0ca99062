"""The order table on streams that are data, and the table itself."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from chatkit.types import ThreadItem, ThreadItemUpdate, ThreadStreamEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.protocol import ChatKitEvent, check_order, order_table
from tests.protocol.stories import SHORT, event, raw
from tests.protocol.vectors import load, names

CASES = load("event_orders")
OPTIONS = ("kind", "streamed", "closed_parts")


def story(case: dict[str, Any]) -> list[ChatKitEvent]:
    written = [one if isinstance(one, dict) else {one: {}} for one in case["events"]]
    return [event(raw(label, **about)) for one in written for label, about in one.items()]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_order_of_case(case: dict[str, Any]) -> None:
    options = {key: case[key] for key in OPTIONS if key in case}
    found = check_order(story(case), **options)
    expected = case.get("violations", [])
    told = [violation.text for violation in found]
    assert [(one.index + 1, one.state) for one in found] == [
        (one["at"], one["state"]) for one in expected
    ], told
    for violation, one in zip(found, expected, strict=True):
        assert all(piece in violation.text for piece in one["says"]), told


def test_the_cases_are_sound() -> None:
    assert len(set(names(CASES))) == len(CASES)
    known = {"name", "why", "events", "violations", *OPTIONS}
    for case in CASES:
        assert set(case) <= known, case["name"]
        assert case["why"].endswith("."), case["name"]


def test_a_violation_says_what_came_and_what_was_expected() -> None:
    events = [event(raw("thread.created")), event(raw("text_delta"))]
    first, *_ = check_order(events)
    assert first.index == 1
    assert first.event == order_table.TEXT_DELTA
    assert first.expected == ("thread.item.done/user_message",)
    assert first.text == (
        "Event 2, `thread.item.updated/assistant_message.content_part.text_delta`, came before the "
        "user's message was confirmed; expected at this place: `thread.item.done/user_message`."
    )


def test_a_type_that_looks_like_a_label_is_not_taken_for_one() -> None:
    events = [event(raw("thread.created")), ChatKitEvent("thread.item.done/user_message")]
    assert [one.state for one in check_order(events)] == ["thread created"]


def test_the_end_cannot_be_forged() -> None:
    assert check_order([ChatKitEvent(order_table.END)], "resumed") == []
    assert [one.index for one in check_order([ChatKitEvent(order_table.END)])] == [1]


def test_foreign_ids_are_safe_to_print() -> None:
    events = [event(raw("text_delta", id="\x1b[31m" + "x" * 500))]
    told = check_order(events, "resumed")[0].text
    assert told.isprintable()
    assert len(told) < 500


def sdk_labels() -> set[str]:
    """Every label that an event of the installed SDK can have."""

    def types(union: Any) -> list[str]:
        return [member.model_fields["type"].default for member in get_args(union)]

    items, updates = types(get_args(ThreadItem)[0]), types(ThreadItemUpdate)
    labels = set(types(get_args(ThreadStreamEvent)[0]))
    for kind in ("thread.item.added", "thread.item.done", "thread.item.replaced"):
        labels = (labels - {kind}) | {f"{kind}/{item}" for item in items}
    return (labels - {"thread.item.updated"}) | {f"thread.item.updated/{one}" for one in updates}


def test_the_table_knows_exactly_the_labels_of_the_installed_sdk() -> None:
    assert sdk_labels() == order_table.KNOWN_LABELS


TABLES = [
    order_table.STREAM,
    order_table.MESSAGE,
    order_table.WHOLE_MESSAGE,
    order_table.PART,
    order_table.CLOSED_PART,
]


@pytest.mark.parametrize("table", TABLES)
def test_every_entry_leads_to_a_state_from_a_known_label(table: order_table.Table) -> None:
    for state in table.values():
        assert set(state.next.values()) <= set(table)
        assert set(state.next) <= order_table.KNOWN_LABELS | {order_table.END}
        assert {one for one in state.usual if " " not in one} <= order_table.KNOWN_LABELS


def test_every_explanation_belongs_to_a_missing_entry() -> None:
    rows = [(name, state) for table in TABLES for name, state in table.items()]
    for name, label in order_table.WHY:
        assert any(name == row and label not in state.next for row, state in rows), (name, label)


ANY_STORY = st.lists(
    st.builds(
        lambda label, id, part: event(  # noqa: A006
            raw(label, id=id, **({"part": part} if label in SHORT else {}))
        ),
        st.sampled_from(sorted(order_table.KNOWN_LABELS - set(order_table.PART_UPDATES)))
        | st.sampled_from(sorted(SHORT)),
        st.sampled_from(["a1", "a2"]),
        st.integers(min_value=0, max_value=2),
    ),
    max_size=12,
)


@given(ANY_STORY, st.sampled_from(["create", "follow_up", "resumed"]))
@settings(deadline=None)
def test_any_story_is_judged_and_no_sentence_comes_twice(
    events: list[ChatKitEvent], kind: Any
) -> None:
    found = check_order(events, kind)
    told = [(one.event, one.state, one.expected) for one in found]
    assert len(set(told)) == len(told)
    assert [one.index for one in found] == sorted(one.index for one in found)
    assert all(0 <= one.index <= len(events) for one in found)


@given(ANY_STORY, st.sampled_from(["create", "follow_up", "resumed"]))
@settings(deadline=None)
def test_asking_for_less_never_finds_more(events: list[ChatKitEvent], kind: Any) -> None:
    strict = check_order(events, kind, closed_parts=True)
    if not strict:
        assert check_order(events, kind) == []
        assert check_order(events, kind, streamed=False) == []
