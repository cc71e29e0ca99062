"""How the content is indexed, and what happens beside a search and after its failure."""

from __future__ import annotations

from graders.engine.harness import criterion, expect, needed, quote
from graders.rag.passages import PASSAGES, found_in, holds, is_of_passage, named
from graders.rag.searches import OTHER_PAGE, SLOW_PAGE, Searches, SideBySide
from graders.rag.test_search import result_of

MOST_REQUESTS = 3


@criterion("passages-in-batches")
async def test_passages_are_embedded_in_batches(searches: Searches) -> None:
    requests = [texts for texts in searches.indexed if any(is_of_passage(text) for text in texts)]
    needed(
        requests != [],
        "The model was asked for no vector of a passage.",
        by="vectors-asked",
        at=searches.first.said.mark,
    )
    expect(
        len(requests) <= MOST_REQUESTS,
        f"The {len(PASSAGES)} passages were embedded in {len(requests)} requests.",
        at=searches.first.said.mark,
    )


@criterion("index-in-qdrant")
async def test_vectors_are_in_qdrants_files(searches: Searches) -> None:
    expect(
        searches.points >= len(PASSAGES),
        f"After the first search, Qdrant's local storage in `CHATKIT_DATA_DIR` had "
        f"{searches.points} points; the content has {len(PASSAGES)} passages.",
        at=searches.first.said.mark,
        hint="none" if searches.points == 0 else "few",
    )


@criterion("index-outlives-restart")
async def test_index_is_used_again_after_a_restart(searches: Searches) -> None:
    again = searches.restarted
    if again is None:
        expect(False, "After `kill -9` the server did not start again.", hint="start")
        return
    expect(
        bool(again.passages),
        f"After `kill -9` and a new start, {again.told} {again.came}.",
        at=again.said.mark,
        hint="start" if again.result is None else "empty",
    )
    query = again.queries[0]  # its words may, by chance, stand in the order of a passage
    asked = [text for texts in again.embedded for text in texts if not holds(text, query)]
    anew = [text for text in asked if is_of_passage(text)]
    expect(
        not anew,
        f"After `kill -9` and a new start, {len(anew)} texts of passages were embedded again.",
        at=again.said.mark,
    )


@criterion("failure-told")
async def test_failed_search_ends_in_an_answer(searches: Searches) -> None:
    search = searches.failing
    expect(
        search.result is not None and search.said.complete,
        f"The request for vectors failed (status 500), and then the message got {search.said.how}.",
        at=search.said.mark,
    )
    expect(
        any(letter.isalpha() for letter in search.result or ""),
        "The request for vectors failed (status 500), and the tool gave back "
        f"{quote(search.result or '', 100)!r}: that tells the model of no failure.",
        at=search.said.mark,
        hint="silent",
    )
    recovered = searches.recovered
    expect(
        bool(recovered.passages),
        f"After a failure, {recovered.told} {recovered.came}.",
        at=recovered.said.mark,
        hint="broken",
    )


@criterion("page-of-message")
async def test_page_is_that_of_the_message(side_by_side: SideBySide) -> None:
    search = side_by_side.search
    passages = found_in(result_of(search))
    others = [each for each in passages if each.lesson != SLOW_PAGE.lesson]
    expect(
        not others and passages != [],
        f"While another user was on another page, {search.told} gave {named(passages)}.",
        at=search.said.mark,
    )
    moved = side_by_side.moved
    if moved is None:
        return
    # A server that fails at any second message of a thread has another fault, which is not judged.
    passages = found_in(moved.result or "")
    others = [each for each in passages if each.lesson != OTHER_PAGE.lesson]
    expect(
        not others,
        f"With its first message the user was on the page {SLOW_PAGE}; with the second one in the "
        f"same thread, {moved.told} gave {named(passages)}.",
        at=moved.said.mark,
        hint="thread",
    )


@criterion("others-meanwhile")
async def test_others_are_answered_during_a_search(side_by_side: SideBySide) -> None:
    needed(
        side_by_side.waited,
        "No vector was asked for during a search.",
        by="vectors-asked",
        at=side_by_side.search.said.mark,
    )
    said = side_by_side.meanwhile
    expect(
        said.complete,
        f"While a search waited for its vectors, another user said something and got {said.how}.",
        at=said.mark,
    )
