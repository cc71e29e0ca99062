"""The two protocols that a ChatKit client sees: server-sent events, and ChatKit's events in them.

Bytes and text in, values out. Must not do I/O and must not know what is graded.
"""

from graders.engine.protocol.events import ChatKitEvent, parse_event
from graders.engine.protocol.order import Kind, OrderViolation, check_order
from graders.engine.protocol.sse import SseDecoder, SseEvent
from graders.engine.protocol.texts import TextMismatch, check_texts, join_deltas

__all__ = [
    "ChatKitEvent",
    "Kind",
    "OrderViolation",
    "SseDecoder",
    "SseEvent",
    "TextMismatch",
    "check_order",
    "check_texts",
    "join_deltas",
    "parse_event",
]
