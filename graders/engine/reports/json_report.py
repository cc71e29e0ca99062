"""Our own JSON: a result as it is, under the schema in ``docs/result.schema.json``.

Pure, but for ``python -m graders.engine.reports.json_report``, which prints the schema anew.
"""

from __future__ import annotations

import json
import sys

from graders.engine.core.results import Result


def render(result: Result) -> str:
    """Return the result as indented JSON with a newline at its end."""
    return result.model_dump_json(indent=2) + "\n"


def schema() -> str:
    """Return the published JSON schema of a result."""
    return json.dumps(Result.model_json_schema(mode="serialization"), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
