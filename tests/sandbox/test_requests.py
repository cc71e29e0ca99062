"""The way past the SDK's search gives what the search gives, and is taken for plain JSON only."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import omit
from openai._utils import _transform
from openai.types.chat import completion_create_params
from openai.types.responses import ResponseOutputText, response_create_params

from graders.engine.sandbox.preload import requests
from tests.sandbox.wired import Starter

RESPONSES = response_create_params.ResponseCreateParamsStreaming
CHAT = completion_create_params.CompletionCreateParamsStreaming
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "hi", "annotations": [], "logprobs": []}],
}
KEYS = st.sampled_from(["type", "role", "content", "input", "id", "text", "arguments", "tools"])
WORDS = st.sampled_from(["message", "user", "input_text", "function_call", "other"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


class Text(str):
    """No plain text, though it looks like one."""

    __slots__ = ()


def both_ways(data: object, call: Any, name: str) -> list[object]:
    """Return what the SDK makes of ``data``, as argument ``name``, by itself and with the way past.

    Each in both styles, synchronous and not.
    """
    kept = _transform.get_type_hints(call, include_extras=True)[name]
    plain = {id(each): each for each in requests._types_without_names()}
    assert id(kept) in plain
    slow, slow_async = _transform._transform_recursive, _transform._async_transform_recursive
    quick = requests._shortened(slow, plain)
    quick_async = requests._shortened_async(slow_async, plain)
    return [
        slow(data, annotation=kept),
        quick(data, annotation=kept),
        asyncio.run(_awaited(slow_async(data, annotation=kept))),
        asyncio.run(_awaited(quick_async(data, annotation=kept))),
    ]


async def _awaited(result: Any) -> object:
    return await result


@given(data=st.lists(JSON, max_size=3))
def test_plain_json_comes_out_as_the_sdk_gives_it(data: list[Any]) -> None:
    for call, name in ((RESPONSES, "input"), (RESPONSES, "tools"), (CHAT, "messages")):
        first, *others = both_ways(data, call, name)
        assert others == [first] * 3


@pytest.mark.parametrize(
    "item",
    [
        MESSAGE,
        {"role": "user", "content": omit},
        {"role": "user", "content": (MESSAGE,)},
        {"role": "user", "content": Text("hello")},
        ResponseOutputText(annotations=[], text="hi", type="output_text"),
    ],
    ids=["plain", "left out", "a tuple", "a kind of text", "a model"],
)
def test_all_else_goes_the_way_of_the_sdk(item: object) -> None:
    first, *others = both_ways([item], RESPONSES, "input")
    assert others == [first] * 3


def test_what_comes_out_is_not_what_went_in() -> None:
    data = [{"role": "user", "content": [dict(MESSAGE)]}]
    _, quick, _, quick_async = both_ways(data, RESPONSES, "input")
    made: Any
    for made in (quick, quick_async):
        assert made == data
        assert made is not data
        assert made[0] is not data[0]


def test_a_type_with_another_name_on_the_wire_is_not_passed_by() -> None:
    renamed = Annotated[str, _transform.PropertyInfo(alias="otherName")]
    parts = requests._parts(list[renamed])
    assert any(map(requests._says_something, parts))


def test_a_server_finds_it_there(students: Starter) -> None:
    assert students.serve().ask(
        """
        from openai._utils import _transform
        answer = [
            _transform._transform_recursive.__name__,
            _transform._async_transform_recursive.__name__,
        ]
        """
    ) == ["transform", "transform"]
