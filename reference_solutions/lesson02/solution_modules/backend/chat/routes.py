"""The routes of the chat."""

from chatkit.server import StreamingResult
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

router = APIRouter(tags=["chat"])
STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@router.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@router.post("/chatkit")
async def chatkit(request: Request) -> Response:
    result = await request.app.state.chat.process(await request.body(), {"request": request})
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, headers=STREAM_HEADERS, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
