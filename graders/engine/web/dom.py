"""A page in Node, with happy-dom, where there is no browser: the same commands, and less to see.

Must not know what a page is to show, and judges nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from graders.engine.web.browser import FIRST_PATH, HOSTS, Browser, open_page
from graders.engine.web.confined import ProgramLimits, ProgramSpec, own_folder
from graders.engine.web.packages import WebPackages
from graders.engine.web.page_server import PAGE_ORIGIN, PageBackend

OLDEST_NODE = 20
"""The main version of Node that happy-dom needs."""
_RUNNER = Path(__file__).parent / "page" / "dom.mjs"
_FLAGS = ("--max-old-space-size=512", "--no-warnings")
_LIMITS = ProgramLimits(cpu_seconds=40)


@asynccontextmanager
async def open_dom(
    node: Path, packages: WebPackages, student: PageBackend
) -> AsyncIterator[Browser]:
    """Start Node with the first page, and end it with the block."""
    with own_folder() as own:
        runner = own / "dom.mjs"
        runner.write_bytes(_RUNNER.read_bytes())
        places = [f"{name}={{port {port}}}" for name, port in HOSTS.items()]
        first = f"{PAGE_ORIGIN}{FIRST_PATH}"
        spec = ProgramSpec(
            command=[str(node), *_FLAGS, str(runner), str(packages.folder), first, *places],
            own=own,
            readable=[node, packages.folder],
            environment={"HOME": str(own), "TMPDIR": str(own), "LANG": "C.UTF-8", "TZ": "UTC"},
            ports=list(HOSTS.values()),
            limits=_LIMITS,
        )
        async with open_page(spec, student) as browser:
            yield browser
