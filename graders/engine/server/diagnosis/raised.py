"""An exception of the submission, as its own process told it, in lines for its student.

All of it is the student's own text: made visible, on one line each, cut. Must not know what was
checked.
"""

from __future__ import annotations

from collections.abc import Sequence

from graders.engine.core.results import RaisedException, SourceLine
from graders.engine.core.text import quote
from graders.engine.wire.frames import CodePlace, Raised

_MESSAGE_CHARACTERS = 400
_CODE_CHARACTERS = 120
_NAME_CHARACTERS = 80
_INDENT = "    "


def raised_exception(frame: Raised, request: str) -> RaisedException:
    """Return what ``frame`` tells, safe to show; ``request`` is the kind of what was asked."""
    return RaisedException(
        error=quote(frame.error, _NAME_CHARACTERS),
        origin=quote(frame.origin, _NAME_CHARACTERS),
        logger=quote(frame.logger, _NAME_CHARACTERS),
        message=quote(frame.message.strip(), _MESSAGE_CHARACTERS),
        places=tuple(map(_line, frame.places)),
        meant=quote(frame.meant, _NAME_CHARACTERS),
        request=request,
    )


def _line(place: CodePlace) -> SourceLine:
    return SourceLine(
        file=quote(place.file, _NAME_CHARACTERS),
        line=place.line,
        function=quote(place.function, _NAME_CHARACTERS),
        code=quote(place.code.strip(), _CODE_CHARACTERS),
    )


def raised_lines(raised: RaisedException) -> Sequence[str]:
    """Return what was raised and where, the student's own line, and who called it."""
    what = f"{raised.error}: {raised.message}" if raised.message else raised.error
    lines = [what]
    if raised.places:
        *callers, last = raised.places
        lines = [f"{what} ({last.file}, line {last.line})"]
        lines += [f"{_INDENT}{last.code}"] if last.code else []
        called = [f"{each.file}, line {each.line}" for each in reversed(callers)]
        lines += [f"{_INDENT}called from {' and '.join(called[:2])}"] if called else []
    if raised.meant and raised.meant not in raised.message:
        lines.append(f"Did you mean `{raised.meant}`?")
    return lines


def where(raised: RaisedException) -> str:
    """Return the place to look at, as the end of a sentence; empty where none is known."""
    if not raised.places:
        return ""
    last = raised.places[-1]
    inside = f", in `{last.function}`" if last.function.isidentifier() else ""
    return f"line {last.line} of `{last.file}`{inside}"
