"""The two protocols that a ChatKit client sees: server-sent events, and ChatKit's events in them.

Bytes and text in, values out. Must not do I/O and must not know what is graded.
"""

from graders.engine.protocol.events import ChatKitEvent, join_deltas, parse_event
from graders.engine.protocol.order import Kind, OrderViolation, check_order
from graders.engine.protocol.sse import SseDecoder, SseEvent

__all__ = [
    "ChatKitEvent",
    "Kind",
    "OrderViolation",
    "SseDecoder",
    "SseEvent",
    "check_order",
    "join_deltas",
    "parse_event",
]
