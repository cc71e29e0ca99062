"""What the server is told by its environment."""

from __future__ import annotations

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str = "sqlite:///chat.db"
    jwt_secret: str
    session_ttl_hours: float = 24


settings = Settings()
