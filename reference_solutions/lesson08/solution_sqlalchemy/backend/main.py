"""The app: who asks, what is asked, and what is answered 404 before a stream begins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from chatkit.server import StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import ChatKitReq
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import TypeAdapter, ValidationError

from .database import SqlStore, engine, forget_old_sessions, open_database
from .planner import PlannerServer
from .users import NotSignedIn, User, current_user

REQUEST: TypeAdapter[Any] = TypeAdapter(ChatKitReq)
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await open_database()
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
store = SqlStore()
server = PlannerServer(store)


@app.exception_handler(NotSignedIn)
async def not_signed_in(request: Request, error: NotSignedIn) -> Response:
    headers = {"WWW-Authenticate": 'Bearer realm="chatkit", error="invalid_token"'}
    return JSONResponse({"detail": str(error)}, status_code=401, headers=headers)


@app.get("/health")
async def health() -> dict[str, bool]:
    return {"ok": True}


@app.post("/chatkit")
async def chatkit(request: Request, user: Annotated[User, Depends(current_user)]) -> Response:
    body = await request.body()
    try:
        asked = REQUEST.validate_json(body)
        await forget_old_sessions()
        if thread_id := getattr(asked.params, "thread_id", None):
            await store.load_thread(thread_id, user)
        result = await server.process(body, user)
    except ValidationError:
        return JSONResponse({"detail": "malformed"}, status_code=400)
    except NotFoundError:
        return JSONResponse({"detail": "not found"}, status_code=404)
    except (NotImplementedError, ValueError):
        return JSONResponse({"detail": "not offered"}, status_code=405)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream", headers=HEADERS)
    return Response(result.json, media_type="application/json")
