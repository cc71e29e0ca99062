"""Reads request bodies of the Responses API and of Chat Completions into recorded calls.

The bodies are hostile input: whatever comes, the answer is a :class:`RecordedCall`, at worst one
that says why it could not be read. Must not know scripts, and must not keep anything.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from graders.engine.model.calls import (
    Api,
    InputItem,
    OutgoingCall,
    RecordedCall,
)

MAX_BODY = 16 * 1024 * 1024
"""Largest body that is read, in bytes."""
MAX_ITEMS = 5_000
"""Most input items that are read."""
_SYSTEM_ROLES = ("system", "developer")


def read_call(call: OutgoingCall, api: Api) -> RecordedCall:
    """Return a request to the model as it is understood; never raises."""
    recorded = RecordedCall(id=call.id, api=api, key=_key(call), retry=_is_retry(call))
    try:
        recorded = _with_options(recorded, json_object(call.body))
        return _with_responses(recorded) if api == "responses" else _with_chat(recorded)
    except (ValueError, RecursionError) as error:
        return replace(recorded, problem=str(error)[:200] or type(error).__name__)


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in ``body``; a ValueError that says why where there is none."""
    if len(body) > MAX_BODY:
        message = f"the body is larger than {MAX_BODY} bytes"
        raise ValueError(message)
    try:
        value = json.loads(body)
    except RecursionError as error:
        raise ValueError(str(error)) from error
    if type(value) is not dict:
        message = "the body is not a JSON object"
        raise ValueError(message)
    return value


def _with_options(recorded: RecordedCall, raw: dict[str, Any]) -> RecordedCall:
    """Return a call with what both APIs have, which is kept where its input cannot be read."""
    return replace(
        recorded,
        raw=raw,
        streaming=raw.get("stream") is True,
        model=_text(raw.get("model")),
        tools=[_tool_name(tool) for tool in _list(raw.get("tools"))],
        instructions=_text(raw.get("instructions")) if recorded.api == "responses" else "",
    )


def _with_responses(recorded: RecordedCall) -> RecordedCall:
    raw = recorded.raw
    sent = responses_items(raw.get("input"))
    conversation = raw.get("conversation")
    return replace(
        recorded,
        input=sent,
        sent=sent,
        schema=_schema(_dict(_dict(raw.get("text")).get("format"))),
        previous=_text(raw.get("previous_response_id")),
        conversation=_text(conversation) or _text(_dict(conversation).get("id")),
    )


def _with_chat(recorded: RecordedCall) -> RecordedCall:
    raw, instructions = recorded.raw, ""
    messages = _capped(_list(raw.get("messages")))
    if messages and _dict(messages[0]).get("role") in _SYSTEM_ROLES:
        instructions = content_text(_dict(messages.pop(0)).get("content"))
    sent = [item for message in messages for item in _chat_items(message)]
    response_format = _dict(raw.get("response_format"))
    return replace(
        recorded,
        instructions=instructions,
        input=sent,
        sent=sent,
        schema=_schema({**_dict(response_format.get("json_schema")), **response_format}),
        wants_usage=_dict(raw.get("stream_options")).get("include_usage") is True,
    )


def responses_items(value: object) -> list[InputItem]:
    """Read the Responses API's ``input``: a text, or a list of items."""
    if isinstance(value, str):
        return [InputItem("message", role="user", text=value, raw=value)]
    return [_responses_item(item) for item in _capped(_list(value))]


def _responses_item(raw: object) -> InputItem:
    item = _dict(raw)
    kind = item.get("type", "message")
    call_id, name = _text(item.get("call_id")), _text(item.get("name"))
    match kind:
        case "message" if item.get("role"):
            text = content_text(item.get("content"))
            return InputItem("message", role=_text(item.get("role")), text=text, raw=raw)
        case "function_call":
            text = _text(item.get("arguments"))
            return InputItem(kind, "assistant", text, call_id, name, raw)
        case "function_call_output":
            return InputItem(kind, "tool", content_text(item.get("output")), call_id, name, raw)
        case "reasoning":
            text = content_text(item.get("summary"))
            return InputItem(kind, role="assistant", text=text, raw=raw)
        case _:
            return InputItem("other", text=content_text(item.get("content")), raw=raw)


def _chat_items(raw: object) -> list[InputItem]:
    message = _dict(raw)
    role = _text(message.get("role"))
    text = content_text(message.get("content"))
    if role in ("tool", "function"):
        call_id = _text(message.get("tool_call_id"))
        name = _text(message.get("name"))
        return [InputItem("function_call_output", "tool", text, call_id, name, raw)]
    calls = [_chat_call(call) for call in _list(message.get("tool_calls"))]
    if calls and not text:
        return calls
    return [InputItem("message" if role else "other", role=role, text=text, raw=raw), *calls]


def _chat_call(raw: object) -> InputItem:
    call = _dict(raw)
    function = _dict(call.get("function"))
    return InputItem(
        "function_call",
        role="assistant",
        text=_text(function.get("arguments")),
        call_id=_text(call.get("id")),
        name=_text(function.get("name")),
        raw=raw,
    )


def content_text(content: object) -> str:
    """Return the text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    parts = [_text(_dict(part).get("text")) or _text(part) for part in _list(content)]
    return "\n".join(part for part in parts if part)


def _schema(output_format: dict[str, Any]) -> dict[str, Any] | None:
    match output_format.get("type"):
        case "json_schema":
            return _dict(output_format.get("schema"))
        case "json_object":
            return {}
        case _:
            return None


def _tool_name(raw: object) -> str:
    tool = _dict(raw)
    name = tool.get("name") or _dict(tool.get("function")).get("name") or tool.get("type")
    return _text(name)


def _key(call: OutgoingCall) -> str:
    scheme, _, token = call.header("authorization").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return bearer or call.header("api-key")


def _is_retry(call: OutgoingCall) -> bool:
    """Return whether openai's client says that it sends this request again by itself."""
    return call.header("x-stainless-retry-count") not in ("", "0")


def _capped(items: list[Any]) -> list[Any]:
    if len(items) > MAX_ITEMS:
        message = f"the input has more than {MAX_ITEMS} items"
        raise ValueError(message)
    return list(items)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
