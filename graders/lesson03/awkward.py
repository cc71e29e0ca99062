"""Tokens that break careless code; each case is what the model says, token by token.

Half a surrogate pair is not among them: no model can say it in UTF-8.
"""

from __future__ import annotations

from dataclasses import dataclass

BEGINNING = "Here it is: "
ODD = (
    # Joined pictures and marks, each code point a token of its own.
    *"👨\u200d👩\u200d👧",
    *"🇵🇰",
    *"👍🏽",
    *"e\u0301a\u0308",
    # Line ends, of Python, of SSE and of neither; a token of spaces only.
    "one\r\n",
    "\r\n",
    "two\rthree",
    "\n",
    "\n\n",
    " ",
    " \t ",
    "four\u2028five\u2029six",
    "\u0085seven\x0b\x0ceight",
    # What looks like the protocol, or like an escape, but is text.
    '\n\ndata: {"type": "error"}\n\n',
    "[DONE]",
    '{"type":"thread.created"}\\"}',
    "\\u0000 \\n \\ud83d &#0;",
    "{0} %s ${HOME} <b>&amp;</b>",
    "Stra\u00dfe \ufb01ne \u00bd x\u00b2",
    # What is not seen, and what is read from right to left.
    "a\u200bb\u00adc\ufeff",
    "שלום مرحبا",
    "\U00020bb7\ufffd",
    "  the end  ",
)
LONG = "".join(chr(0x61 + number % 26) if number % 50 else "🦀" for number in range(10_000))


@dataclass(frozen=True)
class Awkward:
    """What the model says; ``held`` tokens are each waited for, the others come in a row."""

    tokens: tuple[str, ...]
    held: bool = False

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.tokens)


CASES = {
    "odd characters": Awkward((BEGINNING, *ODD), held=True),
    "empty tokens": Awkward((BEGINNING, "", "still ", "", "", "here", "")),
    "one token of 10,000 characters": Awkward((BEGINNING, LONG, ".")),
    "2,000 tokens in a row": Awkward(
        (BEGINNING, *(f"{number}, " for number in range(1_998)), "end.")
    ),
}
