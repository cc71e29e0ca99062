"""Waits out a server's limit on requests.

It is no fault: a user who writes as fast as a grader does not exist. Must not know what is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from graders.engine.harness.stream import Stream
from graders.engine.harness.student import Student

TOO_MANY_REQUESTS = 429
"""The status of a request over the limit (RFC 6585)."""
PAUSES = (61.0,)
"""Seconds after which a request is tried again, where nothing else is said."""


class _Answer(Protocol):
    @property
    def status(self) -> int: ...


_T = TypeVar("_T", bound=_Answer)


async def within_limits(
    student: Student, send: Callable[[], Awaitable[_T]], pauses: Sequence[float] = PAUSES
) -> _T:
    """Send; where there is a limit, once more after each of the ``pauses``.

    These are seconds by the server's clock. Return the first answer that no limit refused, or the
    last one.
    """
    for pause in pauses:
        answer = await send()
        if answer.status != TOO_MANY_REQUESTS:
            return answer
        if isinstance(answer, Stream):
            await answer.close()
        await student.advance(pause)
    return await send()
