"""The environments of the processes that we start: allow lists, never the grader's own.

Must not know what a lesson is; a lesson's variables are handed in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

# Tracing posts to a server from a background thread. It must be off when `agents` is imported:
# later is too late, and a thread in the fork server could deadlock the children.
_TRACING_OFF = {"OPENAI_AGENTS_DISABLE_TRACING": "1"}
# Otherwise nobody learns what a tool has raised: the SDK tells the model only that it failed.
_TOOLS_ARE_LOGGED = {"OPENAI_AGENTS_DONT_LOG_TOOL_DATA": "0"}
_PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin"
# What Windows needs to start any program at all.
_WINDOWS_NEEDS = ("SYSTEMROOT", "COMSPEC")


def server_environment() -> dict[str, str]:
    """Return the environment of the fork server: nothing of the grader's, no secrets."""
    needed = {name: os.environ[name] for name in _WINDOWS_NEEDS if name in os.environ}
    sdk = {**_TRACING_OFF, **_TOOLS_ARE_LOGGED}
    return {**needed, **sdk, "PATH": _PLAIN_PATH, "LANG": "C.UTF-8", "TZ": "UTC"}


def student_environment(variables: Mapping[str, str], *, home: Path, temp: Path) -> dict[str, str]:
    """Return the environment of a student's server: what the course promises and nothing else.

    ``variables`` are those of the lesson; ``home`` and ``temp`` are folders of this server's own.
    """
    return {**server_environment(), "HOME": str(home), "TMPDIR": str(temp), **variables}
