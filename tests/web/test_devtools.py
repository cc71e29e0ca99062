"""What a browser says over its socket: answers to commands, and that a page has crashed."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from graders.engine.web.devtools import DevTools, DevToolsError


async def _heard(data: bytes) -> bool:
    """Return whether a page is known to have crashed, once the browser has said ``data``."""
    ours, theirs = socket.socketpair()
    with theirs:
        devtools = await DevTools.open(ours)
        devtools.watch_pages()
        assert json.loads(theirs.recv(4_096)[:-1])["method"] == "Target.setDiscoverTargets"
        asking = asyncio.ensure_future(devtools.ask("Target.getTargets", {}))
        await asyncio.sleep(0)
        theirs.sendall(data + b'{"id":2,"result":{"it":"came"}}\0')
        assert await asking == {"it": "came"}
        devtools.close()
    return devtools.crashed


async def test_crash_of_a_page_is_heard() -> None:
    assert await _heard(b'{"method":"Target.targetCrashed","params":{"status":"crashed"}}\0')


@pytest.mark.parametrize("said", [b"", b'{"method":"Target.targetCreated"}\0', b"7\0",
                                  b'{"id":[],"result":7}\0', b'{"id":77}\0'])  # fmt: skip
async def test_nothing_else_is_a_crash(said: bytes) -> None:
    assert not await _heard(said)


async def test_browser_that_has_ended_answers_nobody() -> None:
    ours, theirs = socket.socketpair()
    devtools = await DevTools.open(ours)
    asking = asyncio.ensure_future(devtools.ask("Target.getTargets", {}))
    await asyncio.sleep(0)
    theirs.close()
    for answer in (asking, devtools.ask("Target.getTargets", {})):
        with pytest.raises(DevToolsError):
            await answer
    devtools.close()
