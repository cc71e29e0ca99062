"""Settings, all from the environment."""

from pathlib import Path

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    openai_api_key: str
    chatkit_data_dir: Path = Path(".")
    model: str = "gpt-5-mini"
