"""A rubric is consistent, or the error says on which line it is not and what to write."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from graders.engine.content.announced import check_announced
from graders.engine.content.binding import bind
from graders.engine.content.models import Criterion, Rubric, load_rubric
from graders.engine.content.strict_yaml import parse
from graders.engine.core.errors import ContentError
from graders.engine.core.results import Visibility

TWO_CRITERIA = """\
format_version: 1
criteria:
  - id: server-answers
    title: The server answers
    points: 40
    requirement: The server answers each message.
    hints:
      default: Start it by hand.
  - id: answer-streams
    title: The answer streams
    points: 60
    visibility: hidden
    needs: [server-answers]
    requirement: >
      The answer comes
      token by token.
    partial: true
    hints:
      default: Yield each event.
      buffered: Do not collect them.
"""


def load_text(folder: Path, text: str) -> Rubric:
    path = folder / "rubric.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return load_rubric(path)


def criterion(name: str, points: int = 0, *needs: str) -> Criterion:
    return Criterion(
        id=name,
        title=name,
        points=points,
        needs=needs,
        requirement=f"It does *{name}*.",
        hints={"default": "Try again."},
    )


OPTIONAL = (
    TWO_CRITERIA
    + """\
  - id: front-end
    title: The front end loads
    points: 15
    optional: {part: front-end, points_from: answer-streams}
    requirement: The front end loads.
    hints: {default: Open it.}
"""
)


def test_points_of_what_is_optional_come_from_another_criterion(tmp_path: Path) -> None:
    rubric = load_text(tmp_path, OPTIONAL)
    with_it, without = rubric.settled(()), rubric.settled({"front-end"})
    assert [each.points for each in with_it.criteria] == [40, 45, 15]
    assert [each.points for each in without.criteria] == [40, 60, 0]
    assert rubric.total == with_it.total + 15 == without.total == 100


@pytest.mark.parametrize(
    ("old", "new", "line", "says", "cure"),
    [
        ("part: front-end", "part: web", 24, "must be 'front-end'", ""),
        ("from: answer-streams", "from: streams", 24, "`streams` cannot give points", "Did you"),
        ("from: answer-streams", "from: front-end", 24, "`front-end` cannot give", "not optional"),
        ("needs: [server-answers]", "needs: [front-end]", 13, "nothing else can need it", ""),
        ("points: 15", "points: 61", 2, "`answer-streams` has fewer points", "them fewer"),
    ],
)
def test_optional_criterion_that_does_not_fit_is_told(  # noqa: PLR0917 - pytest passes them by name
    tmp_path: Path, old: str, new: str, line: int, says: str, cure: str
) -> None:
    with pytest.raises(ContentError) as caught:
        load_text(tmp_path, OPTIONAL.replace(old, new))
    assert caught.value.line == line
    assert says in caught.value.message
    assert cure in caught.value.cure


def test_rubric_reads_every_key(tmp_path: Path) -> None:
    rubric = load_text(tmp_path, TWO_CRITERIA)
    streams = rubric.criterion("answer-streams")
    assert rubric.ids == ("server-answers", "answer-streams")
    assert streams.points == 60
    assert streams.visibility is Visibility.HIDDEN
    assert streams.needs == ("server-answers",)
    assert streams.requirement == "The answer comes token by token."
    assert streams.partial
    assert not rubric.criterion("server-answers").partial


def test_hint_without_a_text_of_its_own_is_the_default() -> None:
    one = criterion("a")
    assert one.hint(None) == one.hint("unheard-of") == "Try again."


def test_hint_with_a_key_is_its_own(tmp_path: Path) -> None:
    streams = load_text(tmp_path, TWO_CRITERIA).criterion("answer-streams")
    assert streams.hint("buffered") == "Do not collect them."


@pytest.mark.parametrize(
    ("old", "new", "line", "says", "cure"),
    [
        ("points: 40", "ponits: 40", 5, "`ponits` is not a known key", "`points`"),
        ("    points: 40\n", "", 3, "`points` is missing", "Add `points"),
        ("points: 40", "points: forty", 5, "whole number", "digits"),
        ("points: 40", 'points: "40"', 5, "whole number", "without quotes"),
        ("points: 40", "points: 4_0", 5, "whole number", "digits"),
        ("points: 40", "points: 1e2", 5, "whole number", "digits"),
        ("points: 40", "points: [40]", 5, "whole number", "digits"),
        ("points: 40", "points: 30", 2, "sum to 90", "10 too few"),
        ("points: 40", "points: 41", 2, "sum to 101", "1 too many"),
        ("points: 40", "points: -1", 5, "at least 0", ""),
        ("points: 40", "points: 999", 5, "at most 100", ""),
        ("visibility: hidden", "visibility: secret", 12, "must be 'visible'", ""),
        ("partial: true", "partial: yes", 17, "`true` or `false`", "without quotes"),
        ("id: answer-streams", "id: server-answers", 9, "is there already", "differ"),
        ("id: answer-streams", "id: Answer_streams", 9, "is not an id", "hyphens"),
        ("needs: [server-answers]", "needs: [zzz]", 13, "no criterion `zzz`", "Known"),
        ("needs: [server-answers]", "needs: [server-answer]", 13, "no crit", "`server-answers`"),
        ("needs: [server-answers]", "needs: server-answers", 13, "must be a list", "`- `"),
        ("needs: [server-answers]", "needs: [answer-streams]", 13, "in a circle", "Remove"),
        ("      default: Yield each event.\n", "", 18, "`default` is missing", "Add"),
        ("title: The server answers", 'title: " "', 4, "missing here", "at least a word"),
        ("title: The server answers", "title: {a: b}", 4, "must be a text", ""),
        ("    hints:\n      default: Start it by hand.", "    hints: a", 7, "keys and", "key: val"),
        ("format_version: 1", "format_version: 2", 1, "must be 1, not `2`", ""),
    ],
)
def test_mistake_in_a_rubric_has_line_and_cure(
    old: str, new: str, line: int, says: str, cure: str
) -> None:
    assert old in TWO_CRITERIA
    node = parse(TWO_CRITERIA.replace(old, new), Path("rubric.yaml"))
    with pytest.raises(ContentError) as caught:
        bind(node, Rubric, Path("rubric.yaml"))
    assert caught.value.line == line
    assert says in caught.value.message
    assert cure in caught.value.cure


def test_place_in_a_message_counts_from_one(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"`criteria\[2\].points`: A whole number"):
        load_text(tmp_path, TWO_CRITERIA.replace("points: 60", "points: lots"))


def test_first_mistake_in_the_file_is_reported(tmp_path: Path) -> None:
    text = TWO_CRITERIA.replace("points: 60", "points: x").replace("points: 40", "points: y")
    with pytest.raises(ContentError) as caught:
        load_text(tmp_path, text)
    assert caught.value.line == 5


@pytest.mark.parametrize("text", ["- a\n", "text\n", "criteria: []\n", "{}\n"])
def test_file_of_another_shape_is_a_content_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ContentError, match=r"rubric\.yaml:1"):
        load_text(tmp_path, text)


def test_circle_of_three_is_named_without_what_hangs_on_it() -> None:
    with pytest.raises(ValueError, match="in a circle") as caught:
        Rubric(
            criteria=(
                criterion("outside", 100, "a"),
                criterion("a", 0, "b"),
                criterion("b", 0, "c"),
                criterion("c", 0, "a"),
            )
        )
    assert "outside" not in str(caught.value).partition("in a circle")[2].partition("[")[0]


def test_prerequisites_first_keeps_the_order_where_it_can() -> None:
    rubric = Rubric(
        criteria=(
            criterion("z", 50, "m", "b"),
            criterion("b", 50, "m"),
            criterion("a"),
            criterion("m"),
        )
    )
    assert [each.id for each in rubric.prerequisites_first()] == ["a", "m", "b", "z"]


README = """\
# Lesson

<!-- - **25** It does hidden. -->
- **100** It does `plain`.
- **100** It
  does   **wrapped**.
> (100 points) It does
> *quoted*.

| 100 | It does [linked](https://example.org/page). |

In step 100. It does *uncounted*.
"""


@pytest.mark.parametrize("name", ["plain", "wrapped", "quoted", "linked"])
def test_check_announced_finds_a_sentence_however_it_is_set(name: str) -> None:
    readme = README.replace("- **100**", "- 100")
    assert check_announced(Rubric(criteria=(criterion(name, 100),)), readme) == []


def test_check_announced_names_each_criterion_that_is_not_stated() -> None:
    rubric = Rubric(criteria=(criterion("linked", 100), criterion("hidden"), criterion("x")))
    assert check_announced(rubric, README.replace("- **100**", "-")) == [
        "`hidden`: the assignment's README does not say: It does *hidden*.",
        "`x`: the assignment's README does not say: It does *x*.",
    ]


def test_check_announced_compares_the_points() -> None:
    rubric = Rubric(criteria=(criterion("plain", 90), criterion("uncounted", 10)))
    assert check_announced(rubric, README.replace("- **100** It\n", "- It\n")) == [
        "`plain`: the assignment's README gives 100 for it, the rubric 90.",
        (
            "`uncounted`: the assignment's README does not say that this is worth 10: It does "
            "*uncounted*. Write `- **10** ...`."
        ),
    ]


def test_check_announced_takes_one_place_with_the_right_points() -> None:
    readme = f"It does plain. 99 times: It does plain.\n{README}"
    flaws = check_announced(Rubric(criteria=(criterion("plain", 100),)), readme)
    assert not any("plain" in flaw for flaw in flaws)


def test_check_announced_names_points_that_no_criterion_gives() -> None:
    rubric = Rubric(criteria=(criterion("plain", 100), criterion("wrapped")))
    readme = "- **100** It does *plain*.\n- **0** It does\n  *wrapped*.\n- **5** It flies.\n"
    assert check_announced(rubric, readme) == [
        "The assignment's README gives 5 for what no criterion asks: It flies."
    ]
