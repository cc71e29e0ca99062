"""Lets the OpenAI SDK tell the events of a streamed response apart by their ``type``.

The SDK validates each event against a union of some fifty models, one after the other, although
each has a ``type`` of its own: pydantic, which the SDK does not tell of that, finds the model by it
at once. Where an event fits none, either way fails, and the SDK goes on as it does then. Must not
know a server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, get_args

from openai import _models
from openai.types.responses import ResponseStreamEvent
from pydantic import Discriminator, TypeAdapter

_UNION = get_args(ResponseStreamEvent)[0]


def tell_events_by_type() -> None:
    """Give the SDK a ready adapter of its events; of all other types it makes its own."""
    made_by_the_sdk: Callable[[Any], Any] = vars(_models)["TypeAdapter"]
    by_type = adapter_by_type()

    def adapter(of: Any) -> Any:
        return by_type if of is _UNION else made_by_the_sdk(of)

    # The name by which the SDK's own validation finds it.
    vars(_models)["TypeAdapter"] = adapter


def adapter_by_type() -> TypeAdapter[Any]:
    """Return the adapter; pydantic refuses to make it where two models have the same ``type``."""
    told_apart: Any = Annotated[_UNION, Discriminator("type")]
    return TypeAdapter(told_apart)
