"""The provider's API besides the model: conversations, stored responses, counts, models.

Every call of :data:`~graders.engine.model.routes.ANSWERED` that asks for no words of the model is
answered here. Bodies are hostile input. Must not know scripts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from graders.engine.model import responses_api
from graders.engine.model.answer import CREATED_AT, to_json
from graders.engine.model.calls import OutgoingCall, RecordedCall
from graders.engine.model.embedding import embeddings
from graders.engine.model.failures import Headers, http_failure
from graders.engine.model.harmless import moderation
from graders.engine.model.ids import Ids
from graders.engine.model.known_models import MODELS
from graders.engine.model.memory import Memory, StoredConversation, StoredResponse
from graders.engine.model.reading import json_object, read_call
from graders.engine.model.replies import tokens_of
from graders.engine.model.routes import Route, query_of
from graders.engine.model.steps import Fail
from graders.engine.model.stored_items import (
    MOST_AT_ONCE,
    StoredItem,
    list_object,
    page_of,
)

JSON: Headers = (("content-type", "application/json"),)
_STREAM: Headers = (("content-type", "text/event-stream; charset=utf-8"),)


@dataclass(frozen=True)
class ProviderAnswer:
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes


class _UnknownIdError(LookupError):
    """A call names something that is not there."""


class Provider:
    """Answers the calls of one student's server from one memory, ``memory``."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self.memory = Memory(ids)
        self._handlers: dict[str, Callable[..., dict[str, Any] | ProviderAnswer]] = {
            "POST /responses/compact": self._compact,
            "POST /responses/input_tokens": self._count,
            "GET /responses/{response_id}": self._response,
            "DELETE /responses/{response_id}": self._delete_response,
            "POST /responses/{response_id}/cancel": self._cancel,
            "GET /responses/{response_id}/input_items": self._input_items,
            "POST /conversations": self._begin,
            "GET /conversations/{conversation_id}": self._conversation,
            "POST /conversations/{conversation_id}": self._update,
            "DELETE /conversations/{conversation_id}": self._delete_conversation,
            "POST /conversations/{conversation_id}/items": self._add_items,
            "GET /conversations/{conversation_id}/items": self._items,
            "GET /conversations/{conversation_id}/items/{item_id}": self._item,
            "DELETE /conversations/{conversation_id}/items/{item_id}": self._delete_item,
            "GET /models": self._list_models,
            "GET /models/{model}": self._model,
            "POST /embeddings": lambda call: embeddings(_object_or_empty(call.body)),
            "POST /moderations": lambda call: moderation(_object_or_empty(call.body), self._ids),
        }

    def answer(self, call: OutgoingCall, route: Route) -> ProviderAnswer:
        """Answer a call; whatever is in it, there is an answer."""
        try:
            given = self._handlers[route.name](call, *route.values)
            if isinstance(given, ProviderAnswer):
                return given
            return ProviderAnswer(200, JSON, to_json(given))
        except _UnknownIdError as error:
            return failure(404, str(error))
        except (ValueError, RecursionError) as error:
            return failure(400, str(error) or type(error).__name__)

    # --- responses -----------------------------------------------------------------------------

    def _compact(self, call: OutgoingCall) -> dict[str, Any]:
        seen = self._read(call).input
        output = self.memory.compact(seen)
        tokens = tokens_of(seen)
        usage = {
            "input_tokens": tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 1,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens + 1,
        }
        return {
            "id": self._ids.fresh("resp_"),
            "object": "response.compaction",
            "created_at": CREATED_AT,
            "output": output,
            "usage": usage,
        }

    def _count(self, call: OutgoingCall) -> dict[str, Any]:
        tokens = tokens_of(self._read(call).input)
        return {"object": "response.input_tokens", "input_tokens": tokens}

    def _read(self, call: OutgoingCall) -> RecordedCall:
        recorded = self.memory.complete(read_call(call, "responses"))
        if recorded.problem:
            raise ValueError(recorded.problem)
        return recorded

    def _response(self, call: OutgoingCall, response_id: str) -> ProviderAnswer:
        answer = self._stored(response_id).answer
        if parse_qs(query_of(call.url)).get("stream") == ["true"]:
            events = b"".join(piece.data for piece in responses_api.stream(answer))
            return ProviderAnswer(200, _STREAM, events)
        return ProviderAnswer(200, JSON, responses_api.whole(answer))

    def _delete_response(self, _call: OutgoingCall, response_id: str) -> dict[str, Any]:
        self._stored(response_id)
        del self.memory.responses[response_id]
        return {"id": response_id, "object": "response", "deleted": True}

    def _cancel(self, _call: OutgoingCall, response_id: str) -> dict[str, Any]:
        self._stored(response_id)
        message = "Cannot cancel a synchronous response."
        raise ValueError(message)

    def _input_items(self, call: OutgoingCall, response_id: str) -> dict[str, Any]:
        items = self.memory.input_items(self._stored(response_id))
        return page_of(items, query_of(call.url))

    def _stored(self, response_id: str) -> StoredResponse:
        if response_id not in self.memory.responses:
            message = f"Response with id '{response_id[:80]}' not found."
            raise _UnknownIdError(message)
        return self.memory.responses[response_id]

    # --- conversations -------------------------------------------------------------------------

    def _begin(self, call: OutgoingCall) -> dict[str, Any]:
        body = _object_or_empty(call.body)
        made = StoredConversation(self._ids.fresh("conv_"), body.get("metadata") or {})
        self.memory.add(made, _few(body.get("items")))
        self.memory.conversations[made.id] = made
        return _written(made)

    def _conversation(self, _call: OutgoingCall, conversation_id: str) -> dict[str, Any]:
        return _written(self._known(conversation_id))

    def _update(self, call: OutgoingCall, conversation_id: str) -> dict[str, Any]:
        known = self._known(conversation_id)
        known.metadata = json_object(call.body).get("metadata") or {}
        return _written(known)

    def _delete_conversation(self, _call: OutgoingCall, conversation_id: str) -> dict[str, Any]:
        self._known(conversation_id)
        del self.memory.conversations[conversation_id]
        return {"id": conversation_id, "object": "conversation.deleted", "deleted": True}

    def _add_items(self, call: OutgoingCall, conversation_id: str) -> dict[str, Any]:
        given = _few(json_object(call.body).get("items"))
        return list_object(self.memory.add(self._known(conversation_id), given))

    def _items(self, call: OutgoingCall, conversation_id: str) -> dict[str, Any]:
        return page_of(self._known(conversation_id).items, query_of(call.url))

    def _item(self, _call: OutgoingCall, conversation_id: str, item_id: str) -> dict[str, Any]:
        return _found(self._known(conversation_id), item_id)

    def _delete_item(
        self, _call: OutgoingCall, conversation_id: str, item_id: str
    ) -> dict[str, Any]:
        known = self._known(conversation_id)
        known.items.remove(_found(known, item_id))
        return _written(known)

    def _known(self, conversation_id: str) -> StoredConversation:
        if conversation_id not in self.memory.conversations:
            message = f"Conversation with id '{conversation_id[:80]}' not found."
            raise _UnknownIdError(message)
        return self.memory.conversations[conversation_id]

    # --- models --------------------------------------------------------------------------------

    def _list_models(self, _call: OutgoingCall) -> dict[str, Any]:
        return {"object": "list", "data": [_model(name) for name in MODELS]}

    def _model(self, _call: OutgoingCall, name: str) -> dict[str, Any]:
        """Tell of a model of any name: each is played."""
        return _model(name)


def failure(status: int, message: str) -> ProviderAnswer:
    """Return an error as the provider writes one."""
    headers, body = http_failure(Fail(status, None, message[:300]))
    return ProviderAnswer(status, headers, body)


def _few(items: object) -> list[Any]:
    """Return the items of a request that adds some; the real API takes no more at once."""
    given = items if isinstance(items, list) else []
    if len(given) > MOST_AT_ONCE:
        message = f"Invalid 'items': {len(given)} items, at most {MOST_AT_ONCE} are taken at once"
        raise ValueError(message)
    return given


def _found(conversation: StoredConversation, item_id: str) -> StoredItem:
    for item in conversation.items:
        if item["id"] == item_id:
            return item
    message = f"Item with id '{item_id[:80]}' not found."
    raise _UnknownIdError(message)


def _written(conversation: StoredConversation) -> dict[str, Any]:
    return {
        "id": conversation.id,
        "object": "conversation",
        "created_at": CREATED_AT,
        "metadata": conversation.metadata,
    }


def _model(name: str) -> dict[str, Any]:
    return {"id": name[:200], "object": "model", "created": CREATED_AT, "owned_by": "system"}


def _object_or_empty(body: bytes) -> dict[str, Any]:
    try:
        return json_object(body)
    except ValueError:
        return {}
