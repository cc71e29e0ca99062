"""Frames on the wire: forged, huge, tiny, nested, invalid, and out of turn."""

from __future__ import annotations

from functools import partial

from graders.engine.wire import Frame, encode
from graders.engine.wire.frames import (
    Advanced,
    ExchangeCrash,
    ExchangeEnd,
    Hello,
    Loaded,
    LoadFailed,
    ModelCancelled,
    ModelRequest,
    Ping,
    Pong,
    Refused,
    ResponseBody,
    ResponseStart,
)
from graders.engine.wire.framing import add_prefix
from tests.hostile.attack import Attack, Ending

_attack = partial(Attack, stopped_by_grader=True)
_BROKEN = Ending(finding="broke the protocol")
_NUMBER = 999


def _writes(data: bytes | Frame) -> str:
    return f"put_on_the_wire({data if isinstance(data, bytes) else encode(data)!r})"


def _breaking(name: str, wants: str, data: bytes | Frame) -> Attack:
    return _attack(name, wants, does=_writes(data), ends=_BROKEN)


def _fitting(name: str, wants: str, data: Frame) -> Attack:
    return _attack(name, wants, does=_writes(data))


_A_CRASH = "a crash of the grader"
_A_SCORE = "a score of its own"
_OUT_OF_TURN = "a grader that believes what it has not asked"
_CALL = "https://x/v1/responses"
_ASKED = encode(ModelRequest(call=_NUMBER, method="GET", url=_CALL, headers=(), body=b""))
_CANCELLED = encode(ModelCancelled(call=_NUMBER))

ATTACKS = (
    # --- bytes that are no frames ---
    _breaking("garbage", _A_CRASH, b"\xde\xad\xbe\xef" * 100),
    _attack(
        "huge-frame",
        "the grader's memory",
        does=_writes(b"\x7f\xff\xff\xff"),
        at="import",
        ends=Ending(problem="broke-protocol"),
    ),
    _attack(
        "largest-frame",
        "the grader's memory",
        does="put_on_the_wire((8 << 20).to_bytes(4, 'big') + b'[' * (8 << 20))",
        ends=_BROKEN,
    ),
    _breaking("empty-frame", _A_CRASH, b"\x00\x00\x00\x00"),
    _breaking("no-object", _A_CRASH, add_prefix(b"null")),
    _breaking("nested-frame", _A_CRASH, add_prefix(b"[" * 0xFFFF)),
    _breaking(
        "nested-value", _A_CRASH, add_prefix(b'{"t":' + b'{"a":' * 9_999 + b"1" + b"}" * 10_000)
    ),
    _breaking(
        "number-of-many-digits",
        _A_CRASH,
        add_prefix(b'{"t":"pong","ticket":' + b"9" * 9_999 + b"}"),
    ),
    _breaking(
        "no-utf-8", _A_CRASH, add_prefix(b'{"t":"refused","what":"connect","target":"\xff"}')
    ),
    _breaking("unknown-frame", _A_SCORE, add_prefix(b'{"t":"result","score":100}')),
    _breaking(
        "shutdown-done-early", _OUT_OF_TURN, add_prefix(b'{"t":"shutdown_done","problem":"never"}')
    ),
    _breaking("unknown-key", _A_SCORE, add_prefix(b'{"t":"loaded","score":100}')),
    _breaking("half-a-frame", "a grader that waits", encode(Hello())[:-3]),
    _attack(
        "a-frame-byte-by-byte",
        "a grader that works for nothing",
        does=f"for byte in {_CANCELLED!r}: put_on_the_wire(bytes([byte]))",
    ),
    # --- frames out of turn ---
    _breaking("hello-twice", "better isolation in the report", Hello(layers=("full",))),
    _breaking("loaded-twice", _OUT_OF_TURN, Loaded()),
    _breaking("load-failed-later", _OUT_OF_TURN, LoadFailed(stage="find", error="", message="")),
    _breaking("frame-of-the-graders", _OUT_OF_TURN, Ping(ticket=_NUMBER)),
    _breaking("pong-to-no-ping", _OUT_OF_TURN, Pong(ticket=_NUMBER)),
    _breaking("advanced-to-no-advance", _OUT_OF_TURN, Advanced(ticket=_NUMBER)),
    _breaking(
        "answer-to-no-request",
        _OUT_OF_TURN,
        ResponseStart(exchange=_NUMBER, status=200, headers=()),
    ),
    _breaking(
        "body-to-no-request", _OUT_OF_TURN, ResponseBody(exchange=_NUMBER, body=b"", more=True)
    ),
    _breaking("end-of-no-request", _OUT_OF_TURN, ExchangeEnd(exchange=_NUMBER)),
    _breaking(
        "crash-of-no-request",
        _OUT_OF_TURN,
        ExchangeCrash(exchange=_NUMBER, misuse=False, error="", message=""),
    ),
    _breaking(
        "body-before-its-start", _OUT_OF_TURN, ResponseBody(exchange=1, body=b"x", more=True)
    ),
    _attack(
        "loaded-before-it-is",
        "a server that seems to stand",
        does=_writes(Loaded()),
        at="import",
        ends=_BROKEN,
    ),
    _attack(
        "same-model-call-twice",
        _OUT_OF_TURN,
        does=_writes(
            encode(ModelRequest(call=_NUMBER, method="GET", url=_CALL, headers=(), body=b"")) * 2
        ),
        ends=_BROKEN,
    ),
    # --- frames that fit ---
    _fitting(
        "odd-refusal", "a terminal that obeys", Refused(what="connect", target="\x1b[2J" * 100)
    ),
    _fitting("cancel-of-no-call", _OUT_OF_TURN, ModelCancelled(call=_NUMBER)),
    _fitting(
        "odd-model-call",
        _A_CRASH,
        ModelRequest(
            call=997, method="\x00", url="no url \x1b", headers=(("é", "\r\n"),), body=b"{"
        ),
    ),
    _fitting(
        "nested-model-call",
        _A_CRASH,
        ModelRequest(
            call=998, method="POST", url="http://[/v1/responses", headers=(), body=b"[" * 9_999
        ),
    ),
    _attack(
        "undecodable-model-call",
        _A_CRASH,
        does=_writes(
            ModelRequest(call=_NUMBER, method="POST", url=_CALL, headers=(), body=b"\xff")
        ),
        # It came without the key, as that of a server that has another one.
        ends=Ending(finding="key"),
    ),
    _fitting(
        "ask-the-model-itself",
        "the words that it will be asked to say",
        ModelRequest(call=_NUMBER, method="POST", url=_CALL, headers=(), body=b'{"input": "hi"}'),
    ),
    # --- the connection itself ---
    _attack(
        "close-the-wire",
        "a grader that waits",
        does="os.close(3)",
        ends=Ending(finding="process ended"),
    ),
    _attack(
        "wire-to-nowhere",
        "a grader that waits",
        does="os.dup2(os.open('/dev/null', os.O_RDWR), 3)",
        ends=Ending(finding="."),
    ),
    _attack(
        "read-the-wire",
        "what the grader says to the host",
        does="""
        async def app(scope, receive, send):
            os.set_blocking(3, True)
            while os.read(3, 65_536):
                pass
        """,
        ends=Ending(finding="."),
    ),
)
