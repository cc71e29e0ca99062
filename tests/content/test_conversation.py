"""Conversation scripts are read into plain values, with every mistake named."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.content.binding import bind
from graders.engine.content.canaries import Canaries
from graders.engine.content.conversation import (
    Conversation,
    ConversationTurn,
    Expectation,
    Message,
    load_conversation,
)
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
