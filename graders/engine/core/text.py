"""Makes text from outside safe to show: on a terminal, in a CI log, in XML.

Must not know a format: escaping for HTML, XML mark-up or workflow commands is each format's own.
What stays is printable; what could move the cursor, reverse the reading direction or be hidden
becomes an escape that a reader can see.
"""

from __future__ import annotations

import re
from collections.abc import Callable

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_SURROGATE = re.compile("[\ud800-\udfff]")

_UNSAFE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls but tab and line feed; ESC begins ANSI codes
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # reading direction
    "\u200b\u2060-\u2065\u206a-\u206f\ufeff\U000e0000-\U000e007f"  # seen by nobody
    "\u2028\u2029\ufff9-\ufffb"  # separators and annotations
    "\ufffe\uffff\ud800-\udfff"  # not allowed in XML
    "]"
)


def strip_surrogates(text: str) -> str:
    """Return ``text`` with each lone surrogate replaced, so that it can be encoded as UTF-8."""
    return _SURROGATE.sub(REPLACEMENT, text)


def encodable(text: str) -> str:
    r"""Return ``text`` as UTF-8 can encode it, with a lone surrogate as an escape (``\udcff``).

    The name of a file that is no UTF-8 comes with such. Two names that differ still do afterwards.
    """
    return text.encode("utf-8", "backslashreplace").decode()


def with_texts(value: object, change: Callable[[str], str]) -> object:
    """Return lists and dictionaries with every text in them changed, the names of keys as well."""
    match value:
        case str():
            return change(value)
        case list() | tuple():
            return [with_texts(each, change) for each in value]
        case dict():
            changed = ((with_texts(name, change), each) for name, each in value.items())
            return {name: with_texts(each, change) for name, each in changed}
        case _:
            return value


def visible(text: str, *, one_line: bool = False) -> str:
    r"""Return ``text`` with everything that would not be seen written as an escape (``\x1b``).

    Line feeds and tabs stay, unless ``one_line``. Emoji with joiners stay. The result can be
    encoded as UTF-8 and holds only characters that XML 1.0 allows.
    """
    escaped = _UNSAFE.sub(_escape, text)
    return escaped.replace("\n", r"\n").replace("\t", r"\t") if one_line else escaped


def shorten(text: str, limit: int) -> str:
    """Return at most the first ``limit`` characters, and a note of how many were left out.

    The note comes on top of ``limit`` and has fewer than 50 characters.
    """
    cut = len(text) - limit
    return text if cut <= 0 else f"{text[:limit]}... [{cut:,} characters more]"


def quote(text: str, limit: int = 80) -> str:
    """Return ``text`` as it can stand in the middle of a sentence: visible, on one line, short."""
    return visible(shorten(text, limit), one_line=True)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0x0D:
        return r"\r"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
