"""Tells where the server's code is just now, when a signal asks: also when its loop is blocked.

A process whose event loop is blocked, or computes without end, can answer no question over the
wire. Python's own fault handler writes the stack of the main thread to standard error whatever the
interpreter does. A loop that only awaits is mostly in asyncio's own code, between two tasks: a
second signal asks for the tasks whose turn it is, down to what each of them awaits. Both signals
are such that a process without a handler ignores. What is written is the process's own word, so it
explains and decides nothing. Must not know why it is asked.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from types import FrameType

SIGNAL: signal.Signals | None = getattr(signal, "SIGURG", None)
"""What asks for the stack; ``None`` where there is no such signal."""
TASKS_SIGNAL: signal.Signals | None = getattr(signal, "SIGWINCH", None)
"""What asks for the tasks. No terminal sends it: the process has a session of its own."""
HEADING = "Stack (most recent call first):"
"""The first line of what is written."""
NO_MORE = "  ...\n"
"""The last line where not all frames are told, and of each answer about tasks."""
FIRST_FRAME = '  File "<string>", line 1 in <module>\n'
"""The last line otherwise: the process was started with a command (`python -c`)."""
_MOST_FRAMES = 100
"""As many as the fault handler writes."""
_FRAME_AND_AWAITED = (
    ("cr_frame", "cr_await"),
    ("gi_frame", "gi_yieldfrom"),
    ("ag_frame", "ag_await"),
)


def answer_signals() -> None:
    """Write to standard error, at each :data:`SIGNAL` and :data:`TASKS_SIGNAL`, what it asks for.

    Called in the main thread.
    """
    register = getattr(faulthandler, "register", None)
    if register is not None and SIGNAL is not None:
        with suppress(OSError, ValueError):
            register(SIGNAL, file=2, all_threads=False)
    if TASKS_SIGNAL is not None:
        signal.signal(TASKS_SIGNAL, _write_tasks)


def _write_tasks(_number: int, frame: FrameType | None) -> None:
    # It runs amid the student's code, which nothing that goes wrong here may reach.
    with suppress(Exception):
        lines = [
            f'  File "{each.f_code.co_filename}", line {each.f_lineno} in {each.f_code.co_name}\n'
            for each in islice(_frames_of_the_turn(frame), _MOST_FRAMES)
        ]
        text = f"{HEADING}\n{''.join(lines)}{NO_MORE}"
        os.write(2, text.encode("utf-8", "backslashreplace"))


def _frames_of_the_turn(frame: FrameType | None) -> Iterator[FrameType]:
    """Return the frames of what runs, innermost first; between two turns, of the tasks that wait.

    Who waits for a turn while another runs has no part in what that one does.
    """
    runs = list(_stack(frame))
    yield from runs
    if not any(each.f_code is asyncio.Handle._run.__code__ for each in runs):  # noqa: SLF001 - nothing public is told apart by
        for task in _tasks_in_line():
            yield from reversed(list(_suspended(task.get_coro())))


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _tasks_in_line() -> Iterator[asyncio.Task[object]]:
    """Return the tasks whose turn is next, the first one first."""
    # What asyncio schedules for a task is a method of it; see `clock` for the name `_ready`.
    for handle in list(asyncio.get_running_loop()._ready):  # type: ignore[attr-defined]  # noqa: SLF001
        task = getattr(handle._callback, "__self__", None)  # noqa: SLF001 - as asyncio does for its own messages
        if isinstance(task, asyncio.Task):
            yield task


def _suspended(awaited: object) -> Iterator[FrameType]:
    """Return the frames of a chain of awaits, outermost first."""
    for _ in range(_MOST_FRAMES):
        names = next((names for names in _FRAME_AND_AWAITED if hasattr(awaited, names[0])), None)
        if names is None:
            # What stands between two of them, such as a step of an asynchronous generator, tells
            # only the garbage collector whose it is.
            awaited = next(filter(_has_frame, gc.get_referents(awaited)), None)
            continue
        frame, awaited = (getattr(awaited, name) for name in names)
        if frame is not None:
            yield frame


def _has_frame(thing: object) -> bool:
    return any(hasattr(thing, frame_name) for frame_name, _ in _FRAME_AND_AWAITED)
