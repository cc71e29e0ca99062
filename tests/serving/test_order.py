"""What `grade.py serve` starts, and with which variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.serving.order import ServeOrder

DATA = Path("/data")
LESSON = {"DATABASE_URL": "sqlite:///{data}/chat.db", "JWT_SECRET": "of the lesson"}


def order(*, scripted: bool = True) -> ServeOrder:
    """Return an order."""
    return ServeOrder(Path("/course"), Path("/mine"), "backend.main:app", scripted)


def test_lessons_variables_are_set_with_the_data_folder() -> None:
    assert order(scripted=False).variables(LESSON, {}, DATA) == {
        "CHATKIT_DATA_DIR": "/data",
        "DATABASE_URL": "sqlite:////data/chat.db",
        "JWT_SECRET": "of the lesson",
    }


def test_variables_of_ones_own_stay() -> None:
    own = {"JWT_SECRET": "mine", "CHATKIT_DATA_DIR": "/elsewhere"}
    assert order(scripted=False).variables(LESSON, own, DATA).keys() == {"DATABASE_URL"}


def test_scripted_model_needs_no_key_and_sends_no_traces() -> None:
    found = order().variables({}, {}, DATA)
    assert found["OPENAI_API_KEY"].startswith("sk-no-key")
    assert found["OPENAI_AGENTS_DISABLE_TRACING"] == "1"


def test_command_is_uvicorn_with_a_reload() -> None:
    words = order().command("127.0.0.1", 8001)
    assert words[-9:] == [
        *("--reload", "--app-dir", "/course", "--host", "127.0.0.1"),
        *("--port", "8001", "--reload-dir", "/mine"),
    ]
    assert "-I" in words


@pytest.mark.parametrize("scripted", [True, False])
def test_order_can_stand_in_a_variable(*, scripted: bool) -> None:
    asked = order(scripted=scripted)
    assert ServeOrder.from_text(asked.to_text()) == asked
