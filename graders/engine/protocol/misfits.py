"""Where a payload does not fit the SDK's own event types, in sentences that a student can use.

The truth is the installed ``chatkit.types``; nothing about events is written down here a second
time. It is imported at the first use: that takes a moment, and listing lessons must not pay it.

Must not know how the payload came or what is done about it.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

_MOST = 5
"""How many misfits of one event are told; more would not help anybody."""

Location = tuple[int | str, ...]


def misfits(payload: dict[str, Any]) -> tuple[str, ...]:
    """One sentence for each place of an event's JSON that the SDK's types do not accept."""
    if _is_untyped_update(payload):
        return ("The field `update` has no `type`.",)
    try:
        _adapter().validate_python(payload)
    except ValidationError as error:
        details = _relevant(error.errors(include_url=False, include_input=False))
        sentences = [_sentence(detail, payload) for detail in details]
        return _shortened(list(dict.fromkeys(sentences)))
    return ()


@cache
def _adapter() -> TypeAdapter[Any]:
    with warnings.catch_warnings():
        # openai-chatkit 1.6.5 warns about its own widget classes when it is imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        from chatkit.types import ThreadStreamEvent  # noqa: PLC0415  (slow, see above)

    return TypeAdapter(ThreadStreamEvent)


def _is_untyped_update(payload: dict[str, Any]) -> bool:
    """Return whether an update has no ``type``.

    The SDK fills it in, but no client understands it.
    """
    update = payload.get("update")
    return isinstance(update, dict) and "type" not in update


def _relevant(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Drop what pydantic says about members of a union that the payload never meant to be.

    A union without a discriminator reports every member; those whose ``type`` does not match
    are noise. When none matches, the ``type`` itself is what is wrong.
    """
    not_meant = {error["loc"][:-1] for error in errors if _is_wrong_type(error)}
    kept = [error for error in errors if not _within(error["loc"], not_meant)]
    return kept or [error for error in errors if _is_wrong_type(error)][:1]


def _is_wrong_type(error: ErrorDetails) -> bool:
    return error["type"] == "literal_error" and error["loc"][-1:] == ("type",)


def _within(location: Location, prefixes: set[Location]) -> bool:
    return any(location[:length] in prefixes for length in range(len(location)))


def _sentence(error: ErrorDetails, payload: dict[str, Any]) -> str:
    path = _path(error["loc"], payload)
    field = f"The field `{path}`" if path else "The event"
    match error["type"]:
        case "missing":
            return f"{field} is missing."
        case "union_tag_not_found":
            return f"{field} has no `type`."
        case "union_tag_invalid":
            return f"{field} has the type {_tag(error)}, which ChatKit does not know."
        case "model_type" | "dict_type":
            return f"{field} is not an object."
        case "literal_error" if path.endswith("type"):
            return f"{field} is none of the types that ChatKit knows at this place."
    return f"{field} is wrong: {error['msg'][:1].lower()}{error['msg'][1:]}."


def _tag(error: ErrorDetails) -> str:
    return ascii(str(error.get("ctx", {}).get("tag", ""))[:60])


def _path(location: Location, payload: dict[str, Any]) -> str:
    """Return the place in the JSON: pydantic's location without the names of union members."""
    steps: list[str] = []
    node: Any = payload
    for position, step in enumerate(location):
        if _leads_on(node, step):
            node = node[step]
        elif position < len(location) - 1 or not isinstance(node, dict):
            continue
        steps.append(ascii(step).strip("'")[:60])
    return ".".join(steps)


def _leads_on(node: object, step: int | str) -> bool:
    if isinstance(node, dict):
        return step in node
    return isinstance(node, list) and isinstance(step, int) and step < len(node)


def _shortened(sentences: list[str]) -> tuple[str, ...]:
    if len(sentences) <= _MOST:
        return tuple(sentences)
    return (*sentences[:_MOST], f"Misfits not listed here: {len(sentences) - _MOST}.")
