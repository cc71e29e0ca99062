"""Bytes are cut into the same payloads however they arrive, and never more than the cap is kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.wire import MAX_FRAME_BYTES, FrameBuffer, WireError
from graders.engine.wire.framing import add_prefix

payload_lists = st.lists(st.binary(min_size=1, max_size=80), max_size=6)


def fed(*pieces: bytes) -> tuple[list[bytes], int]:
    """Feed ``pieces`` to a new buffer; return all payloads and the bytes that wait for more."""
    buffer = FrameBuffer()
    payloads = [payload for piece in pieces for payload in buffer.feed(piece)]
    return payloads, buffer.unfinished


def stream_of(payloads: list[bytes]) -> bytes:
    return b"".join(map(add_prefix, payloads))


def test_frame_without_its_last_byte_waits_for_it() -> None:
    first, second = add_prefix(b"one"), add_prefix(b"two")
    assert fed(first + second[:-1]) == ([b"one"], len(second) - 1)
    assert fed(first + second[:-1], second[-1:]) == ([b"one", b"two"], 0)


@settings(deadline=None)
@given(payload_lists)
def test_frames_fed_whole(payloads: list[bytes]) -> None:
    assert fed(stream_of(payloads)) == (payloads, 0)


@settings(deadline=None)
@given(payload_lists)
def test_frames_fed_byte_by_byte(payloads: list[bytes]) -> None:
    stream = stream_of(payloads)
    assert fed(*[stream[at : at + 1] for at in range(len(stream))]) == (payloads, 0)


@settings(deadline=None)
@given(payload_lists, st.binary(min_size=1, max_size=40))
def test_frames_with_the_beginning_of_another_behind(payloads: list[bytes], rest: bytes) -> None:
    trailing = add_prefix(rest)[:-1]
    assert fed(stream_of(payloads) + trailing) == (payloads, len(trailing))
    assert fed(stream_of(payloads) + trailing, rest[-1:]) == ([*payloads, rest], 0)


@settings(deadline=None)
@given(payload_lists, st.data())
def test_frames_cut_anywhere(payloads: list[bytes], data: st.DataObject) -> None:
    stream = stream_of(payloads)
    cut = data.draw(st.integers(0, len(stream)))
    assert fed(stream[:cut], stream[cut:]) == (payloads, 0)


def test_nothing_fed() -> None:
    assert fed(b"") == ([], 0)


def test_largest_frame_is_accepted() -> None:
    payload = bytes(MAX_FRAME_BYTES)
    assert fed(add_prefix(payload)) == ([payload], 0)


def test_frame_over_the_cap_is_not_made() -> None:
    with pytest.raises(WireError, match="over the cap"):
        add_prefix(bytes(MAX_FRAME_BYTES + 1))


@pytest.mark.parametrize("length", [MAX_FRAME_BYTES + 1, 2**32 - 1])
def test_prefix_over_the_cap_is_refused_before_its_body_comes(length: int) -> None:
    with pytest.raises(WireError, match="over the cap"):
        FrameBuffer().feed(length.to_bytes(4, "big"))


def test_empty_frame_is_refused() -> None:
    with pytest.raises(WireError, match="without content"):
        FrameBuffer().feed(bytes(4))


def test_bad_frame_behind_a_good_one_is_refused() -> None:
    with pytest.raises(WireError, match="without content"):
        FrameBuffer().feed(add_prefix(b"good") + bytes(4))
