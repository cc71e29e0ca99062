"""What a page has asked: each request with its answer, as it went over the grader's own ports.

Must not know what ought to have been asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Headers = Sequence[tuple[str, str]]


@dataclass
class WebRequest:
    """One request of a page to the student's server, and what it got.

    ``origin`` is the origin of the server that the page asked. ``status`` is 0 without an answer;
    ``left`` says that the page closed the connection before the answer was over; ``planted`` that
    the grader itself gave the answer.
    """

    origin: str
    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    status: int = 0
    answer_headers: Headers = ()
    answer: bytearray = field(default_factory=bytearray)
    over: bool = False
    left: bool = False
    planted: bool = False
    failure: str = ""

    def header(self, name: str) -> str | None:
        """Return a header of the request; ``None`` if it has none of this name."""
        return _header(self.headers, name)

    def answer_header(self, name: str) -> str | None:
        """Return a header of the answer; ``None`` if it has none of this name."""
        return _header(self.answer_headers, name)

    @property
    def target(self) -> str:
        """The path and the query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the browser sent."""
        pairs = (part.strip().partition("=") for part in (self.header("cookie") or "").split(";"))
        return {name: value for name, equals, value in pairs if equals}

    @property
    def is_preflight(self) -> bool:
        """Whether the browser itself asks what a page may send."""
        return self.method == "OPTIONS" and self.header("access-control-request-method") is not None


def _header(headers: Headers, name: str) -> str | None:
    values = [value for other, value in headers if other.lower() == name.lower()]
    return ", ".join(values) if values else None
