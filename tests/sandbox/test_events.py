"""Events told apart by their type are what the SDK makes of them by trying all its models."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from openai import _models
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter, ValidationError

from graders.engine.sandbox.preload.events import adapter_by_type
from graders.engine.sandbox.preload.warm_up_server import _RESPONSES_EVENTS
from tests.sandbox.wired import Starter

UNION = get_args(ResponseStreamEvent)[0]
TRIED: TypeAdapter[Any] = TypeAdapter(UNION)
BY_TYPE = adapter_by_type()
WRONG: list[Any] = [
    {},
    {"type": "response.unknown"},
    {"type": "response.output_text.delta"},
    {"type": None},
    "response.completed",
    None,
]
NUMBERED = [{**event, "sequence_number": n} for n, event in enumerate(_RESPONSES_EVENTS)]


@pytest.mark.parametrize("event", NUMBERED, ids=[event["type"] for event in NUMBERED])
def test_an_event_becomes_the_same_model(event: dict[str, Any]) -> None:
    tried, by_type = TRIED.validate_python(event), BY_TYPE.validate_python(event)
    assert type(by_type) is type(tried)
    assert by_type == tried
    assert by_type.model_dump() == tried.model_dump()


@pytest.mark.parametrize("event", WRONG, ids=repr)
def test_what_is_no_event_fails_either_way(event: Any) -> None:
    for adapter in (TRIED, BY_TYPE):
        with pytest.raises(ValidationError):
            adapter.validate_python(event)


def test_each_model_has_types_that_no_other_has() -> None:
    types = [kind for model in get_args(UNION) for kind in _types(model)]
    assert len(types) == len(set(types))
    assert len(types) >= len(get_args(UNION))


def _types(model: Any) -> tuple[str, ...]:
    return get_args(model.model_fields["type"].annotation)


def test_a_server_finds_it_there(students: Starter) -> None:
    assert students.serve().ask(
        """
        from typing import get_args
        from openai import _models
        from openai.types.responses import ResponseOutputItem, ResponseStreamEvent
        events, items = (get_args(each)[0] for each in (ResponseStreamEvent, ResponseOutputItem))
        event = {"type": "response.unknown", "sequence_number": 1, "delta": "x"}
        answer = [
            _models.TypeAdapter(events).core_schema["schema"]["type"],
            _models.TypeAdapter(items).core_schema["schema"]["type"],
            _models.construct_type(type_=ResponseStreamEvent, value=event).type,
        ]
        """
    ) == ["tagged-union", "union", "response.unknown"]
    # Of this process, where nothing was put in its place.
    assert vars(_models)["TypeAdapter"] is _models._CachedTypeAdapter
