"""Conversations, short enough to be read."""

from __future__ import annotations

import pytest

from graders.engine.core.results import TranscriptLine
from graders.engine.reports.glyphs import ASCII, UNICODE
from graders.engine.reports.transcript import AFTER_MARK, BEFORE_MARK, Gap, cut, render, shortened
from tests.reports.samples import as_text, line


def conversation(length: int, marked: int | None = None) -> list[TranscriptLine]:
    """Return so many lines, numbered from 1."""
    numbers = range(1, length + 1)
    return [line(n, "server", f"kind {n}", f"line {n}", marked=n == marked) for n in numbers]


def shown(length: int, marked: int | None = None) -> list[int | str]:
    """Return serial numbers of the lines shown, and the gaps as text."""
    rows = shortened(conversation(length, marked))
    return [f"{row.count} left out" if isinstance(row, Gap) else row.serial for row in rows]


def test_nothing_was_said() -> None:
    assert shown(0) == []


def test_short_conversation_is_shown_whole() -> None:
    assert shown(8) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_long_conversation_is_cut_around_its_mark() -> None:
    assert shown(100, marked=50) == [1, "36 left out", *range(38, 55), "46 left out"]


def test_long_conversation_without_mark_is_shown_from_its_end() -> None:
    assert shown(100) == [1, "86 left out", *range(88, 101)]


@pytest.mark.parametrize("marked", range(1, 41))
def test_no_line_is_lost_uncounted(marked: int) -> None:
    rows = shortened(conversation(40, marked))
    counted = sum(row.count if isinstance(row, Gap) else 1 for row in rows)
    assert counted == 40
    assert len(rows) <= BEFORE_MARK + AFTER_MARK + 4


def test_marked_line_has_a_sign_that_needs_no_colour() -> None:
    page = as_text(render(conversation(3, marked=2), UNICODE)).splitlines()
    assert [text.startswith("▶") for text in page] == [False, True, False]


def test_gap_says_how_much_is_missing() -> None:
    assert "... 36 more lines" in as_text(render(conversation(100, marked=50), ASCII))


def test_kind_of_an_update_is_what_was_updated() -> None:
    delta = line(1, "server", "thread.item.updated/text_delta", "“Hel”")
    assert as_text(render([delta], UNICODE)).strip() == "0 ms server text_delta  “Hel”"


def test_long_text_is_cut() -> None:
    assert cut("a" * 300, ASCII, 10) == "aaaaaaa..."
    assert cut("a" * 10, ASCII, 10) == "a" * 10


def test_what_the_server_printed_stands_at_the_end_whatever_is_left_out() -> None:
    lines = [line(n, "server", "thread.created", "x", marked=n == 1) for n in range(40)]
    printed = line(40, "server", "printed", "hello")
    assert shortened([*lines, printed])[-2:] == (Gap(40 - 6), printed)
