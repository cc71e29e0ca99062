"""Pictures come from a browser that may say anything: what is no picture is none."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from graders.engine.core.results import MOST_PICTURE_CHARACTERS
from graders.engine.web import camera as cameras
from graders.engine.web.camera import Camera
from graders.engine.web.devtools import DevTools

JPEG = base64.b64encode(b"\xff\xd8\xff picture").decode()
PAGES = {"targetInfos": [{"type": "worker"}, {"type": "page", "targetId": "T"}]}
SAID: Mapping[str, object] = {
    "Target.getTargets": PAGES,
    "Target.attachToTarget": {"sessionId": "S"},
    "Page.captureScreenshot": {"data": JPEG},
}
Answer = Callable[[dict[str, Any]], bytes]


def answering(**other: object) -> Answer:
    """Return what answers as a browser does, but for some commands."""
    said = {**SAID, **{name.replace("_", "."): value for name, value in other.items()}}

    def answer(command: dict[str, Any]) -> bytes:
        event = json.dumps({"method": "Page.something"}).encode() + b"\0"
        result = said[command["method"]]
        return event + json.dumps({"id": command["id"], "result": result}).encode() + b"\0"

    return answer


def saying(data: bytes) -> Answer:
    """Return what answers everything with the same bytes."""

    def answer(command: dict[str, Any]) -> bytes:
        del command
        return data

    return answer


async def taken(answer: Answer, times: int = 1) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the pictures that a camera takes, and the commands that the browser got."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    commands: list[dict[str, Any]] = []

    async def browse() -> None:
        while data := await reader.readuntil(b"\0"):
            commands.append(json.loads(data[:-1]))
            writer.write(answer(commands[-1]))

    browsing = asyncio.ensure_future(browse())
    devtools = await DevTools.open(ours)
    camera = Camera(devtools)
    pictures = [await camera.take() for _ in range(times)]
    devtools.close()
    browsing.cancel()
    await asyncio.gather(browsing, return_exceptions=True)
    writer.transport.abort()
    return pictures, commands


async def test_page_is_found_once_and_pictured_often() -> None:
    pictures, commands = await taken(answering(), 2)
    assert pictures == [JPEG, JPEG]
    assert [each["method"].partition(".")[2] for each in commands] == [
        "getTargets", "attachToTarget", "captureScreenshot", "captureScreenshot",
    ]  # fmt: skip
    assert commands[1]["params"]["targetId"] == "T"
    assert {each.get("sessionId") for each in commands[2:]} == {"S"}


async def test_picture_that_is_too_large_is_taken_in_a_lower_quality_and_left_out() -> None:
    large = "A" * (MOST_PICTURE_CHARACTERS + 4)
    pictures, commands = await taken(answering(Page_captureScreenshot={"data": large}))
    assert pictures == [""]
    qualities = [each["params"]["quality"] for each in commands[2:]]
    assert qualities == sorted(qualities, reverse=True)
    assert len(qualities) == 2


@pytest.mark.parametrize(
    "answer",
    [
        answering(Target_getTargets={"targetInfos": []}),
        answering(Target_getTargets=7),
        answering(Target_attachToTarget={}),
        answering(Page_captureScreenshot={"data": "<svg/>"}),
        answering(Page_captureScreenshot={"data": base64.b64encode(b"GIF89a").decode()}),
        answering(Page_captureScreenshot={"data": 7}),
        saying(b"no JSON\0"),
        saying(b"[" * 100_000 + b"\0"),
        saying(b"x" * (5 * 1024 * 1024)),
    ],
)
async def test_what_is_no_picture_is_none_and_nobody_asks_again(answer: Answer) -> None:
    pictures, commands = await taken(answer, 2)
    assert pictures == ["", ""]
    assert len(commands) <= 3


async def test_browser_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cameras, "_LAST_SECONDS", 0.01)
    pictures, commands = await taken(saying(b""), 2)
    assert pictures == ["", ""]
    assert len(commands) == 1


async def test_browser_that_has_ended_gives_no_picture() -> None:
    ours, theirs = socket.socketpair()
    devtools = await DevTools.open(ours)
    theirs.close()
    assert await Camera(devtools).take() == ""
    devtools.close()
