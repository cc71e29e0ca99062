"""The scripted model: what the grader answers in place of a language model.

Pure asyncio; must not know the wire, processes or ChatKit.
"""

from graders.engine.model.calls import InputItem, OutgoingCall, RecordedCall
from graders.engine.model.scripted import ScriptedModel
from graders.engine.model.sending import (
    Chunk,
    Drop,
    End,
    Head,
    ModelEvent,
    Refuse,
    Sent,
)
from graders.engine.model.steps import (
    Step,
    call_tool,
    call_tools,
    context_too_long,
    drop,
    fail,
    reason,
    say,
    say_held,
    tool,
)
from graders.engine.model.turns import Turn

__all__ = [
    "Chunk",
    "Drop",
    "End",
    "Head",
    "InputItem",
    "ModelEvent",
    "OutgoingCall",
    "RecordedCall",
    "Refuse",
    "ScriptedModel",
    "Sent",
    "Step",
    "Turn",
    "call_tool",
    "call_tools",
    "context_too_long",
    "drop",
    "fail",
    "reason",
    "say",
    "say_held",
    "tool",
]
