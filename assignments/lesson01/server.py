"""The smallest ChatKit server: it greets. Fill in the gaps that are marked TODO.

Try it:    python grade.py serve lesson01
Grade it:  python grade.py lesson01
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from chatkit.server import ChatKitServer
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from store import Context, MemoryStore


class GreetingServer(ChatKitServer[Context]):
    """Greets whoever says something."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        # TODO(you): 1. Make an `AssistantMessageItem` with your greeting, and yield it in a
        # `ThreadItemDoneEvent`. Its id comes from `self.store.generate_item_id(...)`.
        # The two lines below only make this function an async generator that yields nothing.
        for event in ():
            yield event


app = FastAPI()
server = GreetingServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    # TODO(you): 2. Give the body to `await server.process(body, {})` and send the result: a
    # `StreamingResult` as a stream, everything else as JSON.
    return JSONResponse({"error": "not written yet"}, status_code=501)
