"""Scripts: how steps are made, cut into rounds and named."""

from __future__ import annotations

import pytest

from graders.engine.model import (
    Step,
    call_tool,
    call_tools,
    context_too_long,
    drop,
    fail,
    reason,
    say,
    say_held,
    tool,
)
from graders.engine.model.steps import (
    ToolCall,
    label,
    rounds,
    short,
)


def test_rounds_end_with_calls_and_failures() -> None:
    steps = (reason("a"), say("b"), call_tool("f", {}), fail(500), context_too_long(), say("c"))
    assert rounds(steps) == (steps[:3], steps[3:4], steps[4:5], steps[5:])
    assert rounds(()) == ()


def test_tool_arguments_are_json_or_as_given() -> None:
    assert tool("f", {"x": 1}) == ToolCall("f", '{"x": 1}')
    assert tool("f", "nonsense") == ToolCall("f", "nonsense")
    assert tool("f", {"x": 1}, malformed=True) == ToolCall("f", '{"x": 1')
    assert call_tools(tool("f", {})) == call_tool("f", {})


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (say("a", "b"), 'say "ab"'),
        (say_held("a"), 'say_held "a"'),
        (reason("a\nb"), 'reason "a b"'),
        (call_tools(tool("f", {}), tool("g", {})), "call_tool f, g"),
        (fail(429, "insufficient_quota"), "fail 429 insufficient_quota"),
        (fail(500), "fail 500"),
        (drop(), "drop"),
        (context_too_long(3), "context_too_long"),
    ],
)
def test_steps_have_short_names(step: Step, text: str) -> None:
    assert label(step) == text


def test_short_texts_are_cut() -> None:
    assert short("x" * 100, 10) == '"xxxxxxxxx…"'


def test_scripts_that_no_model_can_play_are_refused() -> None:
    with pytest.raises(ValueError, match="status"):
        fail(200)
    with pytest.raises(ValueError, match="at least one"):
        call_tools()
    with pytest.raises(UnicodeEncodeError):
        say("\ud83d")
