"""The frames between the grader and a student's process: length-prefixed JSON, capped, validated.

Both sides use it. What arrives from the student's side is hostile input: a frame that is too big,
not JSON or of no known shape raises :class:`WireError` and nothing else. It never pickles.
"""

from graders.engine.core.limits import MAX_FRAME_BYTES
from graders.engine.wire.frames import (
    Frame,
    FromStudent,
    ToStudent,
    encode,
    parse_from_student,
    parse_to_student,
)
from graders.engine.wire.framing import FrameBuffer, WireError

__all__ = [
    "MAX_FRAME_BYTES",
    "Frame",
    "FrameBuffer",
    "FromStudent",
    "ToStudent",
    "WireError",
    "encode",
    "parse_from_student",
    "parse_to_student",
]
