"""Opens what starts students' processes: the fork server, or fresh processes where that cannot be.

Must not know what is started.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from graders.engine.isolation.privileges import hide_memory
from graders.engine.sandbox.fresh import FreshLauncher
from graders.engine.sandbox.process import Launcher


@contextmanager
def open_launcher(*, fresh: bool = False) -> Iterator[Launcher]:
    """Yield a launcher and end all its processes afterwards.

    ``fresh`` forces a new interpreter for each start, which is slower and works everywhere. The
    calling process, whose memory holds the checks, is closed to other processes for good.
    """
    hide_memory()
    launcher: Launcher = FreshLauncher()
    if not fresh and hasattr(os, "fork") and sys.platform != "win32":
        from graders.engine.sandbox.fork_client import ForkLauncher  # noqa: PLC0415 - POSIX only

        launcher = ForkLauncher()
    try:
        yield launcher
    finally:
        launcher.close()
