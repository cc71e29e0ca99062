"""The model's errors, as the real API words them. Must not know scripts' rounds or calls."""

from __future__ import annotations

from typing import Any

from graders.engine.model.answer import to_json
from graders.engine.model.calls import Api
from graders.engine.model.steps import Fail

Headers = tuple[tuple[str, str], ...]

_TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    403: "invalid_request_error",
    404: "invalid_request_error",
    429: "requests",
}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
_RESPONSES_TOO_LONG = (
    "Your input exceeds the context window of this model. Please adjust your input and try again."
)
_CHAT_TOO_LONG = (
    "This model's maximum context length is 128000 tokens. However, your messages resulted "
    "in more tokens. Please reduce the length of the messages."
)
_CONTEXT_TEXTS: dict[Api, tuple[str, str]] = {
    "responses": ("input", _RESPONSES_TOO_LONG),
    "chat_completions": ("messages", _CHAT_TOO_LONG),
}


def error_body(failure: Fail, *, param: str | None = None) -> dict[str, Any]:
    """Return the ``error`` object that the API sends for a failure."""
    return {
        "message": failure.message,
        "type": _TYPES.get(failure.status, "server_error"),
        "param": param,
        "code": failure.code or _CODES.get(failure.status),
    }


def http_failure(failure: Fail, *, param: str | None = None) -> tuple[Headers, bytes]:
    """Return headers and body of a failed answer.

    It asks not to be tried again: openai's client would wait for seconds before it does.
    """
    headers = [("content-type", "application/json"), ("x-should-retry", "false")]
    if failure.retry_after is not None:
        headers.append(("retry-after", f"{failure.retry_after:g}"))
    return tuple(headers), to_json({"error": error_body(failure, param=param)})


def context_failure(api: Api) -> tuple[Headers, bytes]:
    """Return headers and body of the refusal of a request that is too long (status 400)."""
    param, message = _CONTEXT_TEXTS[api]
    return http_failure(Fail(400, "context_length_exceeded", message), param=param)


def stream_code(failure: Fail) -> str:
    """Return the code of an error inside a stream, where there is no status."""
    return failure.code or _CODES.get(failure.status) or "server_error"
