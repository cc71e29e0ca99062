"""What is not Bob's opens nothing: foreign ids, fabricated ones, Alice's name, her attachment."""

from __future__ import annotations

import pytest

from graders.engine.harness import criterion, expect, needed, some
from graders.lesson06.foreign_ids import Attached, Fabricated, Mixed, Tried
from graders.lesson06.impersonation import ANSWERS, NOTHING, Impersonation
from graders.lesson06.intrusions import OWNERS, what_it_is
from graders.lesson06.people import ANSWERED, Thread, WholeAnswer


@criterion("foreign-items", case="words and cursors")
async def test_foreign_items_in_own_threads_open_nothing(mixed: Mixed) -> None:
    _need_answer(mixed.threads[0])
    for tried in some(mixed.tried):
        for thread in mixed.threads:
            _expect_no_words(tried, thread, "Bob, in a thread of his own,")
    for tried in some(mixed.lists):
        for thread in mixed.threads:
            for word in thread.words:
                needed(
                    word not in tried.answer.shown,
                    f"Bob {tried.told}; he sees `{word}`, {what_it_is(word, thread)}.",
                    by="list-own",
                    at=tried.answer.mark,
                )
    for word in mixed.threads[0].words:
        needed(
            word in mixed.items.body,
            "Bob names Alice's items in requests on his own thread; afterwards "
            f"`{word}`, {what_it_is(word, mixed.threads[0])}, is gone.",
            by=OWNERS,
            at=mixed.items.mark,
        )


@criterion("foreign-items", case="as `item_id`")
async def test_foreign_item_answers_as_one_that_does_not_exist(mixed: Mixed) -> None:
    _need_answer(mixed.threads[0])
    for hers, unknown in mixed.like_unknown:
        got, never = hers.answer, unknown.answer
        expect(
            (got.status, got.kinds, got.broke) == (never.status, never.kinds, never.broke),
            f"Bob, in a thread of his own, {hers.told}, and gets {_outcome(got)}. For an item that "
            f"does not exist he gets {_outcome(never)}.",
            at=got.mark,
        )


def _need_answer(thread: Thread) -> None:
    """Need a thread with words in it: else there is nothing to open, and nothing to name."""
    needed(
        bool(thread.answer_id) and bool(thread.words),
        "Alice's first message got no finished answer, so there is nothing to see of her.",
        by=ANSWERED,
        at=thread.begun.mark,
    )


def _outcome(answer: WholeAnswer) -> str:
    if not answer.status:
        return "no answer (the app raised)"
    events = ", ".join(f"`{kind}`" for kind in answer.kinds)
    breaks = ", then the stream breaks" if answer.broke else ""
    return f"status {answer.status}{f' and {events}' if events else ''}{breaks}"


def _expect_no_words(tried: Tried, thread: Thread, who: str) -> None:
    for word in thread.words:
        expect(
            word not in tried.answer.shown,
            f"{who} {tried.told}; Bob sees `{word}`, {what_it_is(word, thread)}.",
            at=tried.answer.mark,
        )
        for call in tried.answer.calls:
            expect(
                not call.contains(word),
                f"{who} {tried.told}; the model is asked for Bob, and reads `{word}`, "
                f"{what_it_is(word, thread)}.",
                at=tried.answer.mark,
            )


@criterion("made-up-ids", case="an id that was never given out")
async def test_unknown_id_opens_nothing(fabricated: Fabricated) -> None:
    unknown = fabricated.unknown
    _need_answer(fabricated.thread)
    expect(
        not unknown.answer.answered
        and not any(c.contains(fabricated.word) for c in unknown.answer.calls),
        "Bob says something in a thread whose id the server never gave out, and it is answered.",
        at=unknown.answer.mark,
        hint="unknown",
    )
    expect(
        fabricated.unknown_id not in fabricated.threads.strings,
        "Bob says something in a thread whose id the server never gave out; afterwards it is in "
        "his list.",
        at=fabricated.threads.mark,
        hint="unknown",
    )


@criterion("made-up-ids", case="a foreign id in a first message")
async def test_first_message_makes_a_thread_of_its_own(fabricated: Fabricated) -> None:
    named, thread = fabricated.named, fabricated.thread
    _need_answer(thread)
    expect(
        fabricated.named_id != thread.id,
        "Alice starts thread A; Bob begins a thread and names A in the request; what he gets is A.",
        at=named.answer.mark,
        hint="named",
    )
    _expect_no_words(named, thread, "Alice starts thread A; Bob")
    for word in thread.words:
        needed(
            word in fabricated.items.body,
            "Alice starts thread A; Bob begins a thread and names A in the request; afterwards "
            f"`{word}`, {what_it_is(word, thread)}, is gone.",
            by=OWNERS,
            at=fabricated.items.mark,
            hint="named",
        )


@criterion("made-up-ids", case="ids that are queries")
async def test_queries_as_ids_open_nothing(fabricated: Fabricated) -> None:
    _need_answer(fabricated.thread)
    for tried in some(fabricated.queries):
        for word in fabricated.thread.words:
            expect(
                word not in tried.answer.shown,
                f"Alice starts a thread; {tried.told}; Bob sees `{word}`, "
                f"{what_it_is(word, fabricated.thread)}.",
                at=tried.answer.mark,
                hint="query",
            )


@criterion("identity-from-token")
@pytest.mark.parametrize(
    "way",
    [
        "a header",
        "the query string",
        "the request's metadata",
        "another field of the request",
        "another claim of the token",
    ],
)
async def test_user_is_whom_the_token_names(
    way: str, impersonations: dict[str, Impersonation]
) -> None:
    seen, plain = impersonations[way], impersonations[NOTHING]
    told = f"Bob's good token names Bob, and {way} names Alice"
    needed(
        bool(seen.new_id),
        f"{told}; Bob's first message begins no thread (status {seen.shown[0].status}).",
        by=ANSWERED,
        at=seen.shown[0].mark,
    )
    for number, word in seen.read:
        expect(
            (number, word) in plain.read,
            f"{told}; Bob sees `{word}`, {what_it_is(word, seen.thread)}, in the answer to "
            f"{ANSWERS[number]}.",
            at=seen.shown[number].mark,
        )
    expect(
        plain.listed or not seen.listed,
        f"{told}; Bob's list holds Alice's thread.",
        at=seen.shown[1].mark,
    )
    expect(
        plain.given or not seen.given,
        f"{told}; the thread that he begins is in Alice's list.",
        at=seen.threads.mark,
    )
    for number, judge in enumerate(("list-own", "get-refused", "items-refused"), 1):
        needed(
            all(number != of for of, _ in plain.read) and not (number == 1 and plain.listed),
            f"Bob's good token names Bob, and nothing names Alice; in the answer to "
            f"{ANSWERS[number]} Bob sees what is Alice's all the same.",
            by=judge,
            at=plain.shown[number].mark,
        )


@criterion("attachments-refused")
async def test_foreign_attachment_is_refused(attached: Attached) -> None:
    # A server that takes no attachments has none to guard.
    for tried in (attached.used, attached.deleted):
        if tried is None:
            continue
        told = f"Alice makes an attachment; Bob {tried.told}"
        expect(
            attached.word not in tried.answer.shown,
            f"{told}; Bob sees its name, `{attached.word}`.",
            at=tried.answer.mark,
        )
        expect(
            not any(call.contains(attached.word) for call in tried.answer.calls),
            f"{told}; the model is asked for Bob, and reads its name, `{attached.word}`.",
            at=tried.answer.mark,
        )
    after = attached.afterwards
    if after is None or not attached.usable:
        return
    expect(
        after.stream is not None and after.stream.user_item is not None,
        "Alice makes an attachment; Bob deletes it (`attachments.delete`); Alice can no longer "
        "put it into a message.",
        at=after.mark,
    )
