"""Messages that come while an answer still streams."""

from __future__ import annotations

from graders.engine.harness import Item, Page, criterion, expect, items_of, texts_of
from graders.lesson03.interruptions import (
    AT_ONCE,
    BURST,
    Beside,
    Burst,
    Interrupted,
    Superseded,
)
from graders.lesson03.streaming import long_chunks


@criterion("interrupting-message")
async def test_message_into_an_answer_gets_its_own_answer(interrupted: Interrupted) -> None:
    stream, answer = interrupted.new.stream, interrupted.new.answer
    expect(
        stream.status == 200,
        f"A message that came while an answer streamed got the status {stream.status}.",
        at=stream.last_serial,
    )
    expect(
        answer in stream.finished_text,
        "A message that came while an answer streamed got "
        + (
            "an `error` event."
            if stream.error
            else f"{stream.finished_text!r} instead of the model's {answer!r}."
        ),
        at=stream.mark_of(stream.error),
    )
    expect(
        answer == stream.finished_text,
        f"A message that came while an answer streamed got {stream.finished_text!r}, which is "
        f"more than the model's {answer!r}.",
        at=stream.last_serial,
    )
    expect(
        interrupted.at_once,
        "A message that came while an answer streamed was not answered before the model went on "
        "with the older answer: it waited.",
        at=stream.last_serial,
        hint="waits",
    )


@criterion("answers-apart")
async def test_answers_in_two_threads_do_not_mix(side_by_side: tuple[Beside, Beside]) -> None:
    for beside, other in (side_by_side, side_by_side[::-1]):
        stream, said = beside.held.stream, "".join(beside.held.tokens)
        expect(
            beside.late is None,
            f"Two answers streamed in two threads. The model gave the token {beside.late!r} of "
            "one, and it did not come.",
            at=stream.last_serial,
            hint="another-thread",
        )
        expect(
            stream.finished_text == said,
            f"Two answers streamed in two threads. One client got {stream.finished_text!r} "
            f"instead of the model's {said!r}.",
            at=stream.last_serial,
        )
        _expect_own_answer_only(beside, other)


def _expect_own_answer_only(beside: Beside, other: Beside) -> None:
    reply = beside.items.value
    answers = texts_of(reply, "assistant_message")
    said, foreign = "".join(beside.held.tokens), other.held.tokens[1]
    expect(
        not any(foreign in text for text in texts_of(reply)),
        "Two answers streamed in two threads, and `items.list` of one thread holds what was said "
        "in the other.",
        at=reply.serial,
        hint="stored",
    )
    expect(
        answers == [said],
        f"Two answers streamed in two threads. `items.list` of one holds "
        f"{' and '.join(map(repr, answers)) or 'no answer'} instead of {said!r}.",
        at=reply.serial,
        hint="stored",
    )


@criterion("interrupted-history")
async def test_history_is_coherent_after_an_interruption(interrupted: Interrupted) -> None:
    scene, reply = interrupted.scene, interrupted.items.value
    items = items_of(reply)
    users = [item for item in items if item.type == "user_message"]
    answers = [item for item in items if item.type == "assistant_message"]
    for name in ("first", "second"):
        count = sum(scene.word(name) in item.text for item in users)
        expect(
            count == 1,
            f"The {name} message is in `items.list` {count} times.",
            at=reply.serial,
            hint="message",
        )
    new = [item for item in answers if item.text == interrupted.new.answer]
    expect(len(new) == 1, f"The new answer is in `items.list` {len(new)} times.", at=reply.serial)
    chunks = long_chunks(scene, "first")
    heard, word = "".join(chunks[:2]).strip(), chunks[1]
    old = [item.text for item in answers if word in item.text]
    expect(len(old) <= 1, f"The old answer is in `items.list` {len(old)} times.", at=reply.serial)
    expect(
        all(heard in text and text.count(word) == 1 for text in old),
        f"The old answer began with {heard!r}, `items.list` holds {''.join(old)!r}.",
        at=reply.serial,
        hint="garbled",
    )
    ids = [item.id for item in items]
    expect(len(set(ids)) == len(ids), "Two items have the same id.", at=reply.serial)
    order = [_place(items, users, scene.word(name)) for name in ("first", "second")]
    order.append(items.index(new[0]))
    expect(
        order == sorted(order),
        "`items.list` does not hold the first message, the second and its answer in this order.",
        at=reply.serial,
        hint="order",
    )


def _place(items: list[Item], users: list[Item], word: str) -> int:
    return next(items.index(item) for item in users if word in item.text)


@criterion("old-stream-ends", case="one message interrupts")
async def test_interrupted_stream_ends(interrupted: Interrupted) -> None:
    _expect_ended(interrupted.old, "A newer message had been answered")


@criterion("old-stream-ends", case="the newer answer is interrupted too")
async def test_second_interrupted_stream_ends(interrupted_twice: Superseded) -> None:
    _expect_ended(interrupted_twice, "A third message had been answered")


def _expect_ended(old: Superseded, when: str) -> None:
    stream = old.held.stream
    expect(
        not old.got_more,
        f"{when}, and the client still got more of this answer: {old.got!r} instead of "
        f"{old.held.heard!r}.",
        at=stream.last_serial,
        hint="more" if old.ends else "goes-on",
    )
    expect(
        old.ends,
        f"{when}, and the stream of this answer did not end, not even when the model gave its "
        "next token.",
        at=stream.last_serial,
    )


def _said_in(pages: list[Page]) -> tuple[list[str], int]:
    """Return the user's messages on all pages, and where in the transcript the last page stands.

    What a page has from the one before it is not there twice: pages are judged in lesson05.
    """
    texts: list[str] = []
    known: set[str] = set()
    for page in pages:
        new = [item for item in items_of(page.reply) if item.id not in known]
        texts += [item.text for item in new if item.type == "user_message"]
        known.update(page.ids)
    return texts, pages[-1].reply.serial


@criterion("five-messages", case="none is lost or doubled")
async def test_no_message_of_five_is_lost_or_doubled(burst: Burst) -> None:
    for outcome, prefix in ((burst.items, ""), (burst.items_at_once, AT_ONCE)):
        texts, serial = _said_in(outcome.value)
        for number, name in enumerate(BURST, 1):
            count = sum(burst.scene.word(prefix + name) in text for text in texts)
            expect(
                count > 0,
                f"Message {number} of five is not in `items.list`.",
                at=serial,
                hint="lost",
            )
            expect(
                count == 1,
                f"Message {number} of five is in `items.list` {count} times.",
                at=serial,
                hint="doubled",
            )


@criterion("five-messages", case="their order holds")
async def test_five_messages_keep_their_order(burst: Burst) -> None:
    texts, serial = _said_in(burst.items.value)
    known = [name for text in texts for name in BURST if burst.scene.word(name) in text]
    distinct = list(dict.fromkeys(known))
    expected = [name for name in BURST if name in distinct]
    expect(
        len(distinct) > 1,
        f"`items.list` holds {len(distinct)} of five messages: there is no order to see.",
        at=serial,
        hint="lost",
    )
    expect(
        distinct == expected,
        f"The messages were sent as {', '.join(BURST)}, `items.list` with `order: asc` gives "
        f"{', '.join(distinct)}.",
        at=serial,
        hint="order",
    )


@criterion("five-messages", case="the last is answered")
async def test_last_of_five_messages_is_answered(burst: Burst) -> None:
    stream, answer = burst.last.value, burst.scene.answer("five")
    expect(
        answer in stream.finished_text,
        f"The last of five messages got {stream.finished_text!r} instead of the model's "
        f"{answer!r}.",
        at=stream.mark_of(stream.error),
        hint="last",
    )
