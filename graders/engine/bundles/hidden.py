"""Which criteria of a lesson students may not see: their checks are in no copy that lies open.

The one place that decides it. A course that hides more than the rubric does has said so in the
lesson's rubric already. Must not know what a copy is made of.
"""

from __future__ import annotations

from graders.engine.content.catalogue import Lesson


def hidden_criteria(lesson: Lesson) -> frozenset[str]:
    """Return the ids of the criteria whose details students may not see, now or yet."""
    return frozenset(lesson.rubric.ids) - frozenset(lesson.rubric.visible_ids)
