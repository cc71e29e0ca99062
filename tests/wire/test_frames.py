"""Every frame comes out as it went in, and only on the side that it is meant for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from graders.engine.core.errors import AutograderError
from graders.engine.core.limits import MAX_HEADER_BYTES
from graders.engine.wire import (
    MAX_FRAME_BYTES,
    Frame,
    FrameBuffer,
    WireError,
    encode,
    parse_from_student,
    parse_to_student,
)
from graders.engine.wire import frames as frames_module
from graders.engine.wire.frames import ModelChunk, ResponseBody, ResponseStart
from tests.wire.strategies import FROM_STUDENT, TO_STUDENT, frames


def payload_of(frame: Frame) -> bytes:
    (payload,) = FrameBuffer().feed(encode(frame))
    return payload


@settings(deadline=None)
@given(frames(FROM_STUDENT))
def test_frame_from_the_student_round_trips(frame: Frame) -> None:
    assert parse_from_student(payload_of(frame)) == frame


@settings(deadline=None)
@given(frames(TO_STUDENT))
def test_frame_to_the_student_round_trips(frame: Frame) -> None:
    assert parse_to_student(payload_of(frame)) == frame


@settings(deadline=None)
@given(frames(TO_STUDENT))
def test_frame_to_the_student_is_not_taken_from_it(frame: Frame) -> None:
    with pytest.raises(WireError):
        parse_from_student(payload_of(frame))


@settings(deadline=None)
@given(frames(FROM_STUDENT))
def test_frame_from_the_student_is_not_taken_by_it(frame: Frame) -> None:
    with pytest.raises(WireError):
        parse_to_student(payload_of(frame))


def test_frame_is_read_only_by_the_side_that_it_is_for() -> None:
    chunk = ModelChunk(call=1, data=b"abc")
    assert parse_to_student(payload_of(chunk)) == chunk
    with pytest.raises(WireError):
        parse_from_student(payload_of(chunk))


def test_all_bytes_survive_in_a_body() -> None:
    body = bytes(range(256)) * 3
    frame = ResponseBody(exchange=1, body=body, more=True)
    parsed = parse_from_student(payload_of(frame))
    assert isinstance(parsed, ResponseBody)
    assert parsed.body == body


def test_every_frame_has_a_direction_and_a_tag_of_its_own() -> None:
    defined = {
        kind
        for kind in vars(frames_module).values()
        if isinstance(kind, type) and issubclass(kind, Frame) and kind is not Frame
    }
    assert defined == {*TO_STUDENT, *FROM_STUDENT}
    assert len({kind.model_fields["t"].default for kind in defined}) == len(defined)


def test_frame_over_the_cap_is_not_encoded() -> None:
    with pytest.raises(WireError, match="over the cap"):
        encode(ModelChunk(call=1, data=bytes(MAX_FRAME_BYTES)))


def test_wire_errors_are_the_autograders_own() -> None:
    assert issubclass(WireError, AutograderError)


def test_headers_that_are_too_many_bytes_together_are_not_taken() -> None:
    half = "x" * (MAX_HEADER_BYTES // 2)
    one = ResponseStart(exchange=1, status=200, headers=(("a", half),))
    assert parse_from_student(payload_of(one)) == one
    two = one.model_copy(update={"headers": (("a", half), ("b", half))})
    with pytest.raises(WireError):
        parse_from_student(payload_of(two))
