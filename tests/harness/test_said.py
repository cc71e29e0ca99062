"""A message that is said in a scene: its words, what came of it, and what the model was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import jwt
import pytest

from graders.engine.content.canaries import Canaries
from graders.engine.core.errors import Finding
from graders.engine.harness import (
    Outcome,
    Said,
    Scene,
    ScriptedModel,
    ServerDied,
    Stalled,
    Stream,
    Student,
)
from tests.harness.test_stream import event_bytes, stream_of
from tests.protocol.stories import raw

CREATED = {
    "type": "thread.created",
    "thread": {"id": "thr_1", "created_at": "2026-01-01T00:00:00"},
}
ERROR = {"type": "error", "code": "custom", "message": "No.", "allow_retry": True}
LIMITED = 429


class Client:
    """Answers each message with the next of these streams, or raises what stands in its place."""

    def __init__(self, streams: Sequence[Stream | Finding]) -> None:
        self._streams = list(streams)
        self.name = ""
        self.sent: list[tuple[str | None, str]] = []

    async def create(self, text: str) -> Stream:
        """Begin a thread."""
        return await self.say(None, text)

    async def say(self, thread_id: str | None, text: str) -> Stream:
        """Say something in a thread."""
        self.sent.append((thread_id, text))
        stream = self._streams.pop(0)
        if isinstance(stream, Finding):
            raise stream
        return stream


class Server:
    """Stands in for a student's server; counts how far its clock was moved."""

    def __init__(self, *streams: Stream | Finding) -> None:
        self.client = Client(streams)
        self.moved = 0.0
        self.rested = 0
        self.now = time.time()
        self.variables: dict[str, str] = {}
        self.sign_in: Callable[[], Mapping[str, str]] = dict

    def chat(self, *, name: str, sign_in: Callable[[], Mapping[str, str]]) -> Client:
        """Return the client, and keep how its user signs in."""
        self.client.name = name
        self.sign_in = sign_in
        return self.client

    async def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.moved += seconds

    async def rest(self) -> None:
        """Count how often it was waited for."""
        self.rested += 1
        raise ServerDied("it is gone")


def scene_with(*streams: Stream | Finding) -> tuple[Scene, Server]:
    """Return a scene whose server answers so, and the server."""
    server = Server(*streams)
    return Scene(cast("Student", server), ScriptedModel(), Canaries(1)), server


WORDS = Scene(cast("Student", Server()), ScriptedModel(), Canaries(1))


def answer(text: str = WORDS.answer("first")) -> list[dict[str, Any]]:
    """Return the events of a thread that begins, and its answer."""
    return [
        CREATED,
        raw("thread.item.done/user_message", id="u1", text=WORDS.message("first")),
        raw("thread.item.done/assistant_message", id="a1", texts=[text]),
    ]


def streamed(*events: dict[str, Any], status: int = 200, then: Exception | None = None) -> Stream:
    """Return a stream of these events, which then ends or fails."""
    chunks: list[bytes | Exception] = [event_bytes(*events)]
    return stream_of(*chunks, *([then] if then else []), status=status)[0]


async def said(stream: Stream | Finding) -> Said:
    """Return a first message that was answered so."""
    return await scene_with(stream)[0].say("first")


async def test_good_answer_is_complete_and_has_its_words() -> None:
    message = await said(streamed(*answer()))
    assert message.complete
    assert message.answered
    assert message.ends
    assert message.whole is message.stream
    assert (message.thread_id, message.item_ids) == ("thr_1", ["u1", "a1"])
    assert message.words == message.words_heard == message.confirmed
    assert message.word in message.message
    assert message.answer_word in message.answer


async def test_answer_with_other_words_is_answered_and_not_complete() -> None:
    message = await said(streamed(*answer("Something else.")))
    assert message.answered
    assert not message.complete
    assert message.words_heard == message.confirmed == [message.word]
    assert message.how == "a stream without the model's answer"


@pytest.mark.parametrize(
    ("stream", "how"),
    [
        (ServerDied("the process ended"), "the process ended"),
        (streamed(status=500), "status 500"),
        (streamed(*answer(), ERROR), "an `error` event"),
        (streamed(*answer(), then=ServerDied("it ended")), "a stream that broke off"),
        (streamed(*answer(), then=Stalled("nothing comes")), "a stream that did not end"),
    ],
    ids=["no stream", "status", "error event", "broken off", "no end"],
)
async def test_what_went_wrong_is_told(stream: Stream | Finding, how: str) -> None:
    message = await said(stream)
    assert message.how == how
    assert not message.complete


async def test_stream_without_an_end_is_left_for_a_reason_that_is_kept() -> None:
    message = await said(streamed(*answer(), then=Stalled("nothing comes")))
    assert not message.ends
    assert not message.answered
    assert message.stream.thread_id == "thr_1"
    with pytest.raises(Stalled, match="nothing comes"):
        _ = message.whole


async def test_message_without_a_stream_has_no_mark_and_keeps_its_finding() -> None:
    message = await said(ServerDied("gone"))
    assert (message.mark, message.heard, message.confirmed) == (None, "", [])
    with pytest.raises(ServerDied):
        _ = message.thread_id


async def test_answer_that_was_not_finished_has_no_item_ids() -> None:
    message = await said(streamed(*answer()[:2]))
    with pytest.raises(Finding, match="no finished answer"):
        _ = message.item_ids


async def test_message_that_the_model_never_got_has_no_request() -> None:
    message = await said(streamed(*answer()))
    with pytest.raises(Finding):
        _ = message.request


async def test_message_goes_on_in_the_thread_that_another_began() -> None:
    scene, server = scene_with(streamed(*answer()), streamed(*answer()[1:]))
    await (await scene.say("first")).go_on("second")
    assert server.client.sent == [
        (None, scene.message("first")),
        ("thr_1", scene.message("second")),
    ]


async def test_limit_on_requests_is_waited_out() -> None:
    scene, server = scene_with(streamed(status=LIMITED), streamed(*answer()))
    assert (await scene.say("first")).complete
    assert server.moved > 60


async def test_message_that_is_sent_once_waits_for_no_limit() -> None:
    scene, server = scene_with(streamed(status=LIMITED), streamed(*answer()))
    assert (await scene.say("first", once=True)).stream.status == LIMITED
    assert server.moved == 0


async def test_own_way_of_reading_may_leave_the_stream() -> None:
    scene, _ = scene_with(streamed(*answer()))

    async def leave(stream: Stream) -> None:
        await stream.leave(Finding("it was enough"))

    message = await scene.say("first", read=leave)
    assert not message.ends
    with pytest.raises(Finding, match="it was enough"):
        _ = message.whole


async def test_calls_are_those_that_came_meanwhile() -> None:
    scene, _ = scene_with()
    calls = cast("list[object]", scene.model.calls)
    calls.append("before")

    async def step() -> str:
        calls.append("meanwhile")
        return "done"

    done, meanwhile = await scene.with_calls(step())
    assert (done, [*map(str, meanwhile)]) == ("done", ["meanwhile"])


async def test_resting_takes_several_rounds_and_raises_nothing() -> None:
    scene, server = scene_with()
    await scene.rest()
    assert server.rested > 1


async def test_said_holds_what_was_begun_elsewhere() -> None:
    scene, _ = scene_with()
    turn = scene.script("first")
    message = Said(scene, "first", turn, Outcome(finding=ServerDied("gone")))
    assert message.how == "gone"


SECRET = "a secret that only the grader and the server know, of 64 bytes....."


def sub_of(server: Server) -> str:
    """Return whose token the server gets."""
    token = server.sign_in()["authorization"].removeprefix("Bearer ")
    return str(jwt.decode(token, SECRET, algorithms=["HS256"], audience="chatkit")["sub"])


async def test_user_signs_in_where_the_server_has_a_secret() -> None:
    scene, server = scene_with()
    assert server.sign_in() == {}
    server.variables["JWT_SECRET"] = SECRET
    assert sub_of(server) == scene.sub


async def test_each_user_of_a_scene_signs_in_with_an_id_of_their_own() -> None:
    scene, server = scene_with()
    server.variables["JWT_SECRET"] = SECRET
    subs = {scene.sub}
    for name in ("Alice", "Bob"):
        user = scene.as_user(name)
        assert (user.name, server.client.name, sub_of(server)) == (name, name, user.sub)
        assert (user.student, user.model, user.canary) == (scene.student, scene.model, scene.canary)
        subs.add(user.sub)
    assert len(subs) == 3


async def test_token_is_made_anew_for_each_request() -> None:
    _, server = scene_with()
    server.variables["JWT_SECRET"] = SECRET
    first = server.sign_in()
    server.now += 60
    assert server.sign_in() != first
