"""What a result is made with: versions of the grader, of Python, and of what servers are built on.

Must not know what is graded.
"""

from __future__ import annotations

import platform
from importlib.metadata import version

from graders.engine.core.results import Environment
from graders.engine.core.version import VERSION

PACKAGES = ("fastapi", "openai", "openai-agents", "openai-chatkit", "starlette")
"""What decides how a server behaves; each is locked, so it is installed."""


def environment() -> Environment:
    """Return what this process grades with."""
    return Environment(
        grader=VERSION,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages={name: version(name) for name in PACKAGES},
    )
