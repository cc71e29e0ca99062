"""A ChatKit server with one agent: fill in the gaps that are marked TODO.

Try it:    python grade.py serve lesson02
Grade it:  python grade.py lesson02
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from chatkit.server import ChatKitServer
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from store import Context, MemoryStore

# TODO(you): 1. Make the agent here: `Agent(name=..., instructions=..., model=...)`.


class TaskManagerServer(ChatKitServer[Context]):
    """Answers each message of a thread."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        # TODO(you): 2. Turn the user's message into the agent's input, run the agent with
        # `Runner.run_streamed(...)`, and yield each event of `stream_agent_response(...)`.
        # The two lines below only make this function an async generator that yields nothing.
        for event in ():
            yield event


app = FastAPI()
server = TaskManagerServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    # TODO(you): 3. Give the body to `await server.process(body, context)` and send the result:
    # a `StreamingResult` as a stream, everything else as JSON. Refuse malformed requests.
    return JSONResponse({"error": "not written yet"}, status_code=501)
