"""When a conversation gets long: the window, and inputs that the model refuses."""

from __future__ import annotations

from graders.engine.harness import Said, criterion, expect, found, lacking, needed
from graders.lesson04.requests import missing, present, size
from graders.lesson04.scenarios import MESSAGES, MOST_TRIES, OneThread, TooLong, was_put, words_said

NEWEST = 10
SETTLED = 8
"""Before this message the saving of a preference may take two places of a window of ten."""
WINDOW = 51
"""The newest 50 items, and one more: some count without the newest message."""
WARM = 40
"""Messages after which every window of at most 50 items has been full."""
GROWTH = 1.1
"""Requests of a window of constant length differ by less than this factor."""


@criterion("newest-ten-kept")
async def test_newest_ten_items_are_kept(long: OneThread) -> None:
    expect(
        len(long.asked) > SETTLED,
        f"The conversation ended at message {len(long.asked)}, so there is no long one to look at.",
        at=long.asked[-1].mark,
    )
    for number, (asked, items) in enumerate(_with_items(long), 1):
        if not asked.calls or number < SETTLED:
            continue
        # Whether the newest message itself is there is judged where the conversation is short.
        lacking = missing(asked.request, items[-NEWEST:-1])
        newest_lacks = bool(missing(asked.request, items[-1:]))
        oldest_kept = not missing(asked.request, items[:NEWEST])
        # What is lost with a newest message that was not asked is the other criterion's matter.
        needed(
            not lacking,
            f"The request for message {number} lacks {len(lacking) + newest_lacks} of the newest "
            f"{NEWEST} items"
            + (", and the newest message is one of them" if newest_lacks else "")
            + (f", but holds the oldest {NEWEST}." if oldest_kept else "."),
            by="model-asked" if was_put(asked) else "newest-once",
            at=asked.mark,
            hint="oldest" if oldest_kept else "few",
        )


def _with_items(conversation: OneThread) -> list[tuple[Said, list[str]]]:
    """Return each message with the words of all items so far, oldest first, itself the last."""
    words: list[str] = []
    result = []
    for asked in conversation.asked:
        result.append((asked, [*words, asked.word]))
        words += words_said(asked)
    return result


@criterion("long-thread-answered")
async def test_long_conversation_goes_on(long: OneThread) -> None:
    for number, asked in enumerate(long.asked, 1):
        stream = asked.stream
        expect(
            stream.answered and asked.ends,
            f"Message {number} of {MESSAGES} "
            + ("got an `error` event." if stream.error else "was not answered."),
            at=stream.mark_of(stream.error),
        )
    expect(
        len(long.asked) == MESSAGES,
        f"The model was not asked about message {len(long.asked)} of {MESSAGES}.",
        at=long.asked[-1].mark,
    )


@criterion("window-bounded", case="nothing older than the newest 50 items")
async def test_old_items_are_left_out(long: OneThread) -> None:
    with_items = _with_items(long)
    expect(
        len(with_items[-1][1]) > WINDOW,
        f"The conversation ended at message {len(long.asked)}, before any item was too old.",
        at=long.asked[-1].mark,
    )
    for number, (asked, items) in enumerate(with_items, 1):
        old = present(asked.request, items[:-WINDOW])
        expect(
            not old,
            f"The request for message {number}, which has {len(items) - 1} items before it, still "
            f"holds {len(old)} that are older than the newest 50.",
            at=asked.mark,
        )


@criterion("window-bounded", case="the size stops growing")
async def test_size_of_requests_stops_growing(long: OneThread) -> None:
    expect(
        len(long.asked) > WARM,
        f"The conversation ended at message {len(long.asked)}: too early to see its size settle.",
        at=long.asked[-1].mark,
    )
    sizes = [size(asked.request) for asked in long.asked]
    before, after = max(sizes[:WARM]), max(sizes[WARM:])
    expect(
        after <= before * GROWTH,
        f"The longest of the first {WARM} requests has {before} characters, the longest after "
        f"that {after}: they still grow.",
        at=long.asked[-1].mark,
        hint=None if _has_old_items(long) else "size",
    )


def _has_old_items(conversation: OneThread) -> bool:
    asked, items = _with_items(conversation)[-1]
    return bool(present(asked.request, items[:-WINDOW]))


@criterion("too-long-handled", case="a shorter input would do")
async def test_refused_input_is_shortened_or_told(too_long: TooLong) -> None:
    _expect_handled(too_long)


@criterion("too-long-handled", case="no input would do")
async def test_refusal_without_end_is_told(always_too_long: TooLong) -> None:
    _expect_handled(always_too_long)


def _expect_handled(played: TooLong) -> None:
    stream, refused = played.refused.stream, played.refused
    expect(
        len(refused.calls) <= MOST_TRIES,
        f"The model refused the input as too long, and the server tried more than {MOST_TRIES} "
        "times.",
        at=stream.last_serial,
        hint="endless",
    )
    expect(
        refused.ends,
        "The model refused the input as too long, and the stream did not end.",
        at=stream.last_serial,
        hint="hang",
    )
    answers = [played.scene.answer_word(name).encode() for name in _NAMES]
    answered = any(word in stream.body for word in answers)
    expect(
        stream.error is not None or answered,
        "The model refused the input as too long, and the client got neither an answer of the "
        "model nor an `error` event.",
        at=stream.last_serial,
        hint="silent",
    )


_NAMES = ("first", "second", "third", "fourth")


@criterion("too-long-message-kept", case="in every further try")
async def test_every_try_holds_the_message(too_long: TooLong) -> None:
    refused = too_long.refused
    word = refused.word
    for number, call in enumerate(refused.calls[1:], 2):
        expect(
            not missing(call, [word]) or bool(missing(refused.calls[0], [word])),
            f"Try {number} does not hold the newest message, {refused.message!r}.",
            at=refused.mark,
            hint="try",
        )


@criterion("too-long-message-kept", case="in the thread")
async def test_message_stays_in_the_thread(too_long: TooLong) -> None:
    reply = too_long.items.value
    expect(
        not lacking(reply, [too_long.refused.word]),
        "After the input was too long, the user's message is no longer in the thread.",
        at=reply.serial,
        hint="thread",
    )


@criterion("too-long-message-kept", case="the next message is answered")
async def test_next_message_is_answered(too_long: TooLong) -> None:
    if not (too_long.next.answered or too_long.next.answer_word in too_long.next.heard):
        found(
            "After an input was too long, the next message was not answered.",
            at=too_long.next.mark,
            hint="next",
        )
