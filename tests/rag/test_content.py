"""What is to be indexed: the passages match the queries of the checks as the checks suppose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from graders.engine.core.places import REPOSITORY
from graders.engine.model.embedding import vector_of
from graders.rag.passages import (
    BY_ID,
    PASSAGES,
    CoursePassage,
    cut_in,
    found_in,
    holds,
    is_embedded,
    is_of_passage,
)
from graders.rag.searches import FROM_MANY, MANY, SIGNAL, SPLICE, WEAR, WHISTLE

EQUAL = ("bowline-2", "hitch-2", "moorings-2")
WAYS: dict[str, Callable[[CoursePassage], str]] = {
    "title and text": lambda each: f"{each.title}\n{each.text}",
    "text": lambda each: each.text,
    "place, title and text": lambda each: (
        f"{each.chapter} / {each.lesson}\n{each.title}\n{each.text}"
    ),
}
"""What a server may embed of a passage."""
IN_EACH_WAY = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def scores(
    query: str, way: Callable[[CoursePassage], str], dimensions: int = 1536
) -> dict[str, float]:
    """Return how well each passage matches, the best first."""
    wanted = vector_of(query, dimensions)
    found = {
        each.id: sum(
            a * b for a, b in zip(wanted, vector_of(way(each), dimensions), strict=True) if a and b
        )
        for each in PASSAGES
    }
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def test_course_has_three_chapters_of_three_lessons_of_three_passages() -> None:
    assert len(BY_ID) == len(PASSAGES) == 27
    assert set(Counter(each.chapter for each in PASSAGES).values()) == {9}
    assert set(Counter((each.chapter, each.lesson) for each in PASSAGES).values()) == {3}
    assert len({each.lesson for each in PASSAGES}) == 9


def test_texts_come_through_json_unchanged() -> None:
    for passage in PASSAGES:
        assert passage.text.isascii()
        assert not set(passage.text) & set('"\\\n')
    assert not any(
        holds(one.text, each.text) for one in PASSAGES for each in PASSAGES if one != each
    )


def test_every_solution_has_the_content_of_the_assignment() -> None:
    wanted = (REPOSITORY / "assignments/rag/content.json").read_bytes()
    found = list((REPOSITORY / "reference_solutions/rag").glob("solution*/content.json"))
    assert len(found) == 4
    assert all(path.read_bytes() == wanted for path in found)


@IN_EACH_WAY
@pytest.mark.parametrize(("query", "best"), [(WHISTLE, "fog-1"), (SPLICE, "splice-1")])
def test_query_has_one_best_passage(
    query: str, best: str, way: Callable[[CoursePassage], str]
) -> None:
    first, second = list(scores(query, way).items())[:2]
    assert first[0] == best
    assert first[1] > 2 * second[1]


def test_queries_of_one_search_find_the_same_passage_and_another() -> None:
    way = WAYS["title and text"]
    assert [next(iter(scores(query, way))) for query in MANY] == ["fog-1", "fog-1", "splice-1"]


@IN_EACH_WAY
@pytest.mark.parametrize("dimensions", [256, 512, 768, 1024, 1536, 3072])
def test_three_passages_match_equally_well(
    dimensions: int, way: Callable[[CoursePassage], str]
) -> None:
    found = scores(WEAR, way, dimensions)
    assert set(list(found)[:3]) == set(EQUAL)
    assert found[EQUAL[0]] == pytest.approx(found[EQUAL[1]], rel=0.001)
    assert found[EQUAL[0]] == pytest.approx(found[EQUAL[2]], rel=0.001)


@IN_EACH_WAY
def test_far_better_passage_is_a_little_more_than_twice_as_good(
    way: Callable[[CoursePassage], str],
) -> None:
    found = scores(SIGNAL, way)
    nearby = max(found[each.id] for each in PASSAGES if each.lesson == "bowline")
    assert next(iter(found)) == "fog-1"
    assert 2.1 < found["fog-1"] / nearby < 2.25


@IN_EACH_WAY
def test_five_passages_elsewhere_match_better_than_the_lesson(
    way: Callable[[CoursePassage], str],
) -> None:
    found = list(scores(FROM_MANY, way))
    assert all(BY_ID[each].lesson != "bowline" for each in found[:5])
    assert next(each for each in found if BY_ID[each].lesson == "bowline") == "bowline-2"


def test_passages_are_found_in_any_form_of_a_result() -> None:
    one, two = BY_ID["fog-1"], BY_ID["fog-2"]
    assert found_in(f"## {two.title}\n\n{two.text}\n\n{one.text}") == [two, one]
    assert found_in(f"{two.text.replace(' ', chr(10), 3)}") == [two]
    assert found_in(one.text[:40]) == []


def test_passage_may_be_embedded_in_parts() -> None:
    one = BY_ID["fog-2"]
    first, second = one.text.split(". ")
    assert is_embedded(one, [f"{first}.".upper(), second])
    assert not is_embedded(one, [f"{first}."])


@pytest.mark.parametrize(("size", "step"), [(6, 6), (8, 5), (12, 9), (20, 20)])
def test_passage_may_be_cut_anywhere(size: int, step: int) -> None:
    for one in PASSAGES:
        words = one.text.split()
        parts = [" ".join(words[start:][:size]) for start in range(0, len(words), step)]
        assert is_embedded(one, [f"{one.title}: {part} ({one.lesson})" for part in parts])
        assert is_of_passage(f"{one.title}: {parts[0]}")
        assert not is_embedded(one, parts[1:])


def test_titles_are_no_parts_of_passages() -> None:
    assert not any(is_of_passage(f"{one.title} {one.title}") for one in PASSAGES)


def test_text_that_is_cut_is_told_from_one_that_is_not_there() -> None:
    one, other = BY_ID["bowline-2"], BY_ID["fog-1"]
    assert cut_in(f"{other.text[:60]}...\n{one.text}") == [other]
    assert cut_in(f"{one.text[:100]}...\n{other.text}") == [BY_ID[each] for each in EQUAL]
    assert cut_in(f"{one.text[:40]}: {one.text}\n{other.title}") == []
