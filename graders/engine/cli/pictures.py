"""Writes the pictures of a result to files: no terminal shows them.

Must not know what is in a picture.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Collection
from pathlib import Path

from graders.engine.core.results import Result
from graders.engine.reports.files import replace_whole
from graders.engine.reports.telling import failed_cases


def write_pictures(result: Result, ids: Collection[str]) -> list[tuple[str, Path]]:
    """Write those of the criteria ``ids`` to a new folder; return what each is of, and its path.

    A picture that several cases share is written once.
    """
    pictures = {
        case.feedback.picture.jpeg: (row.id, case.feedback.picture)
        for row in result.criteria
        if row.id in ids
        for case in failed_cases(row)
        if case.feedback is not None and case.feedback.picture is not None
    }
    if not pictures:
        return []
    folder = Path(tempfile.mkdtemp(prefix=f"chatkit-{result.lesson}-pictures-"))
    written = []
    for number, (name, picture) in enumerate(pictures.values(), start=1):
        path = folder / f"{number}-{name}.jpg"
        replace_whole(path, base64.b64decode(picture.jpeg))
        written.append((picture.of, path))
    return written
