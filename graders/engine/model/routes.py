"""The provider's API as a table: which calls are answered, and which are left out by name.

A call is known by its method and the end of its path: any host may stand for the model's. The
table is compared with all that the locked openai client can call. Must not know how a call is
answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from graders.engine.model.calls import Api, OutgoingCall

_APIS: dict[str, Api] = {"/responses": "responses", "/chat/completions": "chat_completions"}
EMBEDDINGS = "POST /embeddings"
ANSWERED = (
    "POST /responses",
    "POST /responses/compact",
    "POST /responses/input_tokens",
    "GET /responses/{response_id}",
    "DELETE /responses/{response_id}",
    "POST /responses/{response_id}/cancel",
    "GET /responses/{response_id}/input_items",
    "POST /chat/completions",
    "POST /conversations",
    "GET /conversations/{conversation_id}",
    "POST /conversations/{conversation_id}",
    "DELETE /conversations/{conversation_id}",
    "POST /conversations/{conversation_id}/items",
    "GET /conversations/{conversation_id}/items",
    "GET /conversations/{conversation_id}/items/{item_id}",
    "DELETE /conversations/{conversation_id}/items/{item_id}",
    "GET /models",
    "GET /models/{model}",
    EMBEDDINGS,
    "POST /moderations",
)
"""Every method and path that is answered in earnest."""
LEFT_OUT = {
    "agents": "agents that OpenAI hosts",
    "assistants": "assistants",
    "audio": "speech and transcription",
    "batches": "batches",
    "chatkit": "ChatKit sessions and threads that OpenAI hosts",
    "chat/completions": "stored chat completions",
    "completions": "completions of the old kind",
    "containers": "containers",
    "content_provenance_checks": "provenance checks",
    "decisions": "decisions",
    "evals": "evals",
    "files": "files",
    "fine_tuning": "fine-tuning",
    "images": "images",
    "live": "live sessions",
    "models": "deleting a model",
    "organization": "administration",
    "projects": "administration",
    "realtime": "the realtime API",
    "safety": "safety cases",
    "skills": "skills",
    "threads": "threads and runs of assistants",
    "uploads": "uploads",
    "vaults": "vaults",
    "vector_stores": "vector stores",
    "videos": "videos",
    "webhook_endpoints": "webhooks",
    "webhook_event_types": "webhooks",
}
"""What is not answered, by the beginning of its path."""
_OWN_CLIENT = "x-stainless-"
"""How the headers begin that openai's own client adds to each request."""
_HOSTS = ("openai.com", "openai.azure.com")


@dataclass(frozen=True)
class Route:
    """One line of :data:`ANSWERED`, and what stands in a call for the names in its braces."""

    name: str
    values: tuple[str, ...] = ()


def model_api(call: OutgoingCall) -> Api | None:
    """Return which of the model's APIs is called, or ``None``."""
    if call.method.upper() != "POST":
        return None
    path = _path(call.url)
    return next((api for suffix, api in _APIS.items() if path.endswith(suffix)), None)


def route_of(call: OutgoingCall) -> Route | None:
    """Return the line of the table that a call belongs to, or ``None``."""
    segments = _segments(_path(call.url))
    for name in ANSWERED:
        method, _, template = name.partition(" ")
        values = _values(_segments(template), segments)
        if method == call.method.upper() and values is not None:
            return Route(name, values)
    return None


def left_out(call: OutgoingCall) -> str:
    """Return what a call is about that is left out by name, or an empty string."""
    path = "/".join(_segments(_path(call.url)))
    starts = {name: f"/{path}/".find(f"/{name}/") for name in LEFT_OUT}
    found = [name for name, start in starts.items() if start >= 0]
    return LEFT_OUT[min(found, key=lambda name: (starts[name], -len(name)))] if found else ""


def is_to_provider(call: OutgoingCall) -> bool:
    """Return whether a call is surely meant for a provider of models, not for any other service."""
    host = f".{host_of(call.url)}"
    return any(name.lower().startswith(_OWN_CLIENT) for name, _ in call.headers) or any(
        host.endswith(f".{known}") for known in _HOSTS
    )


def told(call: OutgoingCall) -> str:
    """Return a call's method and path, as it is shown to a student."""
    return f"{call.method.upper()} {_path(call.url) or '/'}"


def host_of(url: str) -> str:
    """Return the host that a URL names, as it is shown to a student."""
    try:
        return urlsplit(url).hostname or "an unnamed host"
    except ValueError:
        return "an unreadable address"


def query_of(url: str) -> str:
    """Return the query of a URL that :func:`route_of` knows, so it can be read."""
    return urlsplit(url).query


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _values(template: list[str], segments: list[str]) -> tuple[str, ...] | None:
    """Return what stands for the names of a template at the end of a path, if it fits there."""
    end = segments[-len(template) :]
    pairs = list(zip(template, end, strict=False))
    if len(end) < len(template) or any(t != s for t, s in pairs if not t.startswith("{")):
        return None
    return tuple(unquote(segment) for name, segment in pairs if name.startswith("{"))
