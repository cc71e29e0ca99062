"""What servers find ready of the SDK's types, and that it is the same as what they would build."""

from __future__ import annotations

import warnings
from typing import Any

from chatkit.types import ChatKitReq, ThreadItem
from pydantic import TypeAdapter
from pydantic.json_schema import PydanticJsonSchemaWarning

from tests.sandbox.wired import Starter


def test_types_of_the_sdk_are_ready_for_each_server(students: Starter) -> None:
    assert students.serve().ask(
        """
        from chatkit.types import ChatKitReq, Page, ThreadItem
        from pydantic import TypeAdapter
        known = Page.__subclasses__()
        answer = {
            "requests": TypeAdapter[ChatKitReq](ChatKitReq).validator
                is TypeAdapter(ChatKitReq).validator,
            "items": TypeAdapter(ThreadItem).validator is TypeAdapter(ThreadItem).validator,
            "pages": Page[ThreadItem] in known,
        }
        """
    ) == {"requests": True, "items": True, "pages": True}


def test_ready_schemas_are_those_that_a_server_would_build(students: Starter) -> None:
    ready = students.serve().ask(
        """
        import warnings
        from chatkit.types import ChatKitReq, ThreadItem
        from pydantic import BaseModel, TypeAdapter
        class Row(BaseModel):
            item: ThreadItem
        warnings.simplefilter("ignore")
        answer = [TypeAdapter(each).json_schema() for each in (ChatKitReq, ThreadItem, Row)]
        """
    )
    assert ready[:2] == [_schema(ChatKitReq), _schema(ThreadItem)]
    assert ready[2]["$defs"].keys() >= ready[1]["$defs"].keys()


def _schema(annotated: Any) -> dict[str, Any]:
    with warnings.catch_warnings():
        # Of a type of the SDK that has no schema for its default.
        warnings.simplefilter("ignore", PydanticJsonSchemaWarning)
        return TypeAdapter[Any](annotated).json_schema()
