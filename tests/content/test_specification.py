"""A student's specification is read strictly, and within bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.content.misconceptions import load_misconceptions
from graders.engine.content.specification import AREAS, load_specification
from graders.engine.core.errors import ContentError

REQUIREMENTS = "".join(
    f"  - id: r-{area}\n    area: {area}\n    text: Something about {area}.\n" for area in AREAS
)
SCENARIO = (
    "  - name: all\n    covers: [r-conversation, r-authentication, r-session, r-tasks]\n"
    "    description: Everything.\n    turns: [{say: Hello}]\n"
)
WHOLE = f"format_version: 1\nrequirements:\n{REQUIREMENTS}scenarios:\n{SCENARIO}"


def error_of(tmp_path: Path, text: str) -> ContentError:
    file = tmp_path / "spec.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        load_specification(file)
    return caught.value


def test_specification_is_read(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(WHOLE, encoding="utf-8")
    spec = load_specification(file)
    assert spec.areas_of(spec.scenarios[0]) == set(AREAS)


@pytest.mark.parametrize(
    ("change", "line", "message", "cure"),
    [
        ((REQUIREMENTS, ""), 2, "`requirements` has no value", ""),
        (
            ("area: tasks", "area: session"),
            2,
            "No requirement is about the area `tasks`",
            "at least",
        ),
        (("area: tasks", "area: task"), 13, "must be 'conversation'", ""),
        (("r-session, ", ""), 9, "No scenario covers `r-session`", "`covers: [r-session]`"),
        (("r-tasks]", "r-task]"), 17, "no requirement `r-task`", "`r-tasks`"),
        (("covers: [r-con", "cover: [r-con"), 17, "`cover` is not a known key", "`covers`"),
        (("turns: [{say: Hello}]", "turns: [{says: Hello}]"), 19, "not a known key", "`say`"),
        (("turns: [{say: Hello}]", "turns: [{wait: 1 year}]"), 19, "not a time to wait", ""),
        (("id: r-tasks", "id: r-session"), 12, "`r-session` is there already", "another name"),
        ((SCENARIO, SCENARIO * 2), 20, "`all` is there already", "another name"),
        ((SCENARIO, SCENARIO * 1_000), 176, "There are 1,000, more than 40", "of their own"),
        (("text: Something about tasks.", "text: &a b"), 14, "Anchors", ""),
        (("text: Something about tasks.", "text: !!python/none b"), 14, "Tags", ""),
    ],
)
def test_mistake_names_line_and_cure(
    tmp_path: Path, change: tuple[str, str], line: int, message: str, cure: str
) -> None:
    error = error_of(tmp_path, WHOLE.replace(*change))
    assert message in error.message
    assert error.line == line
    assert cure in error.cure


def test_scenario_of_10_000_turns_is_refused(tmp_path: Path) -> None:
    turns = "[" + ", ".join(["{load: true}"] * 10_000) + "]"
    error = error_of(tmp_path, WHOLE.replace("[{say: Hello}]", turns))
    assert "20,000 values" in error.message or "more than" in error.message


def test_turns_of_all_scenarios_together_are_bounded(tmp_path: Path) -> None:
    turns = "[" + ", ".join(["{load: true}"] * 150) + "]"
    long = SCENARIO.replace("[{say: Hello}]", turns)
    three = "".join(long.replace("name: all", f"name: all-{number}") for number in range(3))
    error = error_of(tmp_path, WHOLE.replace(SCENARIO, three))
    assert "more than 400 turns together" in error.message


def test_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="is not a file"):
        load_specification(tmp_path / "spec.yaml")
    assert "larger than" in error_of(tmp_path, "#" * 200_001).message


def test_list_at_the_top_is_refused(tmp_path: Path) -> None:
    assert "keys and values" in error_of(tmp_path, "- a\n").message
    text = "format_version: 1\nrequirements: a\nscenarios: b\n"
    assert "must be a list" in error_of(tmp_path, text).message


MISCONCEPTION = "  - {id: one, area: tasks, told: A server that forgets}\n"


def test_misconceptions_are_read(tmp_path: Path) -> None:
    file = tmp_path / "misconceptions.yaml"
    file.write_text(f"format_version: 1\nmisconceptions:\n{MISCONCEPTION}", encoding="utf-8")
    (found,) = load_misconceptions(file)
    assert (found.id, found.area, found.public) == ("one", "tasks", False)


def test_misconception_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "misconceptions.yaml"
    file.write_text(f"format_version: 1\nmisconceptions:\n{MISCONCEPTION * 2}", encoding="utf-8")
    with pytest.raises(ContentError, match="`one` is there already"):
        load_misconceptions(file)
