"""The trusted side, which lesson graders are written with.

``Student`` is a server, ``Chat`` a user's client, ``Stream`` a streaming answer, ``ScriptedModel``
the model, ``expect`` what must hold. It never sits in the student's process.
"""

from graders.engine.core.errors import Finding
from graders.engine.harness.chat import Chat, Reply, user_input
from graders.engine.harness.expect import criterion, expect, found
from graders.engine.harness.items import Item, items_of, messages_of
from graders.engine.harness.outcome import Outcome, attempt
from graders.engine.harness.recording import Recordings, recording_of
from graders.engine.harness.stream import Stream
from graders.engine.harness.student import Student
from graders.engine.harness.talk import Talk
from graders.engine.harness.tokens import Tokens
from graders.engine.model import (
    RecordedCall,
    ScriptedModel,
    Step,
    Turn,
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
from graders.engine.server.link.transport import AppCrashed, StudentTransport
from graders.engine.server.settings import ServerSettings
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import (
    Flooded,
    OverLimit,
    ProtocolBroken,
    RanAway,
    ServerDied,
    ServerTrouble,
    Stalled,
    StartFailed,
    TookTooLong,
)

__all__ = [
    "AppCrashed",
    "Chat",
    "Finding",
    "Flooded",
    "Item",
    "Outcome",
    "OverLimit",
    "ProtocolBroken",
    "RanAway",
    "RecordedCall",
    "Recordings",
    "Reply",
    "ScriptedModel",
    "ServerDied",
    "ServerSettings",
    "ServerTrouble",
    "Stalled",
    "StartFailed",
    "Step",
    "Stream",
    "Student",
    "StudentTransport",
    "Talk",
    "Tokens",
    "TookTooLong",
    "Trace",
    "Turn",
    "attempt",
    "call_tool",
    "call_tools",
    "context_too_long",
    "criterion",
    "drop",
    "expect",
    "fail",
    "found",
    "items_of",
    "messages_of",
    "reason",
    "recording_of",
    "say",
    "say_held",
    "tool",
    "user_input",
]
