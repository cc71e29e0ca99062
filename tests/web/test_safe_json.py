"""What a page, a widget or a backend may write in place of what is expected: no check breaks."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from graders.engine.core.errors import Finding
from graders.engine.harness import Outcome, Scene
from graders.engine.web.page_server import PageServer
from graders.engine.web.recording import WebRequest
from graders.lesson07.carrier import changed
from graders.lesson07.page_data import PageData
from graders.lesson07.replays import thread_in
from graders.lesson07.safe_json import read_object
from graders.lesson07.widget import Look, PlayedWidget, Sent, play_replays, texts_in

DEEP = "[" * 200_000
NO_OBJECTS = ["[object Object]", "[1]", "null", "7", "", DEEP, '{"a":' * 200 + "1" + "}" * 200]


def request(body: str, **headers: str) -> WebRequest:
    """Return a recorded request."""
    where = ("http://127.0.0.1:8000", "POST", "/chatkit", "")
    return WebRequest(*where, tuple(headers.items()), body.encode(), status=500)


def sent(body: str) -> Sent:
    """Return a message that left the page with a body."""
    student = SimpleNamespace(endpoint="/chatkit")
    scene = cast("Scene", SimpleNamespace(student=student, message=lambda name: f"About {name}."))
    return Sent(scene, "first", [request(body)], Look({}), [], page=PageData("/", "t", {}))


@pytest.mark.parametrize("body", NO_OBJECTS, ids=lambda text: text[:20])
def test_body_that_is_no_object_is_read_as_none(body: str) -> None:
    assert read_object(body) is None
    assert changed(request(body), {"old": "new"}) is None


@pytest.mark.parametrize("body", NO_OBJECTS, ids=lambda text: text[:20])
def test_body_that_is_no_object_is_not_sent_again(body: str) -> None:
    message = sent(body)
    played = PlayedWidget(Outcome(), steps={"first": Outcome(result=message)})
    asyncio.run(play_replays(message.scene, played))
    assert played.replays == {}
    with pytest.raises(Finding, match="no JSON object") as found:
        played.replayed("none")
    assert found.value.needs == ("request-kept",)


def test_event_that_is_nested_too_deeply_makes_no_thread() -> None:
    assert thread_in(f'data: {{"type": "thread.created", "thread": {DEEP}') == ""


@pytest.mark.parametrize("said", [None, "text", [1], {"names": 7}, {"names": {"a": 1}}, {}])
def test_page_that_says_anything_of_itself_says_no_names(said: Any) -> None:
    assert texts_in(said, "names") == []


def test_names_that_a_page_says_are_texts_of_a_bounded_length() -> None:
    assert texts_in({"names": ["a", None, {"b": 1}, "c" * 900]}, "names") == ["a", "c" * 500]


@pytest.mark.parametrize("body", ["{", DEEP, "\xff", '{"a":"\\ud800"}'])
def test_page_that_cannot_be_read_could_not_go_on(body: str) -> None:
    heard: list[Any] = []

    async def hear(said: Any) -> dict[str, Any]:
        heard.append(said)
        return {}

    async def say() -> None:
        server = PageServer(cast("Any", None))
        server.on_said = hear
        headers = [(b"x-grader", server.secret.encode())]
        scope = {"type": "http", "method": "POST", "path": "/__grader/next", "headers": headers}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body.encode("latin-1")}

        async def send(message: Any) -> None:
            del message

        await server.page_app(scope, receive, send)

    asyncio.run(say())
    assert heard in ([{"result": {"error": "what it says of itself cannot be read"}}], [{"a": "?"}])
