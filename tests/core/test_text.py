"""Text from outside cannot steer a terminal or break an XML file."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.core.text import encodable, quote, shorten, strip_surrogates, visible

ANY_TEXT = st.text(st.characters(codec=None))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\rb", r"a\rb"),
        ("nul\x00", r"nul\x00"),
        ("\x9b2J", r"\x9b2J"),
        ("abc\u202etxt.exe", r"abc\u202etxt.exe"),
        ("no\u200bbreak", r"no\u200bbreak"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("half\ud83d", r"half\ud83d"),
        ("\uffff", r"\uffff"),
        ("line\u2028end", r"line\u2028end"),
    ],
)
def test_visible_escapes_what_would_act_or_hide(raw: str, shown: str) -> None:
    assert visible(raw) == shown


@pytest.mark.parametrize("text", ["two\n\tlines", "naïve 日本 🎉", "👩\u200d💻", "שלום"])
def test_visible_keeps_ordinary_text(text: str) -> None:
    assert visible(text) == text


def test_lone_surrogates_are_replaced_and_nothing_else() -> None:
    assert strip_surrogates("half \ud83d, whole 🎉") == "half \ufffd, whole 🎉"


def test_names_that_are_no_utf8_can_be_encoded_and_stay_different() -> None:
    assert encodable("half \ud83d, whole 🎉\x1b") == "half \\ud83d, whole 🎉\x1b"
    assert encodable("\udcff") != encodable("\udcfe")


def test_visible_one_line_escapes_line_feeds_and_tabs() -> None:
    assert visible("a\n\tb", one_line=True) == r"a\n\tb"


@settings(deadline=None)
@given(ANY_TEXT)
def test_visible_gives_valid_xml_and_utf8(text: str) -> None:
    shown = visible(text)
    assert ET.fromstring(f"<t>{escape(shown)}</t>".encode()).text == (shown or None)


@settings(deadline=None)
@given(ANY_TEXT)
def test_visible_twice_is_visible_once(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@settings(deadline=None)
@given(ANY_TEXT)
def test_strip_surrogates_can_be_encoded_and_keeps_the_rest(text: str) -> None:
    stripped = strip_surrogates(text)
    stripped.encode()  # does not raise
    assert len(stripped) == len(text)
    assert stripped == re.sub("[\ud800-\udfff]", "\ufffd", text)


def test_shorten_keeps_a_text_within_the_limit() -> None:
    assert shorten("exact", 5) == "exact"


def test_shorten_says_how_much_was_cut() -> None:
    assert shorten("x" * 1239, 5) == "xxxxx... [1,234 characters more]"


def test_quote_is_short_and_on_one_line() -> None:
    assert quote("a\nb" + "c" * 100, limit=4) == r"a\nbc... [99 characters more]"
