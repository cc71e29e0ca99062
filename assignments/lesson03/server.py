"""A ChatKit server that streams: fill in the gaps that are marked TODO.

The endpoint is that of lesson 02. You may start from your own server of that lesson instead.

Try it:    python grade.py serve lesson03
Grade it:  python grade.py lesson03
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from store import Context, MemoryStore

SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

# TODO(you): 1. Write the tool `analyze_documents(topic: str)`. It takes ten seconds
# (`await asyncio.sleep(10)` stands for the work) and tells its progress before that.
# TODO(you): 2. Make the agent here, with `tools=[analyze_documents]`.


class TaskManagerServer(ChatKitServer[Context]):
    """Answers each message of a thread."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        # TODO(you): 3. Run the agent and yield each event as soon as it comes. When the loop ends
        # early, stop the model. Decide what a new message does to an answer that still streams.
        # The two lines below only make this function an async generator that yields nothing.
        for event in ():
            yield event


app = FastAPI()
server = TaskManagerServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    context: Context = {}
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        # TODO(you): 4. Under ASGI 2.4 nobody notices here that the client has gone: see the README.
        return StreamingResponse(result, media_type="text/event-stream", headers=SSE_HEADERS)
    return Response(result.json, media_type="application/json")
