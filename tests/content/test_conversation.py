"""Conversation scripts are read into plain values, with every mistake named."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pytest
from chatkit.types import ThreadStreamEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from graders.engine.content.binding import bind
from graders.engine.content.canaries import Canaries
from graders.engine.content.conversation import (
    Conversation,
    ConversationTurn,
    Expectation,
    Message,
    load_conversation,
)
from graders.engine.content.expectations import EVENTS
from graders.engine.content.steps import (
    STEP_KINDS,
    BrokenConnection,
    CallToolStep,
    DropStep,
    FailStep,
    Failure,
    HoldStep,
    ReasonStep,
    SayStep,
    Step,
)
from graders.engine.content.strict_yaml import parse
from graders.engine.core.errors import ContentError

DATA = Path(__file__).parent / "data" / "conversations"
HEAD = "format_version: 1\nname: x\ndescription: About x.\n"


def conversation(turns: str) -> Conversation:
    return bind(parse(HEAD + "turns:\n" + turns, Path("x.yaml")), Conversation, Path("x.yaml"))


def steps(text: str) -> tuple[Step, ...]:
    return conversation(f"  - say: hello\n    model: {text}\n").turns[0].model


def error_of(turns: str) -> ContentError:
    with pytest.raises(ContentError) as caught:
        conversation(turns)
    return caught.value


@pytest.mark.parametrize("path", sorted(DATA.glob("*.yaml")), ids=lambda path: path.stem)
def test_example_is_read_and_named_like_its_file(path: Path) -> None:
    assert load_conversation(path).name == path.stem


def test_turn_has_defaults() -> None:
    script = conversation("  - say: hello\n")
    assert script.users == ("user",)
    assert script.turns == (
        ConversationTurn(say="hello", thread="main", model=(), expect=Expectation()),
    )
    assert script.speaker(script.turns[0]) == "user"


def test_turn_has_the_user_that_it_names() -> None:
    script = load_conversation(DATA / "two-users-and-a-tool.yaml")
    assert [script.speaker(turn) for turn in script.turns] == ["alice", "bob"]
    assert [turn.thread for turn in script.turns] == ["hers", "his"]


@pytest.mark.parametrize(
    ("written", "step"),
    [
        ("{say: [a, ' b']}", SayStep(say=("a", " b"))),
        ("{say: one text}", SayStep(say=("one text",))),
        ("{say: 12:30}", SayStep(say=("12:30",))),
        ("{hold: [a, b]}", HoldStep(hold=("a", "b"))),
        ("{reason: thinking}", ReasonStep(reason="thinking")),
        ("{fail: {}}", FailStep(fail=Failure(status=500, code=None))),
        (
            "{fail: {status: 429, code: slow_down, message: Wait., after: [a]}}",
            FailStep(fail=Failure(status=429, code="slow_down", message="Wait.", after=("a",))),
        ),
        ("{drop: true}", DropStep(drop=BrokenConnection())),
        ("{drop: {after: [a]}}", DropStep(drop=BrokenConnection(after=("a",)))),
    ],
)
def test_step_is_read(written: str, step: Step) -> None:
    assert steps(f"[{written}]") == (step,)


def test_every_kind_of_step_has_one_key_of_its_own_name() -> None:
    for name, kind in STEP_KINDS.items():
        assert list(kind.model_fields) == [name]


def test_tool_arguments_are_read_as_json() -> None:
    written = "{n: 1, f: 0.5, e: 1e3, t: true, z: null, s: off, q: '1', o: 01, l: [2, {d: -3}]}"
    (call,) = steps(f"[{{call_tool: {{name: tool, arguments: {written}}}}}]")
    assert isinstance(call, CallToolStep)
    assert call.call_tool.arguments == {
        "n": 1,
        "f": 0.5,
        "e": 1000.0,
        "t": True,
        "z": None,
        "s": "off",
        "q": "1",
        "o": "01",
        "l": [2, {"d": -3}],
    }


def test_tool_arguments_may_be_a_text() -> None:
    (call,) = steps('[{call_tool: {name: tool, arguments: "{", malformed: true}}]')
    assert isinstance(call, CallToolStep)
    assert call.call_tool.arguments == "{"
    assert call.call_tool.malformed


@pytest.mark.parametrize("number", ["1e999", "9" * 400])
def test_tool_argument_too_large_for_a_number_is_refused(number: str) -> None:
    turn = f"  - say: a\n    model:\n      - call_tool: {{name: t, arguments: {{n: {number}}}}}\n"
    assert "too large" in error_of(turn).message


@pytest.mark.parametrize(
    ("turns", "line", "message", "cure"),
    [
        ("  []\n", 4, "must not be empty", "at least one"),
        ("  - user: bob\n    say: a\n", 5, "no user `bob`", "`user`"),
        ("  - thread: a\n", 5, "`say` is missing", "Add `say"),
        ("  - says: a\n", 5, "not a known key", "`say`"),
        ("  - say: a\n    model: {say: b}\n", 6, "must be a list", "`- `"),
        ("  - say: a\n    model:\n      - says: b\n", 7, "is not a step", "`say`"),
        ("  - say: a\n    model:\n      - call: {name: b}\n", 7, "is not a step", "`call_tool`"),
        ("  - say: a\n    model:\n      - b\n", 7, "exactly one key", "- say"),
        (
            "  - say: a\n    model:\n      - say: b\n        hold: c\n",
            7,
            "exactly one",
            "of its own",
        ),
        ("  - say: a\n    model:\n      - say: {b: c}\n", 7, "must be a list", "`- `"),
        ("  - say: a\n    model:\n      - say:\n        - [b]\n", 8, "must be a text", ""),
        ("  - say: a\n    model:\n      - drop: false\n", 7, "keys and values", "key: value"),
        ("  - say: a\n    model:\n      - fail:\n          status: 200\n", 8, "at least 400", ""),
        (
            "  - say: a\n    model:\n      - fail:\n          staus: 500\n",
            8,
            "known key",
            "`status`",
        ),
        ("  - say: a\n    expect:\n      error: no\n", 7, "`true` or `false`", "quotes"),
        ("  - say: a\n    expect:\n      text: [b]\n", 7, "must be a text", ""),
        ("  - say: a\n    expect:\n      items:\n        - {role: me, text: b}\n", 8, "'user'", ""),
        (
            '  - say: a\n    model:\n      - say: "{canary}"\n',
            7,
            "not a placeholder",
            "canary.name",
        ),
        ('  - say: "it is {Canary.word}"\n', 5, "not a placeholder", "small letters"),
        (
            "  - say: Hi\n    expect: {events: [thread.create]}\n",
            6,
            "There is no event `thread.create`",
            "Did you mean `thread.created`?",
        ),
    ],
)
def test_mistake_in_a_conversation_has_line_and_cure(
    turns: str, line: int, message: str, cure: str
) -> None:
    error = error_of(turns)
    assert error.line == line
    assert message in error.message
    assert cure in error.cure


@pytest.mark.parametrize(
    ("users", "message"),
    [("[a, a]", "named twice"), ("[]", "not be empty"), ("[Alice]", "is not a name")],
)
def test_users_are_distinct_names(users: str, message: str) -> None:
    node = parse(f"{HEAD}users: {users}\nturns: [{{say: a}}]\n", Path("x.yaml"))
    with pytest.raises(ContentError, match=message):
        bind(node, Conversation, Path("x.yaml"))


def test_filled_puts_the_same_word_everywhere() -> None:
    canaries = Canaries(7)
    filled = load_conversation(DATA / "two-users-and-a-tool.yaml").filled(canaries)
    word = canaries.word("secret")
    call = filled.turns[0].model[1]
    assert isinstance(call, CallToolStep)
    assert isinstance(call.call_tool.arguments, dict)
    assert filled.turns[0].say == f"Note {word}"
    assert call.call_tool.arguments["text"] == word
    assert call.call_tool.arguments["copies"] == 2
    assert filled.turns[1].expect.model_did_not_see == (word,)
    assert "{canary" not in filled.model_dump_json()


def test_events_that_can_be_expected_are_those_of_the_protocol() -> None:
    left: list[Any] = [ThreadStreamEvent]
    kinds = []
    while left:
        each = left.pop()
        left += get_args(each)
        if isinstance(each, type) and issubclass(each, BaseModel):
            kinds.append(each.model_fields["type"].default)
    assert sorted(kinds) == sorted(EVENTS)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.yaml")), ids=lambda path: path.stem)
def test_filled_script_without_placeholders_is_the_same(path: Path) -> None:
    filled = load_conversation(path).filled(Canaries(1))
    assert filled.filled(Canaries(2)) == filled


def test_conversation_cannot_be_changed() -> None:
    message = Message(role="user", text="a")
    with pytest.raises(ValueError, match="frozen"):
        message.text = "b"  # type: ignore[misc]


SCALARS = st.sampled_from(
    ["a", "true", "1", "-1", "1e999", '"{canary.x}"', '"{canary"', "[]", "{}"]
)
KEYS = st.sampled_from(
    [*STEP_KINDS, *ConversationTurn.model_fields, *Expectation.model_fields, "after", "name"]
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(KEYS, inner, max_size=3).map(
            lambda fields: "{" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}"
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(ANYTHING, ANYTHING)
def test_any_turn_gives_a_conversation_or_a_content_error(model: str, expect: str) -> None:
    with suppress(ContentError):
        conversation(f"  - say: a\n    model: {model}\n    expect: {expect}\n")


@pytest.mark.parametrize(
    ("turns", "line", "message", "cure"),
    [
        ("  - wait: 25\n", 5, "not a time to wait", "`25 hours`"),
        ("  - wait: 0 hours\n", 5, "not a time to wait", "`25 hours`"),
        ("  - wait: 900 days\n", 5, "longer than a year", ""),
        ("  - say: a\n    load: true\n", 6, "one thing: `say` or `load`", "a turn for each"),
        ("  - load: maybe\n", 5, "Only `true`", "Leave the key out"),
        ("  - load: true\n    model: [{say: a}]\n", 6, "does not ask the model", "`say`"),
        ("  - load: true\n    pause_after: 2\n", 6, "beside `say` only", "Remove"),
        (
            "  - say: a\n    leave_after: 1\n    pause_after: 2\n",
            7,
            "leaves or pauses",
            "one of the two",
        ),
        ("  - say: a\n    leave_after: 0\n", 6, "at least 1", ""),
        ("  - restart: true\n    user: user\n", 6, "means nothing beside `restart`", "Remove"),
        ("  - wait: 1 hour\n    expect: {status: 200}\n", 6, "means nothing", "requests"),
        ("  - together: [{wait: 1 hour}]\n", 5, "Only requests of users", "of its own"),
        ("  - together: [{say: a, pause_after: 1}]\n", 5, "Only requests of users", ""),
        ("  - say: a\n    of: eve\n", 6, "no user `eve`", "`user`"),
        ("  - say: a\n    expect: {nothing_of: [eve]}\n", 6, "no user `eve`", "`user`"),
        ("  - together: [{say: a, user: eve}]\n", 5, "no user `eve`", "`user`"),
        ("  - say: a\n    expect: {titles: [b]}\n", 6, "cannot be seen", "`list_threads`"),
        ("  - load: true\n    expect: {text: b}\n", 6, "cannot be seen", "`say`"),
        (
            "  - say: a\n    expect: {refused: true, error: true}\n",
            6,
            "Only one of `error` and `refused`",
            "Remove",
        ),
        ("  - say: a\n    token: stale\n", 6, "must be", ""),
        ("  - list_threads: {limit: 101}\n", 5, "at most 100", ""),
        ("  - load: true\n" * 201, 205, "more than 200 turns", "several conversations"),
    ],
)
def test_turn_that_cannot_be_played_names_line_and_cure(
    turns: str, line: int, message: str, cure: str
) -> None:
    error = error_of(turns)
    assert error.line == line
    assert message in error.message
    assert cure in error.cure


def test_wait_is_read_as_seconds() -> None:
    script = conversation("  - wait: 25 hours\n  - wait: 1 second\n  - wait: 2 days\n")
    assert [turn.wait for turn in script.turns] == [90_000, 1, 172_800]


def test_status_may_stand_beside_an_error_event() -> None:
    turn = conversation("  - say: a\n    expect: {status: 200, error: true}\n").turns[0]
    assert turn.expect.error


def test_owner_of_a_thread_is_the_speaker_unless_another_is_named() -> None:
    script = conversation("  - say: a\n  - {of: nobody, load: true}\n")
    assert [script.owner(turn) for turn in script.turns] == ["user", "nobody"]


def test_placeholders_are_filled_everywhere_and_the_action_stays() -> None:
    script = conversation(
        "  - tool_output: {seen: '{canary.a}'}\n  - together: [{rename: '{canary.a}'}]\n"
    )
    filled = script.filled(Canaries(1))
    word = Canaries(1).word("a")
    assert filled.turns[0].tool_output == {"seen": word}
    assert filled.turns[1].together[0].rename == word
    assert [turn.action for turn in filled.turns] == ["tool_output", "together"]


def test_prose_is_in_the_order_of_telling() -> None:
    turn = conversation("  - {then: c, given: a, say: b}\n").turns[0]
    assert list(turn.prose) == [("given", "a"), ("then", "c")]
    assert turn.expect.is_empty


def test_nothing_but_texts_can_be_a_time_to_wait() -> None:
    assert "not a time" in error_of("  - wait: [1]\n").message
