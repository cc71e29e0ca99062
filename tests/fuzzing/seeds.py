"""What a fuzzer starts from: honest input of each target, and the nasty input that the tests know.

Must not know how it is changed.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from graders.engine.core.places import REPOSITORY
from graders.engine.submissions.archives import ENDINGS
from graders.engine.wire import encode
from graders.engine.wire.frames import (
    CodePlace,
    ExchangeCrash,
    Hello,
    LoadFailed,
    ModelRequest,
    Pong,
    Raised,
    Refused,
    ResponseBody,
    ResponseStart,
)
from tests.protocol.vectors import as_bytes, load
from tests.wire.test_hostile_frames import HOSTILE

_FRAMES = (
    Hello(layers=("a", "b")),
    LoadFailed(stage="import", error="E", message="m", detail="d"),
    ResponseStart(exchange=1, status=200, headers=(("content-type", "text/event-stream"),)),
    ResponseBody(exchange=1, body=b"data: {}\n\n", more=True),
    ExchangeCrash(exchange=1, misuse=False, error="E", message="m"),
    ModelRequest(call=1, method="POST", url="https://x/v1/responses", headers=(), body=b"{}"),
    Raised(
        exchange=1,
        error="E",
        origin="o",
        message="m",
        places=(CodePlace(file="server.py", line=1, function="f", code="c"),),
    ),
    Refused(what="connect", target="example.com:443"),
    Pong(ticket=1, next_timer=0.5),
)
_EVENT = b'data: {"type":"thread.item.done","item":{"type":"assistant_message","id":"a"}}\n\n'
_FILES = {"server.py": b"app = None\n", "data/a.txt": b"a" * 300, "empty": b""}
_SMALL_YAML_BYTES = 8_000


def seeds(target: str) -> list[bytes]:
    """Return the seeds of ``target``."""
    return list({"wire": _wire, "sse": _sse, "archive": _archives, "yaml": _yaml}[target]())


def _wire() -> Iterator[bytes]:
    for frame in _FRAMES:
        yield encode(frame)
        yield frame.model_dump_json().encode()
    yield b"".join(map(encode, _FRAMES))
    yield from (payload for payload in HOSTILE.values() if len(payload) < 1_000)


def _sse() -> Iterator[bytes]:
    yield _EVENT * 2
    yield from map(as_bytes, load("sse"))


def _archives() -> Iterator[bytes]:
    for number, ending in enumerate(ENDINGS):
        yield bytes([number]) + (_zip() if ending == ".zip" else _tar(ending))


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in _FILES.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def _tar(ending: str) -> bytes:
    buffer = io.BytesIO()
    kind = {".gz": "gz", ".tgz": "gz", ".bz2": "bz2", ".tbz2": "bz2"}.get(Path(ending).suffix, "")
    with tarfile.open(fileobj=buffer, mode=f"w:{kind}") as packed:  # type: ignore[call-overload]
        for name, content in _FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "server.py"
        packed.addfile(link)
    return buffer.getvalue()


def _yaml() -> Iterator[bytes]:
    for folder in ("graders", "assignments", "tests/content/data"):
        for path in sorted((REPOSITORY / folder).rglob("*.yaml")):
            if path.stat().st_size < _SMALL_YAML_BYTES:
                yield path.read_bytes()
