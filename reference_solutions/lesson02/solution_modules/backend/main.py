"""The app factory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.middleware.trustedhost import TrustedHostMiddleware

from backend.chat.routes import router
from backend.chat.service import ChatService
from backend.settings import Settings


def create_app() -> FastAPI:
    """Build the app; the chat service is made when the server starts, not at import."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.chat = ChatService.from_settings(Settings())
        yield
        await app.state.chat.close()

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["POST"])
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "chat.example.org"])
    app.include_router(router, prefix="/api")
    app.add_exception_handler(ValidationError, refuse_malformed)
    return app


async def refuse_malformed(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "malformed ChatKit request"}, status_code=400)


app = create_app()
