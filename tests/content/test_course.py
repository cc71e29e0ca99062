"""What a class sets is laid over the lessons, and each mistake is told with its line."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from graders.engine.content.catalogue import Catalogue
from graders.engine.content.course import CourseFile, find_course, load_course
from graders.engine.content.models import FULL_MARKS, Database
from graders.engine.content.versions import digest_of_course, digest_of_lesson
from graders.engine.core.errors import ContentError, UsageError
from graders.engine.core.results import FeedbackLevels, Visibility
from tests.miniature import COURSE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "course.md").read_text(encoding="utf-8")
WHOLE = """\
format_version: 1
name: Agents in practice
term: Spring 2027
lessons:
  greeting:
    criteria:
      polite: {points: 55}
      answers: {visibility: after_due_date}
      unannounced-guest: {feedback: {title: hidden, hint: visible}}
packages: [pandas, "scipy>=1,<2", "uvicorn[standard]"]
"""


def written(folder: Path, text: str = WHOLE) -> Path:
    path = folder / "course.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def catalogue(folder: Path, text: str = WHOLE) -> Catalogue:
    return Catalogue(COURSE, load_course(written(folder, text)))


def test_course_changes_points_and_leaves_the_rest(tmp_path: Path) -> None:
    points = {
        each.id: each.points for each in catalogue(tmp_path).lesson("greeting").rubric.criteria
    }
    assert points == {"polite": 55, "answers": 40, "remembers": 20, "unannounced-guest": 10}


def test_lesson_itself_stays_as_it_is(tmp_path: Path) -> None:
    before = digest_of_lesson(Catalogue(COURSE).lesson("greeting"))
    lesson = catalogue(tmp_path).lesson("greeting")
    assert lesson.rubric.criterion("polite").points == 55
    assert digest_of_lesson(lesson) == before
    plain = Catalogue(COURSE).lesson("greeting").rubric
    assert sum(each.points for each in plain.criteria) == FULL_MARKS


def test_course_leaves_the_points_that_optional_criteria_take(tmp_path: Path) -> None:
    text = "lessons: {lesson08: {criteria: {own-scenarios: {points: %d}}}}"
    enough = Catalogue(ROOT, load_course(written(tmp_path, text % 5))).lesson("lesson08").rubric
    assert enough.settled(()).criterion("own-scenarios").points == 0
    assert enough.settled(()).total == enough.total - 5
    with pytest.raises(
        ContentError, match="`own-scenarios` of lesson08 has fewer points"
    ) as caught:
        _ = Catalogue(ROOT, load_course(written(tmp_path, text % 4))).lesson("lesson08").rubric
    assert caught.value.line == 1
    assert caught.value.cure == "Give it more, or them fewer."


def test_course_has_its_own_lessons_only(tmp_path: Path) -> None:
    course = catalogue(tmp_path)
    assert course.ids() == ["greeting"]
    assert course.has("counting")  # so that the message below is told
    with pytest.raises(UsageError, match="`counting` is not in the course") as refused:
        course.lesson("counting")
    assert refused.value.cure == "Its lessons: greeting."


def test_course_without_lessons_has_all(tmp_path: Path) -> None:
    course = catalogue(tmp_path, "name: All of it")
    assert course.ids() == Catalogue(COURSE).ids()
    assert course.lesson("counting").rubric == Catalogue(COURSE).lesson("counting").rubric
    assert course.lesson("counting").course_title == "All of it"


def test_visibility_of_a_course_stands_for_the_whole_criterion(tmp_path: Path) -> None:
    rubric = catalogue(tmp_path).lesson("greeting").rubric
    later, hidden = Visibility.AFTER_DUE_DATE, Visibility.HIDDEN
    assert rubric.criterion("answers").levels == FeedbackLevels(seen=later, hint=later)
    guest = FeedbackLevels(title=hidden, seen=hidden)
    assert rubric.criterion("unannounced-guest").levels == guest
    assert rubric.visible_ids == ("polite", "remembers")


def test_lesson_with_its_course_can_be_sent_to_another_process(tmp_path: Path) -> None:
    sent = pickle.loads(pickle.dumps(catalogue(tmp_path).lesson("greeting")))
    assert sent.rubric.criterion("polite").points == 55


def test_digest_tells_what_the_course_changes(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        return digest_of_course(catalogue(tmp_path, text).lesson("greeting"))

    changed = digest(WHOLE)
    assert changed.startswith("sha256:")
    assert digest(WHOLE.replace("Spring", "Autumn").replace("pandas, ", "")) == changed
    assert digest(WHOLE.replace("55", "54")) != changed
    assert digest("lessons: {greeting: {}}") == ""
    assert digest_of_course(Catalogue(COURSE).lesson("greeting")) == ""


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "cure"),
    [
        ("term", "trem", 3, "`trem` is not a known key", "Did you mean `term`?"),
        ("Agents in practice", '" "', 2, "A text is missing", ""),
        ("version: 1", "version: 2", 1, "must be 1", ""),
        ("greeting:", "greting:", 5, "no such lesson", "Did you mean `greeting`?"),
        ("criteria:", "criterion:", 6, "is not a known key", "Did you mean `criteria`?"),
        ("polite:", "polit:", 7, "greeting has no such criterion", "Did you mean `polite`?"),
        ("points: 55", "point: 55", 7, "is not a known key", "Did you mean `points`?"),
        ("points: 55", "points: many", 7, "A whole number is wanted", ""),
        ("points: 55", "points: 1001", 7, "must be at most 1000", ""),
        ("points: 55", "points: -1", 7, "must be at least 0", ""),
        ("after_due_date", "after_due", 8, "must be 'visible', 'after_due_date'", ""),
        ("title: hidden", "titel: hidden", 9, "is not a known key", "Did you mean `title`?"),
        ("hint: visible", "hint: yes", 9, "must be 'visible'", ""),
        ("pandas", "two words", 10, "`two words` is not a package", "Write its name"),
        ("pandas", "--index-url=x", 10, "is not a package", "Write its name"),
        ("pandas", "pandas @ file:x", 10, "is not a package", "Write its name"),
    ],
)
def test_mistake_is_told_with_its_line_and_cure(  # noqa: PLR0917 - pytest passes them by name
    old: str, new: str, line: int, message: str, cure: str, tmp_path: Path
) -> None:
    assert old in WHOLE
    with pytest.raises(ContentError) as caught:
        catalogue(tmp_path, WHOLE.replace(old, new, 1)).lesson("greeting").rubric.ids  # noqa: B018
    assert caught.value.line == line
    assert message in str(caught.value)
    assert cure in caught.value.cure


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lessons: {}", "at least one lesson"),
        (
            "lessons: {counting: {criteria: {counts: {points: 0}}}}",
            "No criterion of counting has a point left",
        ),
        ("lessons: [greeting]", "must have keys and values"),
        ("lessons:\n  greeting:", "has no value"),
        ("", "is empty"),
    ],
)
def test_course_that_grades_nothing_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=message):
        [each.rubric.ids for each in catalogue(tmp_path, text).lessons()]


def test_course_is_the_one_asked_for_or_the_one_beside_the_grader(tmp_path: Path) -> None:
    assert find_course(tmp_path) is None
    beside = written(tmp_path)
    found = find_course(tmp_path)
    assert found is not None
    assert found.path == beside
    other = tmp_path / "other.yaml"
    other.write_text("name: Another", encoding="utf-8")
    asked = find_course(tmp_path, other)
    assert asked is not None
    assert asked.title == "Another"
    with pytest.raises(UsageError, match="There is no file"):
        find_course(tmp_path, tmp_path / "no.yaml")


DATES = """\
lessons:
  greeting: {weight: 3, due: 2027-03-14T23:59:00+01:00}
late:
  grace_minutes: 15
  percent_per_day: 10
  late_days: 2
  extensions:
    ada: {greeting: 2027-03-20T12:00:00Z}
"""


def test_lessons_have_weights_and_due_dates_and_students_extensions(tmp_path: Path) -> None:
    course = load_course(written(tmp_path, DATES))
    assert (course.weight_of("greeting"), course.weight_of("counting")) == (3, 1)
    assert course.due("greeting", "bob") == datetime.fromisoformat("2027-03-14T22:59:00+00:00")
    assert course.due("greeting", "ada") == datetime.fromisoformat("2027-03-20T12:00:00+00:00")
    assert course.due("counting", "ada") is None
    # Neither makes another result.
    lesson = Catalogue(COURSE, course).lesson("greeting")
    assert digest_of_course(lesson) == ""


@pytest.mark.parametrize("time", ["tomorrow", "2027-03-14", "2027-03-14T23:59:00", "12"])
def test_time_without_a_zone_is_refused(tmp_path: Path, time: str) -> None:
    text = DATES.replace("2027-03-14T23:59:00+01:00", time)
    with pytest.raises(ContentError, match=f":2: .*`{time}` is not a time"):
        load_course(written(tmp_path, text))


# --- docs/course.md -------------------------------------------------------------------------------


def keys_of(model: type[BaseModel], *above: str) -> Iterator[str]:
    """Yield every key of a model with the keys above it; a free key is `LESSON` or `ID`."""
    for name, field in model.model_fields.items():
        yield ".".join((*above, name))
        for inner, free in models_in(field.annotation):
            yield from keys_of(inner, *above, name, *([FREE[name]] if free else []))


FREE = {"lessons": "LESSON", "criteria": "ID"}


def models_in(annotation: Any, *, free: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    """Yield each model that a value may hold, and whether it is below keys that are free."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, free
        return
    origin = get_origin(annotation)
    for each in get_args(annotation):
        yield from models_in(each, free=free or origin not in {Union, UnionType, tuple, None})


def test_page_explains_every_key_and_no_other() -> None:
    table = PAGE.split("## Keys")[1].split("\n## ")[0]
    told = re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE)
    assert told == list(keys_of(CourseFile))


def test_page_explains_every_word_of_visibility() -> None:
    table = PAGE.split("## Visibility")[1]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Visibility)


def test_example_of_the_page_fits_the_lessons(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    course = Catalogue(ROOT, load_course(written(tmp_path, example)))
    assert [lesson.id for lesson in course.lessons()] == ["lesson02", "lesson06"]
    assert all(lesson.rubric.criteria for lesson in course.lessons())


def test_course_chooses_what_a_lesson_stores_in(tmp_path: Path) -> None:
    text = "lessons: {lesson05: {database: postgresql}, lesson02: {}, lesson06: {database: sqlite}}"
    lessons = Catalogue(ROOT, load_course(written(tmp_path, text))).lessons()
    chosen = {lesson.id: lesson.database for lesson in lessons}
    digests = {lesson.id: digest_of_course(lesson) for lesson in lessons}
    assert [name for name, digest in digests.items() if digest] == ["lesson05"]
    assert chosen == {
        "lesson02": Database.SQLITE,
        "lesson05": Database.POSTGRESQL,
        "lesson06": Database.SQLITE,
    }


def test_database_that_a_lesson_does_not_know_is_told_with_its_line(tmp_path: Path) -> None:
    text = "lessons:\n  greeting:\n    database: postgresql\n"
    with pytest.raises(ContentError, match="cannot be graded with postgresql") as error:
        catalogue(tmp_path, text).lesson("greeting")
    assert error.value.line == 3
    assert "It knows: sqlite." in str(error.value)
