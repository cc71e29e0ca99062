"""What is read from the sources of the SDKs is what they have when they are imported."""

from __future__ import annotations

import importlib
import inspect
import sys
import typing

import pytest

from graders.lesson00 import sdk

MODULES = (
    *("chatkit.actions", "chatkit.agents", "chatkit.errors", "chatkit.server", "chatkit.store"),
    *("chatkit.types", "chatkit.widgets", "agents", "agents.memory", "agents.mcp", "openai"),
    *("openai.types.responses", "agents.models.openai_chatcompletions"),
)


def source(name: str) -> sdk.Source:
    found = sdk.source_of(name)
    assert found is not None
    return found


def definition(module: str, name: str) -> sdk.Definition:
    found = sdk.look_up(source(module), name)
    assert isinstance(found, sdk.Definition), f"{module}.{name}"
    return found


def is_public(name: str) -> bool:
    return not name.startswith("_")


def is_there(value: object) -> bool:
    """Return whether a name can be used: the old names of `openai` only raise errors."""
    return type(value).__name__ != "APIRemovedInV1Proxy"


@pytest.mark.parametrize("name", MODULES)
def test_all_names_of_a_module_are_found(name: str) -> None:
    module = importlib.import_module(name)
    names = [each for each in filter(is_public, dir(module)) if is_there(getattr(module, each))]
    assert len(names) > 5
    assert [each for each in names if not sdk.has(source(name), each)] == []


@pytest.mark.parametrize("name", MODULES)
def test_names_that_are_not_there_are_not_found(name: str) -> None:
    for each in ("InMemoryStore", "text_event", "ToolStatus", "AssistantMessage"):
        assert not sdk.has(source(name), each)
        assert not hasattr(importlib.import_module(name), each)


@pytest.mark.parametrize("name", MODULES)
def test_all_members_and_parameters_of_classes_are_found(name: str) -> None:
    module, looked_at = importlib.import_module(name), 0
    for each in filter(is_public, dir(module)):
        found, value = sdk.look_up(source(name), each), getattr(module, each)
        if not (sdk.is_class(found) and isinstance(value, type)):
            continue
        assert isinstance(found, sdk.Definition)
        members = sdk.members_of(found)
        if members is not None:
            looked_at += 1
            lacking = [name for name in dir(value) if is_public(name) and name not in members]
            assert lacking == [], each
        keywords = sdk.keywords_of(found)
        if keywords is not None and "__init__" in dir(value):
            parameters = inspect.signature(value).parameters.values()
            named = {
                each.name
                for each in parameters
                if each.kind not in {each.VAR_KEYWORD, each.VAR_POSITIONAL}
            }
            assert named <= keywords, each
    assert looked_at or name in {"agents.models.openai_chatcompletions", "chatkit.errors"}


def test_what_a_server_has_is_known_whole() -> None:
    members = sdk.members_of(definition("chatkit.server", "ChatKitServer"))
    assert members is not None
    assert {"respond", "process", "store", "action", "handle_stream_cancelled"} <= members
    assert "text_event" not in members


def test_parameters_are_known_where_the_source_tells_them() -> None:
    agent = sdk.keywords_of(definition("agents", "Agent"))
    assert agent is not None
    assert {"name", "instructions", "tools", "model"} <= agent
    context = sdk.keywords_of(definition("chatkit.agents", "AgentContext"))
    assert context is not None
    assert "context" not in context
    assert sdk.keywords_of(definition("chatkit.types", "ThreadStreamEvent")) is None


@pytest.mark.parametrize(
    "name",
    ["", "os", "antigravity", "chatkit.nothing", "chatkit..types", "chatkit/types", "chatkit.../x"],
)
def test_only_modules_of_the_sdks_are_looked_up(name: str) -> None:
    assert sdk.source_of(name) is None


def test_nothing_is_imported() -> None:
    assert sdk.has(source("agents.voice"), "VoicePipeline")
    assert "agents.voice" not in sys.modules


def test_what_is_imported_from_elsewhere_counts_as_there() -> None:
    assert sdk.has(source("chatkit.types"), "BaseModel")
    assert sdk.look_up(source("chatkit.types"), "BaseModel") is None
    assert typing.get_origin(importlib.import_module("chatkit.types").ThreadStreamEvent)
