"""Waits out a server's limit on requests.

It is no fault: a user who writes as fast as a grader does not exist. Must not know what is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from graders.engine.harness.outcome import Outcome, attempt
from graders.engine.harness.stream import Stream
from graders.engine.harness.student import Student

TOO_MANY_REQUESTS = 429
"""The status of a request over the limit (RFC 6585)."""
_PAUSE_SECONDS = 61.0


async def after_a_pause(student: Student, send: Callable[[], Awaitable[Stream]]) -> Outcome[Stream]:
    """Send; if there is a limit, send once more when a minute has passed by the server's clock."""
    begun = await attempt(send())
    if begun.finding is not None or begun.value.status != TOO_MANY_REQUESTS:
        return begun
    await begun.value.close()
    await student.advance(_PAUSE_SECONDS)
    return await attempt(send())
