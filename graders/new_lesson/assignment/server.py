"""A ChatKit server with one agent: fill in the gaps that are marked TODO.

Try it:    python grade.py serve lessonNN
Grade it:  python grade.py lessonNN
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from chatkit.server import ChatKitServer
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from store import Context, MemoryStore


class LessonServer(ChatKitServer[Context]):
    """Answers each message of a thread."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        # TODO(you): 1. Run the agent and yield each event of `stream_agent_response(...)`.
        # The two lines below only make this function an async generator that yields nothing.
        for event in ():
            yield event


app = FastAPI()
server = LessonServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    # TODO(you): 2. Give the body to `await server.process(body, context)` and send the result.
    return JSONResponse({"error": "not written yet"}, status_code=501)
