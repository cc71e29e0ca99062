"""The files of one lesson's grader, as they are or with what is hidden cut out.

Must not know where they go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from graders.engine.bundles.cutting import Cut, criteria_using, without_checks
from graders.engine.bundles.files import Files, files_below
from graders.engine.bundles.hidden import hidden_criteria
from graders.engine.content.catalogue import Lesson
from graders.engine.content.course import COURSE_NAME, CriterionInCourse
from graders.engine.content.misconceptions import FILE as MISCONCEPTIONS
from graders.engine.content.models import Criterion, Database, load_rubric
from graders.engine.content.reasons import REASONS, load_reasons
from graders.engine.core.errors import ContentError
from graders.engine.core.results import Visibility

RUBRIC = "rubric.yaml"
COURSE_SERVERS = "course_servers"
"""The fixture with which a check plays on solutions and mutants."""
_OF_EVERY_COURSE = {"name", "term", "packages"}
"""What a bundle takes along of a course; due dates and single students are no matter of it."""
LATER = "Graded later"
LATER_HINT = "Graded later, by your instructor."


def whole(lesson: Lesson) -> Files:
    """Return all files of a lesson's grader by their place in its folder."""
    return files_below(lesson.grader_dir)


def open_to_students(lesson: Lesson) -> Files:
    """Return the files of a lesson's grader without the checks that are hidden, and their texts.

    Where nothing is hidden and no course changes it, the files are the project's, byte by byte.
    """
    files = dict(whole(lesson))
    hidden = hidden_criteria(lesson) | played_on_course_servers(lesson)
    if not hidden and not _changes(lesson):
        return files
    cut = _cut(lesson, files, hidden)
    texts = {f"{name}.py": text for name, text in cut.kept.items()}
    texts[RUBRIC] = _dumped({"format_version": 1, "criteria": list(_criteria(lesson, hidden))})
    if REASONS in files:
        why = {k: v for k, v in load_reasons(lesson.grader_dir).items() if k not in hidden}
        texts[REASONS] = _dumped({"format_version": 1, "why": why})
    if played_on_course_servers(lesson):
        files.pop(MISCONCEPTIONS, None)
    left = "\n".join(cut.kept.values())
    others = {
        name: data
        for name, data in files.items()
        if not name.endswith(".py") and not _only_in(Path(name).stem, cut.removed, left)
    }
    return others | {name: text.encode() for name, text in texts.items()}


def borrowed_lessons(lesson: Lesson) -> frozenset[str]:
    """Return the ids of the lessons whose checks decide criteria of this one."""
    return frozenset(
        name.partition("/")[0] for each in lesson.rubric.criteria for name in _borrows(each)
    )


def played_on_course_servers(lesson: Lesson) -> frozenset[str]:
    """Return the criteria that need solutions and mutants: students cannot have these."""
    used = criteria_using(_sources(whole(lesson)), COURSE_SERVERS)
    return used & frozenset(lesson.rubric.ids)


def _borrows(criterion: Criterion) -> tuple[str, ...]:
    return criterion.borrows


def _sources(files: Files) -> Mapping[str, str]:
    return {name[:-3]: data.decode() for name, data in files.items() if name.endswith(".py")}


def _cut(lesson: Lesson, files: Files, hidden: frozenset[str]) -> Cut:
    borrowing = {each.id for each in lesson.rubric.criteria if _borrows(each)}
    try:
        return without_checks(_sources(files), hidden - borrowing)
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


def course_file(lessons: Sequence[Lesson], *, to_students: bool) -> Files:
    """Return the ``course.yaml`` of a bundle, if there is a course: what it says of these lessons.

    Students read the points and the database only; what is hidden from them is cut out already.
    """
    course = lessons[0].course
    if course is None:
        return {}
    told = course.told.model_dump(mode="json", exclude_defaults=True, include=_OF_EVERY_COURSE)
    chosen = {
        each.id: {"criteria": _in_course(each, to_students=to_students), **_database(each)}
        for each in lessons
    }
    return {COURSE_NAME: _dumped({"format_version": 1, **told, "lessons": chosen}).encode()}


def _database(lesson: Lesson) -> Mapping[str, str]:
    """Return what the servers are graded with, where the class has another than the usual one."""
    return {} if lesson.database is Database.SQLITE else {"database": str(lesson.database)}


def _in_course(lesson: Lesson, *, to_students: bool) -> Mapping[str, Any]:
    changes = _changes(lesson)
    if not to_students:
        dumped = {name: each.model_dump(mode="json") for name, each in changes.items()}
        return {name: _without_nothing(each) for name, each in dumped.items()}
    names = _shown_ids(lesson)
    return {
        names[name]: {"points": each.points}
        for name, each in changes.items()
        if each.points is not None
    }


def _without_nothing(told: Any) -> Any:
    """Return what a person would have written: no key whose value is left out."""
    if not isinstance(told, dict):
        return told
    return {key: _without_nothing(value) for key, value in told.items() if value is not None}


def _changes(lesson: Lesson) -> Mapping[str, CriterionInCourse]:
    return lesson.course.changes_of(lesson.id) if lesson.course else {}


def _has_hidden_title(criterion: Criterion) -> bool:
    return criterion.levels.title is not Visibility.VISIBLE


def _shown_ids(lesson: Lesson) -> Mapping[str, str]:
    """Return by id what students call a criterion: by its number where its title is hidden."""
    return {
        each.id: f"graded-later-{number}" if _has_hidden_title(each) else each.id
        for number, each in enumerate(lesson.rubric.criteria, start=1)
    }


def _criteria(lesson: Lesson, hidden: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the rubric with the points of its authors: those of a course are in the course's file.

    So they sum to 100, as those of every rubric.
    """
    authors = load_rubric(lesson.grader_dir / RUBRIC)
    names = _shown_ids(lesson)
    for each in lesson.rubric.criteria:
        points = authors.criterion(each.id).points
        part = {**_optional(each, names), "points": points}
        if each.id in hidden:
            yield {**_later(each, names[each.id]), **part}
        else:
            told = each.model_dump(mode="json", exclude_defaults=True) | part
            needs = [need for need in each.needs if need not in hidden]
            yield {**told, "needs": needs} if needs else _without_needs(told)


def _optional(criterion: Criterion, names: Mapping[str, str]) -> Mapping[str, Any]:
    """Return that a criterion is optional, if it is, with the name of the one that gives points."""
    if criterion.optional is None:
        return {}
    told = criterion.optional.model_dump(mode="json")
    return {"optional": told | {"points_from": names[criterion.optional.points_from]}}


def _later(criterion: Criterion, name: str) -> Mapping[str, Any]:
    """Return what students may know of a hidden criterion; its requirement is in the README."""
    if _has_hidden_title(criterion):
        told = {"title": LATER, "requirement": LATER_HINT}
    else:
        told = {"title": criterion.title, "requirement": criterion.requirement}
    return {"id": name, **told, "graded_later": True, "hints": {"default": LATER_HINT}}


def _without_needs(told: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in told.items() if name != "needs"}


def _dumped(data: object) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
