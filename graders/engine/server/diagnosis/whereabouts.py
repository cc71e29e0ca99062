"""Where a server's code is that answers no more, by what its process writes when a signal asks.

All of it is the process's own word and may be made up: it explains a finding and decides nothing.
The text of a line is read from what was handed in. Must not know why it is asked.
"""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from pathlib import Path

from graders.engine.core.results import SourceLine
from graders.engine.core.text import quote
from graders.engine.host.whereabouts import (
    FIRST_FRAME,
    HEADING,
    NO_MORE,
    SIGNAL,
    TASKS_SIGNAL,
)
from graders.engine.server.diagnosis.output import Output
from graders.engine.server.watch.process_state import activity

_ROUNDS = 100
"""How often it is asked for its stack, and then for its tasks, if the stack names no own line.

A loop that only awaits is mostly in asyncio's own code, and its tasks are known only between two
turns.
"""
_LOOK_SECONDS = 0.005
"""Short, as what computes uses up meanwhile what it may work until the last question."""
_ASLEEP_LOOKS = 20
_CPU_NS = 200_000_000
"""A process that sleeps at so many looks in a row, or has worked for so long, has had the signal.

Not a time on the wall: on a busy machine it may wait for a processor first.
"""
_MOST_CPU_NS = 10 * _CPU_NS
"""What it may work between the first question and the last: its limits are not looked at here."""
_FRAME = re.compile(r'^  File "([^"]+)", line (\d{1,7}) in (.+)$', re.MULTILINE)
_NAME_CHARACTERS = 80
_CODE_CHARACTERS = 120
_MOST_SOURCE_BYTES = 1_000_000


async def whereabouts(pid: int, output: Output, copy: Path, source: Path) -> SourceLine | None:
    """Ask the process ``pid`` where it is; return the innermost line of the submission's own.

    ``copy`` is what it runs, ``source`` the same as it was handed in. ``None`` where none is told.
    """
    first = activity(pid)
    for question in (SIGNAL, TASKS_SIGNAL) * _ROUNDS:
        now = activity(pid)
        if question is None:
            return None
        if first is None or now is None or now.cpu_ns - first.cpu_ns > _MOST_CPU_NS:
            return None
        before = output.text
        with suppress(OSError):
            os.kill(pid, question)
        stack = await _stack(pid, output, before)
        if not stack:
            return None
        for file, line, function in _FRAME.findall(stack):
            if file.startswith(f"{copy}/"):
                return _line(source, file.removeprefix(f"{copy}/"), int(line), function)
    return None


async def _stack(pid: int, output: Output, before: str) -> str:
    """Return what is written, once all of it has come, and take it out of what was printed.

    Where no end comes, as another thread prints too or the process makes it up: what has come.
    """
    first = activity(pid)
    asleep = 0
    stack = ""
    while asleep < _ASLEEP_LOOKS and not stack.endswith((FIRST_FRAME, NO_MORE)):
        await asyncio.sleep(_LOOK_SECONDS)
        now = activity(pid)
        printed = output.text
        start = printed.rfind(HEADING)
        stack = printed[start:] if printed != before and start >= 0 else ""
        if first is None or now is None or now.cpu_ns - first.cpu_ns > _CPU_NS:
            break
        asleep = asleep + 1 if now.asleep else 0
    if stack:
        output.forget_from(stack)
    return stack


def _line(source: Path, file: str, line: int, function: str) -> SourceLine:
    return SourceLine(
        file=quote(file, _NAME_CHARACTERS),
        line=line,
        function=quote(function, _NAME_CHARACTERS),
        code=quote(_code_or_nothing(source, file, line).strip(), _CODE_CHARACTERS),
    )


def _code_or_nothing(source: Path, file: str, line: int) -> str:
    """Return the text of a line; empty where the process made a name up that no file can have."""
    try:
        return _code(source, file, line)
    except (OSError, ValueError):
        return ""


def _code(source: Path, file: str, line: int) -> str:
    """Return the text of a line; empty where there is none, or the file is not of the submission's.

    The name is the process's own word: it must not lead out of ``source``.
    """
    path = (source / file).resolve()
    if not path.is_relative_to(source.resolve()) or not path.is_file():
        return ""
    if path.stat().st_size > _MOST_SOURCE_BYTES:
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[line - 1] if 0 < line <= len(lines) else ""
