"""Tells of an exception in the student's terms: only the student's own files, capped.

Must not know where the text will be shown.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from graders.engine.wire.frames import CodePlace

_MESSAGE_CHARACTERS = 1_500
_DETAIL_CHARACTERS = 20_000
_NAME_CHARACTERS = 200
_MOST_PLACES = 8
_CODE_CHARACTERS = 300
# What pydantic adds to each field of an error: the input, which may be secret, and an address.
_OF_PYDANTIC = re.compile(
    r" \[type=\w+, input_value=.*\]$|\n    For further information visit .*$", re.M
)


def sendable(text: str) -> str:
    """Return ``text`` with half surrogates escaped.

    They have no UTF-8, so no frame can hold them.
    """
    return text.encode("utf-8", "backslashreplace").decode()


def name_of(thing: object) -> str:
    """Return the name of the type of ``thing``, capped.

    A student's class may be called anything.
    """
    return type(thing).__name__[:_NAME_CHARACTERS]


def describe(error: BaseException) -> str:
    """Return the message of ``error``, capped; survives exceptions whose ``str`` raises."""
    try:
        text = str(error)
        if name_of(error) == "ValidationError":
            text = _fields(text)
        return sendable(text[:_MESSAGE_CHARACTERS])[:_MESSAGE_CHARACTERS]
    except Exception:  # noqa: BLE001 - a student's __str__ may raise anything
        return ""


def _fields(text: str) -> str:
    """Put pydantic's message on one line: how many errors, then each field and what it lacks."""
    heading, *lines = _OF_PYDANTIC.sub("", text).splitlines()
    pairs = zip(lines[::2], lines[1::2], strict=False)
    told = "; ".join(f"`{field}`: {why.strip()}" for field, why in pairs)
    return f"{heading}: {told}" if told else heading


def own_places(error: BaseException, root: str) -> tuple[CodePlace, ...]:
    """Return where in files below ``root`` an exception came through, the innermost place last.

    Where it has none itself, those of what it came from.
    """
    for link in reversed(_chain(error)):
        places = [
            CodePlace(
                file=sendable(name)[:_NAME_CHARACTERS],
                line=frame.lineno or 0,
                function=sendable(frame.name)[:_NAME_CHARACTERS],
                code=sendable(frame.line or "")[:_CODE_CHARACTERS],
            )
            for frame in traceback.extract_tb(link.__traceback__, limit=200)
            if (name := _relative(frame.filename, root)) is not None
        ]
        if places:
            return tuple(places[-_MOST_PLACES:])
    return ()


def own_traceback(error: BaseException, root: str) -> str:
    """Format the traceback of ``error``, keeping only frames from files below ``root``.

    File names are relative to ``root``. Ends with the exception itself, as Python prints it.
    """
    lines: list[str] = []
    for link in _chain(error):
        lines += _own_frames(link, root)
        lines += _last_lines(link, root)
    return sendable("".join(lines)[-_DETAIL_CHARACTERS:])


def _chain(error: BaseException) -> list[BaseException]:
    """Return ``error`` and what it came from, oldest first, without loops and not deeper than 5."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and len(chain) < 5:
        # By identity: an exception of the student's may have an __eq__ of its own.
        if any(link is current for link in chain):
            break
        chain.append(current)
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return chain[::-1]


def _own_frames(error: BaseException, root: str) -> list[str]:
    lines = []
    for frame in traceback.extract_tb(error.__traceback__, limit=200):
        name = _relative(frame.filename, root)
        if name is not None:
            lines.append(f'  File "{name}", line {frame.lineno}, in {frame.name}\n')
            if frame.line:
                lines.append(f"    {frame.line}\n")
    return lines


def _last_lines(error: BaseException, root: str) -> list[str]:
    lines = traceback.format_exception_only(type(error), error)
    return [line.replace(root.rstrip("/") + "/", "") for line in lines]


def _relative(filename: str, root: str) -> str | None:
    if filename.startswith("<"):
        # Such as "<frozen importlib._bootstrap>": no file, though it resolves to one in the folder.
        return None
    try:
        return str(Path(filename).resolve().relative_to(Path(root).resolve()))
    except (ValueError, OSError):
        return None
