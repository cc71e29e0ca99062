"""The endpoint."""

from chatkit.server import StreamingResult
from fastapi import APIRouter, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import Response, StreamingResponse
from pydantic import ValidationError

from .greeting import GreetingServer
from .store import MemoryStore

router = APIRouter(prefix="/api")
server = GreetingServer(MemoryStore())
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@router.post("/chat")
async def chat(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), {})
    except ValidationError:
        return Response(status_code=422)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream", headers=HEADERS)
    return Response(result.json, media_type="application/json")


def make_app() -> FastAPI:
    made = FastAPI()
    made.add_middleware(CORSMiddleware, allow_origins=["http://localhost:3000"])
    made.include_router(router)
    return made


app = make_app()
