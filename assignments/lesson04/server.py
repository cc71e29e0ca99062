"""A ChatKit server with an agent that remembers: fill in the gaps that are marked TODO.

Try it:    python grade.py serve lesson04
Grade it:  python grade.py lesson04
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    Action,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from store import Context, SqliteStore

SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

# TODO(you): 1. Make the tool `save_preference(key, value)` with `@function_tool`, a function that
# writes the instructions of one run, and the agent that has both.


class TaskManagerServer(ChatKitServer[Context]):
    """Answers each message with the agent, which sees the newest items of the thread."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        # TODO(you): 2. Load the newest items of the thread, put them in order, and run the agent
        # with them. 3. When the input is too long for the model, try again with less of it.
        # The two lines below only make this function an async generator that yields nothing.
        for event in ():
            yield event

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        # TODO(you): 4. For `note_context`, yield the `ThreadItemDoneEvent` of a hidden context item.
        for event in ():
            yield event


app = FastAPI()
server = TaskManagerServer(SqliteStore(Path(os.environ.get("CHATKIT_DATA_DIR", ".")) / "chat.db"))


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    context: Context = {}
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream", headers=SSE_HEADERS)
    return Response(result.json, media_type="application/json")
