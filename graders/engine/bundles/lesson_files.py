"""The files of one lesson's grader, as they are or with what is hidden cut out.

Must not know where they go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from graders.engine.bundles.cutting import Cut, without_checks
from graders.engine.bundles.files import Files, files_below
from graders.engine.bundles.hidden import hidden_criteria
from graders.engine.content.catalogue import Lesson
from graders.engine.content.models import Criterion
from graders.engine.content.reasons import REASONS, load_reasons
from graders.engine.core.errors import ContentError

RUBRIC = "rubric.yaml"
LATER_HINT = "Graded later, by your instructor."


def whole(lesson: Lesson) -> Files:
    """Return all files of a lesson's grader by their place in its folder."""
    return files_below(lesson.grader_dir)


def open_to_students(lesson: Lesson) -> Files:
    """Return the files of a lesson's grader without the checks that are hidden, and their texts.

    Where nothing is hidden, the files are those of the project, byte by byte.
    """
    hidden = hidden_criteria(lesson)
    files = dict(whole(lesson))
    if not hidden:
        return files
    cut = _cut(lesson, files, hidden)
    texts = {f"{name}.py": text for name, text in cut.kept.items()}
    texts[RUBRIC] = _dumped({"format_version": 1, "criteria": list(_criteria(lesson, hidden))})
    if REASONS in files:
        why = {k: v for k, v in load_reasons(lesson.grader_dir).items() if k not in hidden}
        texts[REASONS] = _dumped({"format_version": 1, "why": why})
    left = "\n".join(cut.kept.values())
    others = {
        name: data
        for name, data in files.items()
        if not name.endswith(".py") and not _only_in(Path(name).stem, cut.removed, left)
    }
    return others | {name: text.encode() for name, text in texts.items()}


def _cut(lesson: Lesson, files: Files, hidden: frozenset[str]) -> Cut:
    sources = {name[:-3]: data.decode() for name, data in files.items() if name.endswith(".py")}
    try:
        return without_checks(sources, hidden)
    except ValueError as error:
        raise ContentError(
            lesson.grader_dir / RUBRIC,
            None,
            f"The check of the hidden criterion `{error}` is not found, so it cannot be cut out.",
            cure=f'Write its id out: @criterion("{error}").',
        ) from error


def _only_in(name: str, removed: str, left: str) -> bool:
    """Return whether a file is named by what is cut out and by nothing else."""
    return name in removed and name not in left


def _criteria(lesson: Lesson, hidden: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    for each in lesson.rubric.criteria:
        told = each.model_dump(mode="json", exclude_defaults=True)
        if each.id in hidden:
            yield _later(each)
        else:
            needs = [need for need in each.needs if need not in hidden]
            yield {**told, "needs": needs} if needs else _without_needs(told)


def _later(criterion: Criterion) -> Mapping[str, Any]:
    """Return what students may know of a hidden criterion; its requirement is in the README."""
    return {
        "id": criterion.id,
        "title": criterion.title,
        "points": criterion.points,
        "visibility": str(criterion.visibility),
        "requirement": criterion.requirement,
        "graded_later": True,
        "hints": {"default": LATER_HINT},
    }


def _without_needs(told: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in told.items() if name != "needs"}


def _dumped(data: object) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
