"""Whatever comes from the student's side, reading it gives a frame or a :class:`WireError`."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graders.engine.wire import FrameBuffer, WireError, parse_from_student
from graders.engine.wire.framing import add_prefix
from tests.wire.strategies import FROM_STUDENT, frames

TAGS = [kind.model_fields["t"].default for kind in FROM_STUDENT]
FIELDS = sorted({name for kind in FROM_STUDENT for name in kind.model_fields})
NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([10**4_000, -1, 2**53 + 1, True, 1.0])
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(), st.text(st.characters()))
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
OBJECTS = st.fixed_dictionaries(
    {"t": st.sampled_from(TAGS) | LEAVES},
    optional={name: VALUES for name in FIELDS if name != "t"},
)

HOSTILE = {
    "nothing but a number": b"1",
    "null": b"null",
    "an empty list": b"[]",
    "no UTF-8": b'{"t": "hello\xff"}',
    "a byte order mark": b'\xef\xbb\xbf{"t": "loaded"}',
    "UTF-16": '{"t": "loaded"}'.encode("utf-16"),
    "two values": b'{"t": "loaded"} {"t": "loaded"}',
    "an unfinished value": b'{"t": "loaded"',
    "no tag": b"{}",
    "an unknown tag": b'{"t": "pickle"}',
    "a tag of another type": b'{"t": ["loaded"]}',
    "an unknown key": b'{"t": "loaded", "score": 100}',
    "a missing key": b'{"t": "pong"}',
    "a bool for an int": b'{"t": "exchange_end", "exchange": true}',
    "a float for an int": b'{"t": "exchange_end", "exchange": 1.0}',
    "a text for an int": b'{"t": "exchange_end", "exchange": "1"}',
    "an int for a bool": b'{"t": "response_body", "exchange": 1, "body": "", "more": 1}',
    "a negative number": b'{"t": "exchange_end", "exchange": -1}',
    "a number past 2**53": b'{"t": "exchange_end", "exchange": 9007199254740993}',
    "5,000 digits": b'{"t": "exchange_end", "exchange": ' + b"9" * 5_000 + b"}",
    "100,000 digits": b'{"t": "pong", "ticket": 1, "next_timer": ' + b"9" * 100_000 + b"}",
    "not a number": b'{"t": "pong", "ticket": 1, "next_timer": NaN}',
    "infinity": b'{"t": "pong", "ticket": 1, "next_timer": Infinity}',
    "an overflow": b'{"t": "pong", "ticket": 1, "next_timer": 1e999}',
    "a negative time": b'{"t": "pong", "ticket": 1, "next_timer": -0.1}',
    "no base64": b'{"t": "response_body", "exchange": 1, "body": "%%%", "more": true}',
    "half base64": b'{"t": "response_body", "exchange": 1, "body": "abcde", "more": true}',
    "a lone surrogate": b'{"t": "hello", "layers": ["\\ud83d"]}',
    "deep lists": b'{"t": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"t": "hello", "layers": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
    "a header of three": b'{"t": "response_start", "exchange": 1, "status": 200,'
    b' "headers": [["a", "b", "c"]]}',
    "a status of 99": b'{"t": "response_start", "exchange": 1, "status": 99, "headers": []}',
    "a status of 1000": b'{"t": "response_start", "exchange": 1, "status": 1000, "headers": []}',
    "an unknown stage": b'{"t": "load_failed", "stage": "fun", "error": "", "message": ""}',
}


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(WireError):
        parse_from_student(payload)


@pytest.mark.parametrize(
    "values",
    [
        {"t": "hello", "layers": ["layer"] * 51},
        {"t": "hello", "layers": ["x" * 2_001]},
        {"t": "refused", "what": "connect", "target": "x" * 2_001},
        {"t": "load_failed", "stage": "find", "error": "", "message": "", "detail": "x" * 200_001},
        {"t": "response_start", "exchange": 1, "status": 200, "headers": [["a", "b"]] * 501},
        {"t": "response_start", "exchange": 1, "status": 200, "headers": [["a" * 65_537, ""]]},
        {
            "t": "response_start",
            "exchange": 1,
            "status": 200,
            "headers": [["a", "b" * 2**20 + "c"]],
        },
        {
            "t": "model_request",
            "call": 1,
            "method": "POST",
            "url": "x" * 8_193,
            "headers": [],
            "body": "",
        },
    ],
    ids=lambda values: f"{values['t']}, {max(values, key=lambda key: len(str(values[key])))}",
)
def test_field_over_its_cap_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(WireError, match="too_long"):
        parse_from_student(json.dumps(values).encode())


def test_refusal_names_the_place_and_quotes_nothing() -> None:
    secret = "\x1b[31m kiwi"
    for values in (
        {"t": "exchange_end", "exchange": secret},
        {"t": "exchange_end", "exchange": 1, secret: 1},
        {"t": secret},
    ):
        with pytest.raises(WireError) as refused:
            parse_from_student(json.dumps(values).encode())
        assert "kiwi" not in str(refused.value)
        assert refused.value.__cause__ is None
    with pytest.raises(WireError, match=r"int_type at exchange_end\.exchange"):
        parse_from_student(b'{"t": "exchange_end", "exchange": "1"}')


def read_all(data: bytes) -> None:
    for payload in FrameBuffer().feed(data):
        parse_from_student(payload)


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"\x00\x00\x00\x01{")
def test_any_bytes_as_a_stream(data: bytes) -> None:
    with contextlib.suppress(WireError):
        read_all(data)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=200) | st.text(min_size=1).map(str.encode))
def test_any_bytes_as_a_payload(data: bytes) -> None:
    with contextlib.suppress(WireError):
        read_all(add_prefix(data))


@settings(deadline=None)
@given(OBJECTS)
def test_any_object_with_the_fields_of_frames(values: dict[str, Any]) -> None:
    with contextlib.suppress(WireError):
        parse_from_student(json.dumps(values).encode())


@settings(deadline=None)
@given(frames(FROM_STUDENT), st.data())
def test_any_frame_with_some_bytes_changed(frame: Any, data: st.DataObject) -> None:
    payload = bytearray(frame.model_dump_json().encode())
    for at, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(payload) - 1), st.integers(0, 255)), max_size=4)
    ):
        payload[at] = byte
    with contextlib.suppress(WireError):
        parse_from_student(bytes(payload))
