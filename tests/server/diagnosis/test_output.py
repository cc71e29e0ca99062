"""What a server prints, through a real pipe; and its last lines."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from graders.engine.core.limits import WireLimits
from graders.engine.server.diagnosis.output import Output, last_lines


def piped(
    on_flood: Callable[[], None] = lambda: None, on_text: Callable[[str], None] = lambda _: None
) -> tuple[Output, int]:
    """Return an output and the end of the pipe that a server would write to."""
    reader, writer = os.pipe()
    limits = WireLimits(printed_mb=1, printed_kept_kb=1)
    return Output(reader, limits, on_flood=on_flood, on_text=on_text), writer


async def test_what_was_printed_can_be_read_before_the_loop_turns() -> None:
    printed, writer = piped()
    os.write(writer, b"hello ")
    assert printed.text == "hello "
    os.write(writer, b"you \xff")
    assert printed.text == "hello you \N{REPLACEMENT CHARACTER}"
    os.close(writer)
    printed.close()
    printed.close()
    assert printed.text.startswith("hello you")


async def test_closing_reads_what_is_left() -> None:
    printed, writer = piped()
    os.write(writer, b"last words")
    printed.close()
    os.close(writer)
    assert printed.text == "last words"


async def test_only_the_end_is_kept_and_a_flood_is_reported_once() -> None:
    floods: list[str] = []
    printed, writer = piped(lambda: floods.append("flood"))
    for _ in range(256):
        os.write(writer, bytes(4_096))
        assert len(printed.text) <= 1_024
    assert floods == []
    os.write(writer, b"x")
    assert printed.text[-2:] == "\0x"
    assert printed.text[-2:] == "\0x"
    assert floods == ["flood"]
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"y")
    os.close(writer)


async def test_a_line_that_comes_in_two_parts_is_shown_whole_once_it_is() -> None:
    texts: list[str] = []
    printed, writer = piped(on_text=texts.append)
    for part in (b"some line\nMemory", b"Error\n"):
        os.write(writer, part)
        assert printed.text
    assert texts == ["some line\nMemory", "some line\nMemoryError\n"]
    os.close(writer)
    printed.close()


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("", ""),
        ("one\n\n  \ntwo\n", "one\ntwo"),
        ("1\n2\n3\n4\n5\n6\n", "2\n3\n4\n5\n6"),
        (
            (
                "mine\nTraceback (most recent call last):\n  File x\n    y\n\nKeyError: 'a'\n"
                "mine too\n"
            ),
            "mine\nmine too",
        ),
    ],
)
def test_the_last_lines_are_those_with_something_in_them(printed: str, shown: str) -> None:
    assert last_lines(printed) == shown
