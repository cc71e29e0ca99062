"""Our own JSON: a result as it is, under the schema in ``docs/result.schema.json``.

Pure, but for ``python -m graders.engine.reports.json_report``, which prints the schema anew.
"""

from __future__ import annotations

import json
import sys

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError

from graders.engine.core.results import RESULT_FORMAT_VERSION, Result
from graders.engine.core.text import encodable, with_texts

_DIALECT = GenerateJsonSchema.schema_dialect
_ID = f"urn:chatkit-autograder:result:{RESULT_FORMAT_VERSION}"
"""A name and no address: the schema lies in the project, as ``docs/result.schema.json``."""


def render(result: Result) -> str:
    """Return the result as indented JSON with a newline at its end.

    What UTF-8 cannot encode is written as an escape: a submission may have a file of such a name,
    and no score is lost by what it is called.
    """
    try:
        return result.model_dump_json(indent=2) + "\n"
    except PydanticSerializationError:
        whole = Result.model_validate(with_texts(result.model_dump(), encodable))
        return whole.model_dump_json(indent=2) + "\n"


def schema() -> str:
    """Return the published JSON schema of a result."""
    head = {"$schema": _DIALECT, "$id": _ID}
    told = {**head, **Result.model_json_schema(schema_generator=_Schema, mode="serialization")}
    return json.dumps(told, indent=2) + "\n"


class _Schema(GenerateJsonSchema):
    """Without titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's own
        return False


if __name__ == "__main__":
    sys.stdout.write(schema())
