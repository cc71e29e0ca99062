"""Builds the pydantic schemas of the ChatKit SDK's types once, for all servers forked later.

The SDK makes ``TypeAdapter(ChatKitReq)`` anew for each request, which is most of what a small
request costs; stores make one of ``ThreadItem`` and a ``Page[ThreadItem]`` at each start. A
``TypeAdapter`` takes what a type carries ready, as pydantic's own models do, and builds only what
is missing: a server behaves the same with it and without. A ``config`` given to it changes nothing
in either case, for all of these are unions of models, which have their own. Must not know a server.
"""

from __future__ import annotations

from typing import Annotated, Any, get_origin

import chatkit.types
from chatkit.types import (
    FileTask,
    Page,
    SearchTask,
    ThreadItem,
    ThreadMetadata,
    Workflow,
    WorkflowItem,
)
from pydantic import TypeAdapter


def keep_schemas() -> None:
    """Put a ready schema, validator and serializer on each ``Annotated`` type of the SDK."""
    for annotated in vars(chatkit.types).values():
        if get_origin(annotated) is Annotated:
            adapter = TypeAdapter[Any](annotated)
            annotated.__pydantic_core_schema__ = adapter.core_schema
            annotated.__pydantic_validator__ = adapter.validator
            annotated.__pydantic_serializer__ = adapter.serializer
    # These hold one another, so that pydantic could not finish them; a server's own `AgentContext`
    # would begin each of them anew.
    for model in (SearchTask, FileTask, Workflow, WorkflowItem):
        model.model_rebuild()
    # pydantic remembers a generic model with its parameter only as long as somebody holds it, and a
    # server forgets the modules of the grader.
    vars(chatkit.types)["_ready_pages"] = (Page[ThreadItem], Page[ThreadMetadata])
