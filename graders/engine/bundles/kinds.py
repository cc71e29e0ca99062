"""The kinds of bundles, each as files by place: a student's copy, and graders for classrooms.

What is special to one place is in ``classrooms`` of the project, as the files that go there. Must
not write anything.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from graders.engine.bundles import lesson_files
from graders.engine.bundles.files import Files, files_below, placed
from graders.engine.bundles.hidden import hidden_criteria
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.core.errors import UsageError
from graders.engine.core.results import IsolationLevel
from graders.engine.core.version import VERSION

MANIFEST = "graders/bundle.json"
_TOP = ("grade.py", "pyproject.toml", "uv.lock", "LICENSE")
_OF_COURSE = ("course.lock",)
"""What packages of a course are locked in."""
_EXPORTS = "requirements*.txt"
_FOR_INSTRUCTORS = frozenset(
    {
        "bulk.md",
        "classrooms.md",
        "coverage.md",
        "coverage.yaml",
        "decisions.md",
        "exams.md",
        "words.md",
    }
)
_GRADERS = ("bootstrap", "engine")


def student(root: Path, lessons: Sequence[Lesson]) -> Files:
    """Return a template repository: assignments, samples, what grades them, and a workflow."""
    classroom = _classroom(root, "student")
    workflow = _classroom(root, "github-actions")["grade.yml"]
    told = {
        **_grader(root, lessons, to_students=True),
        **placed(_without(files_below(root / "docs"), _FOR_INSTRUCTORS), "docs"),
        **classroom,
        "README.md": _filled(classroom["README.md"], lessons),
        ".github/workflows/grade.yml": _filled(workflow, lessons),
        ".gitignore": (root / ".gitignore").read_bytes(),
    }
    return {**told, MANIFEST: _manifest(told, lessons)}


def classroom50(root: Path, lessons: Sequence[Lesson], require: IsolationLevel) -> Files:
    """Return the folder of an autograder in Classroom 50, which lies open on the web."""
    classroom = _classroom(root, "classroom50")
    files = _grader(root, [_only(lessons)], to_students=True)
    return {**files, "autograder.py": _filled(classroom["autograder.py"], lessons, require)}


def gradescope(root: Path, lessons: Sequence[Lesson], require: IsolationLevel) -> Files:
    """Return what a Gradescope autograder's archive holds; only instructors see it."""
    classroom = _classroom(root, "gradescope")
    scripts = {name: _filled(data, lessons, require) for name, data in classroom.items()}
    return {**_grader(root, [_only(lessons)], to_students=False), **scripts}


def prairielearn(root: Path, lessons: Sequence[Lesson], require: IsolationLevel) -> Files:
    """Return the files of a PrairieLearn course: the grader, its image, a question a lesson."""
    classroom = _classroom(root, "prairielearn")
    grader = {
        **_grader(root, lessons, to_students=False),
        "run_grader": _filled(classroom["run_grader"], lessons, require),
    }
    questions = {
        f"questions/{lesson.id}/{name}": _filled(classroom[name], [lesson])
        for lesson in lessons
        for name in ("info.json", "question.html")
    }
    return {
        **placed(grader, "serverFilesCourse/chatkit_grader"),
        **questions,
        "Dockerfile": _filled(classroom["Dockerfile"], lessons),
    }


def _grader(root: Path, lessons: Sequence[Lesson], *, to_students: bool) -> Files:
    """Return what grades these lessons: no bank of answers, no test of the project.

    Solutions and mutants are only with what instructors get, and only where checks play on them.
    """
    graders = root / "graders"
    files = {name: (root / name).read_bytes() for name in _TOP}
    files |= {name: (root / name).read_bytes() for name in _OF_COURSE if (root / name).is_file()}
    files |= lesson_files.course_file(lessons, to_students=to_students)
    files |= {f"graders/{path.name}": path.read_bytes() for path in graders.glob(_EXPORTS)}
    files["graders/__init__.py"] = (graders / "__init__.py").read_bytes()
    for name in _GRADERS:
        files |= placed(files_below(graders / name), f"graders/{name}")
    files_of = lesson_files.open_to_students if to_students else lesson_files.whole
    lenders = _lenders(root, lessons)
    if to_students:
        for lesson in lessons:
            _require_no_hidden_loan(lesson, lenders)
    for name in lenders.keys() - {lesson.id for lesson in lessons}:
        files |= placed(files_of(lenders[name]), f"graders/{name}")
    for lesson in lessons:
        files |= placed(files_of(lesson), f"graders/{lesson.id}")
        files |= placed(files_below(lesson.assignment_dir), f"assignments/{lesson.id}")
        if not to_students and lesson_files.played_on_course_servers(lesson):
            files |= placed(files_below(lesson.solutions_dir), f"reference_solutions/{lesson.id}")
    return files


def _lenders(root: Path, lessons: Sequence[Lesson]) -> Mapping[str, Lesson]:
    """Return the lessons whose checks others borrow; of those too the course may hide something."""
    names = {name for lesson in lessons for name in lesson_files.borrowed_lessons(lesson)}
    return {name: replace(Catalogue(root).lesson(name), course=lessons[0].course) for name in names}


def _require_no_hidden_loan(lesson: Lesson, lenders: Mapping[str, Lesson]) -> None:
    """Refuse a lesson that cannot be graded without a check which the course hides."""
    for loan in (loan for each in lesson.rubric.criteria for loan in each.borrows):
        lender, _, criterion = loan.partition("/")
        if criterion in hidden_criteria(lenders[lender]):
            raise UsageError(
                f"`{criterion}` of {lender} is hidden from students, and {lesson.id} borrows it: "
                "a copy of it would show the check.",
                cure=f"Make the copy without {lesson.id}, or let students see the criterion.",
            )


def _classroom(root: Path, name: str) -> Files:
    folder = root / "classrooms" / name
    if not folder.is_dir():
        raise UsageError(
            "This copy of the grader cannot make bundles: it has no folder `classrooms`.",
            cure="Make them from the whole project.",
        )
    return files_below(folder)


def _only(lessons: Sequence[Lesson]) -> Lesson:
    if len(lessons) != 1:
        raise UsageError(
            f"There, an assignment is one lesson; you named {len(lessons)}.",
            cure="Make a bundle for each lesson.",
        )
    return lessons[0]


def _filled(
    template: bytes,
    lessons: Sequence[Lesson],
    require: IsolationLevel = IsolationLevel.STRONG,
) -> bytes:
    """Return a file of ``classrooms`` with the lessons and the level that is required.

    In ``classrooms`` it is a whole file for lesson06.
    """
    first = lessons[0]
    meant = {
        "| `lesson06` | Title |": "\n".join(f"| `{each.id}` | {each.title} |" for each in lessons),
        "[lesson06]": f"[{', '.join(each.id for each in lessons)}]",
        "in lesson06;": f"in {' '.join(each.id for each in lessons)};",
        "lesson06": first.id,
        "Lesson's title": first.title,
        "REQUIRE=strong": f"REQUIRE={require}",
        str(UUID(int=0)): str(uuid5(NAMESPACE_URL, f"chatkit-grader/{first.id}")),
    }
    # In one go, so that no word of the bundle is taken for one that stands for another.
    words = re.compile("|".join(map(re.escape, meant)))
    return words.sub(lambda found: meant[found[0]], template.decode()).encode()


def _manifest(files: Files, lessons: Sequence[Lesson]) -> bytes:
    """Return what a copy can be compared with: the digest of each file that is not to be edited."""
    own = {
        name: hashlib.sha256(data).hexdigest()
        for name, data in sorted(files.items())
        if name.startswith("graders/") or name in _TOP
    }
    later = {
        each.id: len(hidden_criteria(each) | lesson_files.played_on_course_servers(each))
        for each in lessons
    }
    told = {"format_version": 1, "grader": VERSION, "graded_later": later, "files": own}
    return (json.dumps(told, indent=1) + "\n").encode()


def _without(files: Files, names: frozenset[str]) -> Files:
    return {name: data for name, data in files.items() if name not in names}
