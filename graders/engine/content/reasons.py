"""Why each criterion of a lesson matters: ``graders/<lesson>/why.yaml``, for ``grade.py explain``.

Must not know how it is shown. It is apart from the rubric, because no score depends on it::

    format_version: 1
    why:
      event-order: A client builds its page from these events, each on top of the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from graders.engine.content.binding import read
from graders.engine.content.fields import ContentModel, FormatVersion, Sentence, Slug

REASONS = "why.yaml"


class _ReasonFile(ContentModel):
    """A ``why.yaml``."""

    format_version: FormatVersion
    why: Mapping[Slug, Sentence]


def load_reasons(grader_dir: Path) -> Mapping[str, str]:
    """Return by criterion why it matters; nothing if the lesson has no such file."""
    path = grader_dir / REASONS
    return read(path, _ReasonFile).why if path.is_file() else {}
