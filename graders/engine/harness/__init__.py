"""The trusted side, which lesson graders are written with.

``Student`` is a server, ``Chat`` a user's client, ``Stream`` a streaming answer, ``ScriptedModel``
the model, ``expect`` what must hold. It never sits in the student's process.
"""

from graders.engine.core.errors import Finding, NotMeasurable
from graders.engine.core.results import Picture
from graders.engine.core.text import quote
from graders.engine.harness.chat import Chat, Order, Reply, user_input
from graders.engine.harness.expect import criterion, difference, expect, found, needed, some
from graders.engine.harness.items import (
    Item,
    item_ids_of,
    items_of,
    lacking,
    messages_of,
    texts_of,
    thread_ids_of,
)
from graders.engine.harness.outcome import Outcome, attempt
from graders.engine.harness.pages import MOST_PAGES, Listing, Page, items_in, threads_of, walk_pages
from graders.engine.harness.rate_limits import TOO_MANY_REQUESTS, within_limits
from graders.engine.harness.recording import Recordings, recorded_as
from graders.engine.harness.said import Said, Scene
from graders.engine.harness.stream import Stream
from graders.engine.harness.student import Student
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
    DidNotStartAgain,
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
    "MOST_PAGES",
    "TOO_MANY_REQUESTS",
    "AppCrashed",
    "Chat",
    "DidNotStartAgain",
    "Finding",
    "Flooded",
    "Item",
    "Listing",
    "NotMeasurable",
    "Order",
    "Outcome",
    "OverLimit",
    "Page",
    "Picture",
    "ProtocolBroken",
    "RanAway",
    "RecordedCall",
    "Recordings",
    "Reply",
    "Said",
    "Scene",
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
    "Tokens",
    "TookTooLong",
    "Trace",
    "Turn",
    "attempt",
    "call_tool",
    "call_tools",
    "context_too_long",
    "criterion",
    "difference",
    "drop",
    "expect",
    "fail",
    "found",
    "item_ids_of",
    "items_in",
    "items_of",
    "lacking",
    "messages_of",
    "needed",
    "quote",
    "reason",
    "recorded_as",
    "say",
    "say_held",
    "some",
    "texts_of",
    "thread_ids_of",
    "threads_of",
    "tool",
    "user_input",
    "walk_pages",
    "within_limits",
]
