"""What is still there after `kill -9`, and whether ids stay different."""

from __future__ import annotations

from graders.engine.harness import (
    Outcome,
    Reply,
    Said,
    criterion,
    expect,
    found,
    lacking,
    needed,
    texts_of,
    thread_ids_of,
)
from graders.lesson05.survival import AT_ONCE, LIST_PAGE, THREADS, Hundred, PowerFailure
from graders.lesson05.threads import expect_reply, rests_on

_START = "After `kill -9` and a new start"


@criterion("session-answers")
async def test_messages_are_answered(failure: PowerFailure) -> None:
    expect(bool(failure.said), "No message could be sent.")
    for number, said in enumerate(failure.said, 1):
        expect(
            said.complete,
            f"Message {number} of a thread got {said.how}.",
            at=said.mark,
            hint="follow-up" if number > 1 else None,
        )
    views = failure.before[0]
    missing = lacking(views.items.value, [word for said in failure.said[:2] for word in said.words])
    expect(
        not missing,
        "`items.list` lacks messages of the thread before anything went wrong.",
        at=views.items.value.serial,
        hint="items",
    )


@criterion("messages-survive")
async def test_all_messages_are_there_once_in_order(failure: PowerFailure) -> None:
    _expect_items(failure.after[0].items, failure.words, "`items.list`")
    _expect_items(failure.after[1].items, failure.other.words, "`items.list` of the other thread")


def _expect_items(outcome: Outcome[Reply], words: list[str], what: str) -> None:
    reply = _readable(outcome, what)
    missing = lacking(reply, words)
    expect(
        not missing,
        f"{_START}, {what} lacks {len(missing)} of {len(words)} messages and answers.",
        at=reply.serial,
        hint="all" if len(missing) == len(words) else "some",
    )
    places = [index for word in words for index in _places(reply, word)]
    expect(
        len(places) == len(words),
        f"{_START}, {what} has a message twice.",
        at=reply.serial,
        hint="twice",
    )
    expect(
        places == sorted(places),
        f"{_START}, {what} has the messages in another order.",
        at=reply.serial,
        hint="order",
    )


def _places(reply: Reply, word: str) -> list[int]:
    return [index for index, text in enumerate(texts_of(reply)) if word in text]


def _readable(outcome: Outcome[Reply], what: str) -> Reply:
    """Return the answer; raises a finding that says when it was that it failed."""
    return expect_reply(outcome, f"{_START}, {what}", status="status")


@criterion("threads-survive", case="in the list")
async def test_threads_are_in_the_list(failure: PowerFailure) -> None:
    reply = _readable(failure.after[0].threads, "`threads.list`")
    ids = thread_ids_of(reply)
    for views in failure.after:
        expect(
            ids.count(views.thread_id) == 1,
            f"{_START}, `threads.list` names a thread {ids.count(views.thread_id)} times.",
            at=reply.serial,
        )


@criterion("threads-survive", case="by their ids")
async def test_threads_are_there_by_their_ids(failure: PowerFailure) -> None:
    for views in failure.after:
        reply = _readable(views.thread, "`threads.get_by_id`")
        expect(
            reply.object.get("id") == views.thread_id,
            f"{_START}, `threads.get_by_id` gave another thread.",
            at=reply.serial,
        )


@criterion("titles-survive")
async def test_titles_are_kept(failure: PowerFailure) -> None:
    for views, title in zip(failure.after, failure.titles, strict=True):
        with rests_on("threads-survive"):
            reply = _readable(views.thread, "`threads.get_by_id`")
        got = reply.object.get("title")
        expect(
            got == title,
            f"The title was set to {title!r}; {_START.lower()} it is {got!r}.",
            at=reply.serial,
        )


@criterion("preferences-survive")
async def test_preferences_are_kept(failure: PowerFailure) -> None:
    needed(
        failure.resumed.complete,
        f"{_START}, a message in the thread got {failure.resumed.how}.",
        by="history-survives",
        at=failure.resumed.mark,
    )
    expect(
        failure.offered,
        "The model was not offered the tool `save_preference`, so no preference could be saved.",
        at=failure.said[0].mark,
        hint="never",
    )
    request = failure.resumed.turn.request
    for part in failure.preference:
        expect(
            request.contains(part),
            f"{_START}, the request to the model lacks {part!r}, which the tool `save_preference` "
            "had saved.",
            at=failure.resumed.mark,
            hint=None if _was_there(failure.said[-1], part) else "never",
        )


def _was_there(said: Said, part: str) -> bool:
    return said.turn.used and said.turn.request.contains(part)


@criterion("pages-survive")
async def test_pages_go_on(failure: PowerFailure) -> None:
    half = failure.half.value
    needed(
        0 < len(texts_of(half)) <= LIST_PAGE and half.object.get("has_more") is True,
        f"With `limit: {LIST_PAGE}`, a page of `items.list` is longer, or says that none follow.",
        by="page-form",
        at=half.serial,
    )
    with rests_on("messages-survive"):
        rest = _readable(failure.rest, "`items.list` with `after`")
        missing = lacking(rest, failure.words[2:])
        # An item that has no text, such as a workflow, says nothing.
        again = [text for text in texts_of(rest) if text and text in texts_of(half)]
        expect(
            not missing and not again,
            f"{_START}, the page after one that was read before "
            + ("repeats entries of it." if again else "lacks entries."),
            at=rest.serial,
        )


@criterion("history-survives")
async def test_model_gets_the_history(failure: PowerFailure) -> None:
    resumed = failure.resumed
    with rests_on("messages-survive", "threads-survive"):
        expect(
            resumed.complete,
            f"{_START}, a message in the thread got {resumed.how}.",
            at=resumed.mark,
            hint="refused",
        )
    missing = [word for word in failure.words if not resumed.turn.request.contains(word)]
    needed(
        not missing,
        f"{_START}, the request to the model lacks {len(missing)} of {len(failure.words)} earlier "
        "messages and answers of the thread.",
        by="messages-survive",
        at=resumed.mark,
    )


@criterion("ids-unique")
async def test_ids_of_a_hundred_threads_are_different(hundred: Hundred) -> None:
    unanswered = next((said for said in hundred.said if not said.complete), None)
    if unanswered is not None:
        found(
            f"One of {len(hundred.said)} first messages, sent {AT_ONCE} at a time, got "
            f"{unanswered.how}.",
            at=unanswered.mark,
            hint="unanswered",
        )
    _expect_different([said.thread_id for said in hundred.said], "threads", hundred.said)
    _expect_different(hundred.item_ids(), "items", hundred.said)


def _expect_different(ids: list[str], what: str, said: list[Said]) -> None:
    twice = next((name for name in ids if ids.count(name) > 1), None)
    expect(
        twice is None,
        f"In {THREADS} threads, two {what} have the same id {twice!r}.",
        at=said[-1].mark,
        hint=what,
    )
