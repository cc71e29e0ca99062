"""The tool, and what its result holds: what matches, best first, from the right place."""

from __future__ import annotations

from typing import Any

from graders.engine.harness import RecordedCall, criterion, difference, expect, needed, quote
from graders.rag.passages import (
    BY_ID,
    PASSAGES,
    CoursePassage,
    cut_in,
    found_in,
    holds,
    is_embedded,
    named,
    times_in,
)
from graders.rag.searches import TOOL, Search, Searches

MOST_PASSAGES = 5
PARAMETERS = ("queries", "scope")


@criterion("server-answers")
async def test_message_is_answered(searches: Searches) -> None:
    said = searches.plain
    expect(said.answered, f"A message got {said.how}.", at=said.mark)
    expect(said.heard == said.answer, difference(said.answer, said.heard), at=said.mark)


@criterion("tool-offered")
async def test_model_is_offered_the_tool(searches: Searches) -> None:
    call = searches.plain.request
    expect(
        TOOL in call.tools,
        f"The model was not offered a tool `{TOOL}`, but "
        f"{', '.join(f'`{name}`' for name in call.tools) or 'none at all'}.",
        at=searches.plain.mark,
    )
    offered = _parameters(call)
    expect(
        set(PARAMETERS) <= set(offered),
        f"The tool's parameters are {quote(', '.join(sorted(offered)), 100) or 'none'}, and not "
        "`queries` and `scope`.",
        at=searches.plain.mark,
        hint="parameters",
    )


def _parameters(call: RecordedCall) -> list[str]:
    """Return the names of the tool's parameters, as the request has them in either API."""
    for tool in _dicts(call.raw.get("tools")):
        function = tool.get("function", tool)
        if isinstance(function, dict) and function.get("name") == TOOL:
            schema = function.get("parameters")
            properties = schema.get("properties") if isinstance(schema, dict) else None
            return [str(name) for name in properties] if isinstance(properties, dict) else []
    return []


def _dicts(given: object) -> list[dict[str, Any]]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


@criterion("result-reaches-model")
async def test_result_reaches_the_model(searches: Searches) -> None:
    result = result_of(searches.first, by=None)
    expect(
        bool(found_in(result) or cut_in(result)),
        f"{searches.first.told} gave back {quote(result, 200)!r}, without the text of a passage.",
        at=searches.first.said.mark,
        hint="missing",
    )
    for search in (searches.first, *searches.others.values()):
        cut = cut_in(search.result or "")
        expect(
            not cut,
            f"{search.told} gave back only the beginning of {named(cut[:1])}.",
            at=search.said.mark,
            hint="missing",
        )
    said = searches.first.said
    expect(
        said.complete, f"After the tool, the client got {said.how}.", at=said.mark, hint="answer"
    )


def result_of(search: Search, *, by: str | None = "result-reaches-model") -> str:
    """Return what the tool gave back; where there is nothing, ``by`` judges it."""
    result = search.result
    seen = f"{search.told} gave nothing back to the model: the message got {search.said.how}."
    if by is None:
        expect(result is not None, seen, at=search.said.mark, hint="no-result")
    else:
        needed(result is not None, seen, by=by, at=search.said.mark)
    return result or ""


def passages_of(search: Search) -> list[CoursePassage]:
    """Return the passages in a result; where none is, the criterion of the result judges it."""
    result = result_of(search)
    passages = found_in(result)
    needed(
        passages != [],
        f"{search.told} gave back no passage: {quote(result, 200)!r}.",
        by="result-reaches-model",
        at=search.said.mark,
    )
    return passages


@criterion("best-first")
async def test_best_passage_comes_first(searches: Searches) -> None:
    _first_is_fog(searches.first, "matches best")


def _first_is_fog(search: Search, why: str) -> None:
    passages = passages_of(search)
    expect(
        passages[0].id == "fog-1",
        f"{search.told} gave {named(passages)}; `fog-1` {why}.",
        at=search.said.mark,
    )


@criterion("five-at-most")
async def test_result_holds_five_passages_at_most(searches: Searches) -> None:
    search = searches.others["many"]
    passages = passages_of(search)
    expect(
        len(passages) <= MOST_PASSAGES,
        f"{search.told} gave {len(passages)} passages: {named(passages)}.",
        at=search.said.mark,
    )


@criterion("queries-together")
async def test_passage_of_each_query_is_there_once(searches: Searches) -> None:
    search = searches.others["several"]
    passages = passages_of(search)
    lacking = [each for each in ("fog-1", "splice-1") if BY_ID[each] not in passages]
    expect(
        not lacking,
        f"{search.told} gave {named(passages)}, without `{''.join(lacking[:1])}`, which one of the "
        "queries matches best.",
        at=search.said.mark,
        hint="lost",
    )
    twice = [each for each in passages if times_in(result_of(search), each) > 1]
    expect(
        not twice,
        f"{search.told}: the text of {named(twice[:1])} is in the result more than once.",
        at=search.said.mark,
    )


@criterion("scope-kept", case="lesson")
async def test_lesson_is_searched_alone(searches: Searches) -> None:
    _only(searches.others["lesson"], "hitch-2")


@criterion("scope-kept", case="lesson, and better passages elsewhere")
async def test_lesson_is_searched_though_others_match_better(searches: Searches) -> None:
    search = searches.others["lesson, better elsewhere"]
    _holds(search, "bowline-2", ", without `bowline-2`, which matches best in the lesson", "late")
    _only(search, "bowline-2")


def _holds(search: Search, wanted: str, why: str, hint: str) -> None:
    """Expect a passage in the result, whatever else is there."""
    passages = found_in(result_of(search))
    expect(
        BY_ID[wanted] in passages,
        f"{search.told} gave {named(passages)}{why}.",
        at=search.said.mark,
        hint=hint,
    )


@criterion("scope-kept", case="chapter")
async def test_chapter_is_searched_alone(searches: Searches) -> None:
    _only(searches.others["chapter"], "hitch-2", "bowline-2")


@criterion("scope-kept", case="course")
async def test_whole_course_is_searched(searches: Searches) -> None:
    _only(searches.others["course"], "hitch-2", "bowline-2", "moorings-2")


@criterion("scope-kept", case="without a page")
async def test_without_a_page_the_whole_course_is_searched(searches: Searches) -> None:
    why = ", though there is no current lesson: the whole course is searched then"
    _holds(searches.others["no page"], "moorings-2", why, "no-page")


def _only(search: Search, *wanted: str) -> None:
    """Expect these passages, and none from outside of the scope."""
    passages = found_in(result_of(search))
    lacking = [each for each in wanted if BY_ID[each] not in passages]
    expect(
        not lacking,
        f"{search.told} gave {named(passages)}, without `{''.join(lacking[:1])}`.",
        at=search.said.mark,
        hint="lacking",
    )
    page = search.page
    outside = [
        each
        for each in passages
        if page is not None
        and (
            (search.scope == "lesson" and each.lesson != page.lesson)
            or (search.scope == "chapter" and each.chapter != page.chapter)
        )
    ]
    expect(
        not outside,
        f"{search.told} gave {named(outside[:1])}, which is not of this {search.scope}.",
        at=search.said.mark,
    )


@criterion("nearby-first", case="the lesson first")
async def test_passage_of_the_lesson_comes_first(searches: Searches) -> None:
    for name, first in (
        ("boost hitch", "hitch-2"),
        ("boost bowline", "bowline-2"),
        ("boost moorings", "moorings-2"),
    ):
        _first_of_equals(searches.others[name], first)


@criterion("nearby-first", case="then the chapter")
async def test_passage_of_the_chapter_comes_before_others(searches: Searches) -> None:
    _first_of_equals(searches.others["boost lights"], "moorings-2")
    search = searches.others["boost hitch"]
    order = _equals_of(search)
    expect(
        order.index("bowline-2") < order.index("moorings-2"),
        f"{search.told} gave {', '.join(order)}: `bowline-2` is of the current chapter.",
        at=search.said.mark,
        hint="chapter",
    )


def _first_of_equals(search: Search, first: str) -> None:
    order = _equals_of(search)
    expect(
        order[0] == first,
        f"{search.told} gave {', '.join(order)} in this order, which match equally well; `{first}` "
        "is nearest to the page.",
        at=search.said.mark,
        hint="chapter" if search.page and search.page.lesson == "lights" else "lesson",
    )


def _equals_of(search: Search) -> list[str]:
    """Return the three passages that match equally well, in the order of the result."""
    equal = {"bowline-2", "hitch-2", "moorings-2"}
    order = [each.id for each in passages_of(search) if each.id in equal]
    needed(
        len(order) == len(equal),
        f"{search.told} gave {len(order)} of the three passages that match equally well.",
        by="scope-kept",
        at=search.said.mark,
    )
    return order


@criterion("far-better-first")
async def test_far_better_passage_comes_first_all_the_same(searches: Searches) -> None:
    _first_is_fog(
        searches.others["far better"],
        "matches more than twice as well as any passage of the current lesson",
    )


@criterion("queries-in-one-request")
async def test_all_queries_are_embedded_in_one_request(searches: Searches) -> None:
    search = searches.others["several"]
    result_of(search)
    asked = [texts for texts in search.embedded if _queries_in(texts, search.queries)]
    needed(
        asked != [],
        f"{search.told}: no request for vectors held a query as a text of its own.",
        by="vectors-asked",
        at=search.said.mark,
    )
    expect(
        len(asked) == 1 and len(_queries_in(asked[0], search.queries)) == len(search.queries),
        f"{search.told}: the {len(search.queries)} queries were embedded in {len(asked)} requests.",
        at=search.said.mark,
    )


def _queries_in(texts: tuple[str, ...], queries: tuple[str, ...]) -> set[str]:
    """Return the queries that have a text of their own among those of a request."""
    held = [{query for query in queries if holds(text, query)} for text in texts]
    return {query for found in held if len(found) == 1 for query in found}


@criterion("vectors-asked")
async def test_query_and_passages_are_embedded(searches: Searches) -> None:
    search = searches.first
    result_of(search)
    texts = [text for request in searches.indexed for text in request]
    lacking = [each for each in PASSAGES if not is_embedded(each, texts)]
    expect(
        not lacking,
        f"The model was asked for no vector of {len(lacking)} of the {len(PASSAGES)} passages, "
        f"`{lacking[0].id}` among them."
        if lacking
        else "",
        at=search.said.mark,
        hint="passages",
    )
    expect(
        any(holds(text, search.queries[0]) for request in search.embedded for text in request),
        f"{search.told}: the model was not asked for the vector of the query.",
        at=search.said.mark,
    )
