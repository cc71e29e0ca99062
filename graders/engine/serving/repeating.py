"""A model for trying a server out without a key: it repeats what was said.

It speaks both of the model's APIs, as the scripted model does; the script is written when a call
comes. Must not know how a call reaches it.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator

from graders.engine.model import OutgoingCall, ScriptedModel, Sent, Step, call_tool, say
from graders.engine.model.calls import InputItem, RecordedCall
from graders.engine.model.reading import read_call
from graders.engine.model.routes import model_api

NO_TEXT = "(no text)"
_TOOL = re.compile(r"/tool\s+([\w-]+)\s*(\{.*\})?\s*", re.DOTALL)


class RepeatingModel:
    """Answers each message with its own words; ``/tool NAME {...}`` calls a tool first."""

    def __init__(self) -> None:
        self._model = ScriptedModel()

    def answer(self, call: OutgoingCall) -> AsyncGenerator[Sent, None]:
        """Answer one outgoing call, as :meth:`ScriptedModel.answer` does."""
        api = model_api(call)
        if api is not None:
            asked = read_call(call, api)
            if not _goes_on_from_a_tool(asked.input):
                text = _newest(asked)
                self._model.on(text, *steps_for(text))
        return self._model.answer(call)


def steps_for(text: str) -> tuple[Step, ...]:
    """Return what the model does about a message."""
    wanted = _TOOL.fullmatch(text.strip())
    if wanted is None:
        words = f"You said: {text}\nThis is the scripted model, which only repeats."
        return (say(*re.findall(r"\s*\S+\s*", words)),)
    name, arguments = wanted[1], wanted[2] or "{}"
    return call_tool(name, _checked(arguments)), say("The tool ", f"`{name}` ", "is done.")


def _checked(arguments: str) -> str:
    try:
        json.loads(arguments)
    except ValueError:
        return "{}"
    return arguments


def _newest(asked: RecordedCall) -> str:
    texts = [text for text in asked.user_texts if text.strip()]
    return texts[-1] if texts else NO_TEXT


def _goes_on_from_a_tool(items: object) -> bool:
    """Return whether the newest item is what a tool gave: that turn is scripted already."""
    newest = items[-1] if isinstance(items, list) and items else None
    return isinstance(newest, InputItem) and newest.kind == "function_call_output"
