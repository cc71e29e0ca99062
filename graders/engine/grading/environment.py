"""What a result is made with: versions of grader, lesson, Python, and what servers are built on.

Must not know which submission is graded.
"""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version

from graders.engine.content.catalogue import Lesson
from graders.engine.content.versions import (
    digest_of_course,
    digest_of_grader,
    digest_of_lesson,
    digest_of_lock,
)
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import Environment
from graders.engine.core.version import VERSION

PACKAGES = ("fastapi", "openai", "openai-agents", "openai-chatkit", "starlette")
"""What decides how a server behaves; each is locked, so it is installed."""


def environment(lesson: Lesson) -> Environment:
    """Return what this process grades ``lesson`` with."""
    own = {"lesson_digest": digest_of_lesson(lesson), "course_digest": digest_of_course(lesson)}
    return of_process().model_copy(update=own)


@cache
def of_process() -> Environment:
    """Return what is the same for every lesson: what has been imported does not change any more."""
    return Environment(
        grader=VERSION,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages={name: version(name) for name in PACKAGES},
        grader_digest=digest_of_grader(REPOSITORY),
        lock_digest=digest_of_lock(REPOSITORY),
    )
