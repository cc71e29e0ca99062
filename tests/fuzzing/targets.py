"""What is fuzzed: each target takes any bytes, and raises only where the engine is wrong.

Used by the tests, with little input, and by the long runs. Must not know who makes the bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from graders.engine.content.binding import bind
from graders.engine.content.conversation import Conversation
from graders.engine.content.models import LessonFile, Rubric
from graders.engine.content.nodes import to_data
from graders.engine.content.strict_yaml import parse
from graders.engine.core.errors import ContentError
from graders.engine.core.text import visible
from graders.engine.protocol import SseDecoder, SseEvent
from graders.engine.protocol.events import parse_event
from graders.engine.submissions.archives import ENDINGS, unpack
from graders.engine.submissions.submission_copy import (
    MAX_BYTES,
    MAX_ENTRIES,
    SubmissionProblem,
)
from graders.engine.wire import FrameBuffer, WireError, encode, parse_from_student
from graders.engine.wire.framing import add_prefix

Target = Callable[[bytes], None]


def wire(data: bytes) -> None:
    """Frames of a student's process: cut from a stream, and each read by itself."""
    with suppress(WireError):
        whole = FrameBuffer().feed(data)
        buffer = FrameBuffer()
        assert whole == [each for piece in _pieces(data) for each in buffer.feed(piece)]
        for payload in whole:
            _read_frame(payload)
    if data:
        _read_frame(data)


def _read_frame(payload: bytes) -> None:
    with suppress(WireError):
        frame = parse_from_student(payload)
        # Whatever was taken can be said again, and is then the same.
        (again,) = FrameBuffer().feed(encode(frame))
        assert parse_from_student(again) == frame
        add_prefix(payload)


def sse(data: bytes) -> None:
    """Read a stream of events: the same whole and in pieces; each event is read as ChatKit's."""
    whole, pieces = SseDecoder(), SseDecoder()
    events = whole.feed(data)
    cut: list[SseEvent] = [each for piece in _pieces(data) for each in pieces.feed(piece)]
    assert events == cut
    assert (whole.leftover, whole.unfinished) == (pieces.leftover, pieces.unfinished)
    for event in events:
        chatkit = parse_event(event.data)
        assert visible(chatkit.label) is not None


def archive(data: bytes) -> None:
    """Unpack an archive, whose kind is told by the first byte: nothing of it lands outside."""
    if not data:
        return
    with tempfile.TemporaryDirectory(prefix="chatkit-fuzz-") as name:
        folder = Path(name)
        path = folder / f"work{ENDINGS[data[0] % len(ENDINGS)]}"
        path.write_bytes(data[1:])
        with suppress(SubmissionProblem):
            unpack(path, folder / "out")
        assert {each.name for each in folder.iterdir()} <= {path.name, "out"}
        found = list((folder / "out").rglob("*"))
        assert len(found) <= MAX_ENTRIES
        assert not [each for each in found if each.is_symlink()]
        assert sum(each.stat().st_size for each in found if each.is_file()) <= MAX_BYTES


def yaml(data: bytes) -> None:
    """Read a YAML file strictly, and as each of the files that people write."""
    path = Path("file.yaml")
    with suppress(ContentError):
        node = parse(data.decode("utf-8", "replace"), path)
        to_data(node)
        for model in (Conversation, Rubric, LessonFile):
            with suppress(ContentError):
                bind(node, model, path)


def _pieces(data: bytes) -> list[bytes]:
    """Cut ``data`` where its own bytes say."""
    cuts = sorted({byte * len(data) // 256 for byte in data[:8]} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(cuts)]


TARGETS: dict[str, Target] = {"wire": wire, "sse": sse, "archive": archive, "yaml": yaml}
