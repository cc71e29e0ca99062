"""The checks of the miniature lesson ``greeting``; a check of another lesson has this name too."""

from typing import Any

import pytest

from graders.engine.core.errors import Finding

criterion = pytest.mark.criterion


def ask(student: Any, text: str) -> str:
    """Return the server's answer."""
    answer = student.ask(text)
    if answer is None:
        message = f"Nothing came back for {text!r}."
        raise Finding(message, mark=2)
    return str(answer)


@criterion(id="answers")
async def test_answers(student: Any) -> None:
    """The server answers at all."""
    ask(student, "hello")


@criterion(id="polite")
@pytest.mark.parametrize("greeting", ["hello", "good morning", "good night"])
async def test_polite(student: Any, greeting: str) -> None:
    """A greeting is answered with itself."""
    answer = ask(student, greeting)
    if answer.isupper():
        message = f"The answer was {answer!r}."
        raise Finding(message, hint="shouting")
    if answer != greeting:
        message = f"The answer was {answer!r}."
        raise Finding(message)


@criterion(id="remembers", case="the name comes back")
async def test_remembers(student: Any) -> None:
    """The name of the user is known."""
    if ask(student, "my name") != "Ada":
        message = "The name was forgotten."
        raise Finding(message)


@criterion(id="unannounced-guest")
def test_stranger(student: Any) -> None:
    """Who is not known gets nothing."""
    if student.ask("stranger") is not None:
        message = "The stranger was let in."
        raise Finding(message)
