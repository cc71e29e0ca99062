"""What can be said over the wire: one frozen record a frame, told apart by ``t``.

Must not know sockets or who acts on a frame. Bodies travel as base64, so any byte survives JSON.
Numbers and texts are capped here, so that the grader never has to trust a field's size.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from graders.engine.core.limits import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_METHOD_CHARACTERS,
    MAX_MODEL_REQUEST_BYTES,
    MAX_URL_CHARACTERS,
)
from graders.engine.wire.framing import WireError, add_prefix

Serial = Annotated[int, Field(ge=0, le=2**53)]
ShortText = Annotated[str, Field(max_length=2_000)]
LongText = Annotated[str, Field(max_length=200_000)]
Headers = Annotated[
    tuple[
        tuple[
            Annotated[str, Field(max_length=65_536)], Annotated[str, Field(max_length=1_048_576)]
        ],
        ...,
    ],
    Field(max_length=MAX_HEADERS),
]
"""Names and values as latin-1 text, as HTTP has them on the line."""


def _few(headers: Headers) -> Headers:
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        raise PydanticCustomError("too_long", "more headers than are taken")
    return headers


HeadersOfStudent = Annotated[Headers, AfterValidator(_few)]


class Frame(BaseModel):
    """Base of all frames: immutable, no unknown keys, no silent conversion."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64"
    )


# --- from the grader to the student's process -------------------------------------------------


class Load(Frame):
    """Import the app and run its start-up. The first frame of every conversation.

    ``app`` is ``module:attribute``; ``root`` the folder of the submission's copy; ``spec_version``
    the ASGI version that the server claims (it decides how Starlette notices a disconnect).
    """

    t: Literal["load"] = "load"
    app: str
    root: str
    shadows: tuple[str, ...] = ()
    spec_version: str = "2.3"
    lifespan: bool = True


class Request(Frame):
    """A new HTTP exchange; body pieces follow as :class:`RequestBody`.

    ``path`` and ``query`` are as they stand on the request line, with their percent signs.
    """

    t: Literal["request"] = "request"
    exchange: Serial
    method: str
    path: str
    query: str
    headers: Headers


class RequestBody(Frame):
    """A piece of a request's body; ``more`` says whether another follows."""

    t: Literal["request_body"] = "request_body"
    exchange: Serial
    body: bytes
    more: bool


class Disconnect(Frame):
    """The client of this exchange has gone away."""

    t: Literal["disconnect"] = "disconnect"
    exchange: Serial


class ModelHead(Frame):
    """Status and headers of the answer to a model call."""

    t: Literal["model_head"] = "model_head"
    call: Serial
    status: int
    headers: Headers


class ModelChunk(Frame):
    """The next bytes of the answer to a model call."""

    t: Literal["model_chunk"] = "model_chunk"
    call: Serial
    data: bytes


class ModelEnd(Frame):
    """The answer to a model call is complete."""

    t: Literal["model_end"] = "model_end"
    call: Serial


class ModelDrop(Frame):
    """The connection of a model call breaks; ``refused`` says why it was never allowed, if so."""

    t: Literal["model_drop"] = "model_drop"
    call: Serial
    refused: str = ""


class Advance(Frame):
    """Move the virtual clock forward by ``seconds``; answered by :class:`Advanced`.

    ``stop``: it then stands still until it is moved again.
    """

    t: Literal["advance"] = "advance"
    ticket: Serial
    seconds: float
    stop: bool = False


class Ping(Frame):
    """Ask for a :class:`Pong` once the server's event loop has nothing left to do."""

    t: Literal["ping"] = "ping"
    ticket: Serial


# --- from the student's process to the grader -------------------------------------------------


class Hello(Frame):
    """The host is ready; said before any of the student's code has run."""

    t: Literal["hello"] = "hello"
    layers: Annotated[tuple[ShortText, ...], Field(max_length=50)] = ()


class Loaded(Frame):
    """The app was imported and its start-up went well; ``routes`` such as ``POST /chatkit``."""

    t: Literal["loaded"] = "loaded"
    routes: Annotated[tuple[ShortText, ...], Field(max_length=50)] = ()


class LoadFailed(Frame):
    """The app could not be imported or started; ``stage`` says how far it came."""

    t: Literal["load_failed"] = "load_failed"
    stage: Literal["find", "syntax", "import", "attribute", "asgi", "lifespan"]
    error: ShortText
    message: ShortText
    detail: LongText = ""


class ResponseStart(Frame):
    """The app sent its status and headers."""

    t: Literal["response_start"] = "response_start"
    exchange: Serial
    status: Annotated[int, Field(ge=100, le=999)]
    headers: HeadersOfStudent


class ResponseBody(Frame):
    """The app sent a piece of its body."""

    t: Literal["response_body"] = "response_body"
    exchange: Serial
    body: bytes
    more: bool


class ExchangeEnd(Frame):
    """The app's coroutine returned."""

    t: Literal["exchange_end"] = "exchange_end"
    exchange: Serial


class ExchangeCrash(Frame):
    """The app's coroutine raised, or misused ASGI (``misuse``)."""

    t: Literal["exchange_crash"] = "exchange_crash"
    exchange: Serial
    misuse: bool
    error: ShortText
    message: ShortText
    detail: LongText = ""


class CodePlace(BaseModel):
    """A line of the submission's own that an exception came through; ``code`` is its text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: ShortText
    line: Annotated[int, Field(ge=0, le=10_000_000)]
    function: ShortText = ""
    code: ShortText = ""


class Raised(Frame):
    """Code of the app raised something that came to its edge, or that a library caught and logged.

    ``exchange`` is 0 outside of any. ``origin`` is the module of the exception's class, ``logger``
    the name of the logger that was told, ``meant`` the name that is nearest to one that is not
    there.
    """

    t: Literal["raised"] = "raised"
    exchange: Serial
    error: ShortText
    origin: ShortText
    message: ShortText
    places: Annotated[tuple[CodePlace, ...], Field(max_length=10)] = ()
    logger: ShortText = ""
    meant: ShortText = ""


class ModelRequest(Frame):
    """Code in the student's process sends an HTTP request out."""

    t: Literal["model_request"] = "model_request"
    call: Serial
    method: Annotated[str, Field(max_length=MAX_METHOD_CHARACTERS)]
    url: Annotated[str, Field(max_length=MAX_URL_CHARACTERS)]
    headers: HeadersOfStudent
    body: Annotated[bytes, Field(max_length=MAX_MODEL_REQUEST_BYTES)]


class ModelCancelled(Frame):
    """The student's process gave up reading the answer to a model call."""

    t: Literal["model_cancelled"] = "model_cancelled"
    call: Serial


class Refused(Frame):
    """Something in the student's process tried what is not allowed; it got an error."""

    t: Literal["refused"] = "refused"
    what: Literal["connect", "resolve", "listen", "start", "ask"]
    target: ShortText


class Advanced(Frame):
    """The clock was moved; ``next_timer`` is seconds to the next timer, if there is one."""

    t: Literal["advanced"] = "advanced"
    ticket: Serial
    next_timer: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Pong(Frame):
    """The event loop had nothing left to do; ``next_timer`` as in :class:`Advanced`."""

    t: Literal["pong"] = "pong"
    ticket: Serial
    next_timer: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


ToStudent = Annotated[
    Load
    | Request
    | RequestBody
    | Disconnect
    | ModelHead
    | ModelChunk
    | ModelEnd
    | ModelDrop
    | Advance
    | Ping,
    Field(discriminator="t"),
]

FromStudent = Annotated[
    Hello
    | Loaded
    | LoadFailed
    | ResponseStart
    | ResponseBody
    | ExchangeEnd
    | ExchangeCrash
    | Raised
    | ModelRequest
    | ModelCancelled
    | Refused
    | Advanced
    | Pong,
    Field(discriminator="t"),
]

_TO_STUDENT: TypeAdapter[ToStudent] = TypeAdapter(ToStudent)
_FROM_STUDENT: TypeAdapter[FromStudent] = TypeAdapter(FromStudent)


def encode(frame: Frame) -> bytes:
    """Turn ``frame`` into bytes with prefix; raises :class:`WireError` when it is over the cap."""
    return add_prefix(frame.model_dump_json().encode())


def parse_from_student(payload: bytes) -> FromStudent:
    """Read the frame in ``payload``; :class:`WireError` for anything else, without quoting it."""
    return _parse(_FROM_STUDENT, payload)


def parse_to_student(payload: bytes) -> ToStudent:
    """Read the frame in ``payload``; :class:`WireError` for anything else."""
    return _parse(_TO_STUDENT, payload)


_T = TypeVar("_T")


def _parse(adapter: TypeAdapter[_T], payload: bytes) -> _T:
    try:
        return adapter.validate_json(payload, strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        # The name of a key that we do not know is the sender's own text.
        known = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
        place = ".".join(str(part) for part in known)
        raise WireError(f"not a frame: {first['type']} at {place or 'the top'}") from None
