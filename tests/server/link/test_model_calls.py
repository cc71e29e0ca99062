"""Calls carried to the scripted model, and what becomes of them when somebody goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import cast

from graders.engine.model import (
    Chunk,
    Drop,
    End,
    Head,
    OutgoingCall,
    Refuse,
    ScriptedModel,
    Sent,
)
from graders.engine.server.link.link import Link
from graders.engine.server.link.model_calls import ModelCalls
from graders.engine.wire import Frame
from graders.engine.wire.frames import ModelChunk, ModelDrop, ModelEnd, ModelHead, ModelRequest

REQUEST = ModelRequest(call=5, method="POST", url="https://x/y", headers=(("a", "b"),), body=b"z")


class Wire:
    """Stands in for the link: notes what is sent, and what went wrong."""

    def __init__(self) -> None:
        self.sent: list[Frame] = []
        self.troubles: list[Exception] = []
        self.send = self.sent.append
        self.give_up = self.troubles.append
        self.pong: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ping(self) -> asyncio.Future[None]:
        """Ask the event loop, which answers when the test says."""
        return self.pong

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until the event loop has answered."""
        await self.pong
        assert holds()


class Model:
    """Stands in for the scripted model: sends its parts, or raises, or waits after them."""

    def __init__(self, *parts: Sent, then: Exception | None = None, waits: bool = False) -> None:
        self._parts = parts
        self._then = then
        self._waits = waits
        self.asked: list[OutgoingCall] = []
        self.ended = False

    async def answer(self, call: OutgoingCall) -> AsyncGenerator[Sent, None]:
        """Answer as the test says."""
        self.asked.append(call)
        try:
            for part in self._parts:
                yield part
            if self._waits:
                await asyncio.Event().wait()
            if self._then is not None:
                raise self._then
        finally:
            self.ended = True


def carried(model: Model) -> tuple[ModelCalls, Wire]:
    """Return what carries calls between the two."""
    wire = Wire()
    return ModelCalls(cast("ScriptedModel", model), cast("Link", wire)), wire


async def settle(calls: ModelCalls) -> None:
    """Wait until no call is open."""
    await asyncio.wait({*calls._tasks.values()})
    # What is to be done after a task is done in the next turn of the loop.
    await asyncio.sleep(0)
    assert calls._tasks == {}


async def test_every_part_of_an_answer_has_its_frame() -> None:
    model = Model(Head(200, ()), Chunk(b"one"), End(), Drop(), Refuse("Nothing is there."))
    calls, wire = carried(model)
    calls.begin(REQUEST)
    await settle(calls)
    assert model.asked == [OutgoingCall(5, "POST", "https://x/y", (("a", "b"),), b"z")]
    assert wire.sent == [
        ModelHead(call=5, status=200, headers=()),
        ModelChunk(call=5, data=b"one"),
        ModelEnd(call=5),
        ModelDrop(call=5),
        ModelDrop(call=5, refused="Nothing is there."),
    ]


async def test_a_call_may_wait_until_the_event_loop_has_shown_that_it_goes_on() -> None:
    model = Model(End())
    calls, wire = carried(model)
    calls.asks_loop = True
    calls.begin(REQUEST)
    await asyncio.sleep(0)
    assert model.asked == []
    wire.pong.set_result(None)
    await settle(calls)
    assert wire.sent == [ModelEnd(call=5)]


async def test_a_call_that_is_given_up_is_answered_no_further() -> None:
    model = Model(Head(200, ()), waits=True)
    calls, wire = carried(model)
    calls.begin(REQUEST)
    await asyncio.sleep(0)
    calls.cancelled(5)
    await settle(calls)
    assert model.ended
    assert wire.troubles == []
    calls.cancelled(5)
    calls.cancelled(77)


async def test_closing_ends_all_calls() -> None:
    model = Model(waits=True)
    calls, wire = carried(model)
    calls.begin(REQUEST)
    await asyncio.sleep(0)
    await calls.close()
    assert model.ended
    assert wire.sent == []


async def test_a_fault_of_the_model_is_ours_and_reaches_who_waits() -> None:
    fault = ZeroDivisionError("ours")
    calls, wire = carried(Model(then=fault))
    calls.begin(REQUEST)
    await settle(calls)
    assert wire.troubles == [fault]
