"""What is kept: the messages of a thread, follow-ups, and two threads side by side."""

from __future__ import annotations

from graders.engine.harness import (
    Finding,
    Item,
    Outcome,
    Reply,
    Said,
    Scene,
    Stream,
    criterion,
    expect,
    found,
    items_of,
    lacking,
    messages_of,
    needed,
    texts_of,
    thread_ids_of,
)
from graders.lesson02.scenarios import (
    TURNS,
    FirstMessage,
    ThreeTurns,
    TwelveTurns,
    TwoThreads,
)


@criterion("user-message-stored")
async def test_user_message_is_stored(first: FirstMessage) -> None:
    reply = first.items.value
    users = texts_of(reply, "user_message")
    expect(
        first.said.message in users,
        "`items.list` does not hold the user's message."
        if not users
        else f"`items.list` holds the user's message with another text: {users[0]!r}.",
        at=reply.serial,
        hint="changed" if users else None,
    )


@criterion("reply-stored")
async def test_reply_is_stored(first: FirstMessage) -> None:
    stream = first.answered
    expect(
        stream.assistant_item is not None,
        "No `thread.item.done` came for the assistant message.",
        at=stream.last_serial,
        hint="no-done",
    )
    reply = first.items.value
    stored = texts_of(reply, "assistant_message")
    expect(bool(stored), "`items.list` does not hold the assistant's message.", at=reply.serial)
    expect(
        stream.finished_text in {*stored, "".join(stored)},
        f"The client got {stream.finished_text!r}, `items.list` holds {stored[0]!r}.",
        at=reply.serial,
        hint="differs",
    )


@criterion("follow-up-answered")
async def test_follow_up_is_answered_in_its_thread(three: ThreeTurns) -> None:
    stream, scene = three.follow_up.whole, three.scene
    expect(
        stream.status == 200,
        f"The follow-up was answered with status {stream.status}.",
        at=stream.last_serial,
    )
    _expect_same_thread(three, stream)
    newest = scene.word(TURNS[1])
    calls = scene.model.calls[three.calls_before_follow_up :]
    for call in calls:
        expect(
            call.contains(newest) or not call.contains(scene.word(TURNS[0])),
            "For the follow-up the model was asked the first message again.",
            at=stream.last_serial,
            hint="old-message",
        )
    expect(
        stream.failure is None,
        "The follow-up got an `error` event.",
        at=stream.mark_of(stream.failure),
        hint="error-event",
    )
    expect(stream.answered, "The follow-up got no assistant message.", at=stream.last_serial)
    # `agent-runs` judges whether the model is asked at all.
    expect(
        bool(calls) or three.calls_before_follow_up == 0,
        "The follow-up was answered, but the model was not asked.",
        at=stream.last_serial,
        hint="not-asked",
    )


def _expect_same_thread(three: ThreeTurns, stream: Stream) -> None:
    """Expect no new thread; one that only goes by two ids holds the message under the first."""
    created = [event for event in stream.events if event.type == "thread.created"]
    others = sorted({event.thread_id for event in stream.events} - {"", three.thread_id})
    if created or not others:
        expect(
            not created,
            "The follow-up made a new thread.",
            at=stream.mark_of(created[0] if created else None),
            hint="new-thread",
        )
        return
    kept = not lacking(three.oldest_first.value, [three.scene.word(TURNS[1])])
    expect(
        kept,
        f"The follow-up was sent to the thread {three.thread_id!r} and stored in the thread "
        f"{others[0]!r}.",
        at=stream.last_serial,
        hint="new-thread",
    )


@criterion("newest-asked")
async def test_newest_message_is_asked_each_time(long: TwelveTurns) -> None:
    expect(bool(long.said), "No message was sent.")
    for number, said in enumerate(long.said, start=1):
        place = f"At message {number} of {len(long.said)} in one thread"
        expect(
            bool(said.calls), f"{place} the model was not asked.", at=said.mark, hint="not-asked"
        )
        if not any(call.contains(said.word) for call in said.calls):
            _expect_order_obeyed(long, place, said)


def _expect_order_obeyed(long: TwelveTurns, place: str, said: Said) -> None:
    """Raise, unless the store itself takes old items for the newest ones.

    Nobody can load the newest message from such a store; `messages-once-in-order` judges it.
    """
    newest = long.newest_first
    oldest_given = newest.finding is None and lacking(
        newest.value, [long.said[0].word, long.said[-1].word]
    ) == [long.said[-1].word]
    expect(
        oldest_given,
        f"{place} the request to the model does not hold that message.",
        at=said.mark,
    )


@criterion("messages-once-in-order")
async def test_all_messages_are_there_once_in_order(three: ThreeTurns) -> None:
    three.need_answers()
    oldest_first, newest_first = three.oldest_first.value, three.newest_first.value
    twice = next((name for name in three.answer_ids if three.answer_ids.count(name) > 1), None)
    expect(
        twice is None,
        f"Two answers came with the same id {twice!r}.",
        at=oldest_first.serial,
        hint="same-id",
    )
    _expect_conversation(three.scene, oldest_first, "`items.list` with `order: asc`")
    asc, desc = messages_of(oldest_first), messages_of(newest_first)
    expect(
        [item.id for item in desc] == [item.id for item in asc][::-1],
        "`items.list` with `order: desc` does not give the same messages, newest first.",
        at=newest_first.serial,
        hint="order",
    )


@criterion("thread-by-id", case="its messages")
async def test_thread_holds_its_messages(three: ThreeTurns) -> None:
    three.need_answers()
    reply = three.thread.value
    got = reply.object.get("id")
    expect(
        got == three.thread_id,
        f"`threads.get_by_id` was asked for the thread with the id {three.thread_id!r}, which the "
        f"client was told, and gave a thread with another id, {got!r}.",
        at=reply.serial,
        hint="ids",
    )
    _expect_messages(three, reply, "`threads.get_by_id`")


@criterion("thread-by-id", case="after a title was set")
async def test_thread_holds_its_title_and_messages(three: ThreeTurns) -> None:
    three.need_answers()
    expect(
        three.titled.value.status == 200,
        f"`threads.update` was answered with status {three.titled.value.status}.",
        at=three.titled.value.serial,
        hint="status",
    )
    reply = three.thread_with_title.value
    got = reply.object.get("title")
    expect(
        got == three.title,
        f"The title was set to {three.title!r}, the thread came with {got!r}.",
        at=reply.serial,
        hint="title",
    )
    _expect_messages(three, reply, "`threads.get_by_id` after `threads.update`")


def _expect_messages(three: ThreeTurns, reply: Reply, what: str) -> None:
    """Expect what `items.list` gave, or the whole conversation: what the store keeps is not here.

    `messages-once-in-order` judges what is kept, and in which order.
    """
    ids = [item.id for item in messages_of(reply)]
    listed = three.oldest_first
    if ids and listed.finding is None and ids == [item.id for item in messages_of(listed.value)]:
        return
    _expect_conversation(three.scene, reply, what)


def _expect_conversation(scene: Scene, reply: Reply, what: str) -> None:
    """Expect the three messages and their answers, each once, oldest first."""
    items = messages_of(reply)
    users = [item for item in items if item.type == "user_message"]
    answers = [item for item in items if item.type == "assistant_message"]
    _expect_distinct(items, reply, what)
    _expect_each_once(users, [scene.word(name) for name in TURNS], "user", reply, what)
    expect(
        len(answers) >= len(TURNS),
        f"{what} holds {len(answers)} answers instead of three.",
        at=reply.serial,
        hint="missing",
    )
    expect(
        len(answers) == len(TURNS) or len({item.text for item in answers}) == len(answers),
        f"{what} holds an answer twice.",
        at=reply.serial,
        hint="twice",
    )
    kinds = [item.type for item in items]
    order = [kind for i, kind in enumerate(kinds) if i == 0 or kinds[i - 1] != kind]
    expect(
        order == ["user_message", "assistant_message"] * len(TURNS),
        f"{what} does not give each message with its answer after it, oldest first.",
        at=reply.serial,
        hint="order",
    )


def _expect_distinct(items: list[Item], reply: Reply, what: str) -> None:
    ids = [item.id for item in items]
    twice = next((item for item in items if ids.count(item.id) > 1), None)
    if twice is None:
        return
    same = {item.text for item in items if item.id == twice.id}
    hint = "twice" if len(same) == 1 else "same-id"
    found(f"{what} holds the id {twice.id!r} twice.", at=reply.serial, hint=hint)


def _expect_each_once(
    items: list[Item], words: list[str], who: str, reply: Reply, what: str
) -> None:
    for word in words:
        count = sum(word in item.text for item in items)
        expect(count > 0, f"{what} lacks a message of the {who}.", at=reply.serial, hint="missing")
        expect(
            count == 1,
            f"{what} holds a message of the {who} {count} times.",
            at=reply.serial,
            hint="twice",
        )
    order = [next(word for word in words if word in item.text) for item in items]
    expect(
        order == words,
        f"{what} does not give the {who}'s messages oldest first.",
        at=reply.serial,
        hint="order",
    )


def _gives_an_object(outcome: Outcome[Reply]) -> bool:
    try:
        return type(outcome.value.object) is dict
    except Finding:
        return False


@criterion("threads-stay-apart", case="their items")
async def test_items_of_two_threads_stay_apart(two: TwoThreads) -> None:
    for outcome, foreign in zip(two.items, (("second", "fourth"), ("first", "third")), strict=True):
        items = items_of(outcome.value) if _gives_an_object(outcome) else []
        needed(bool(items), "`items.list` of one thread is empty.", by="user-message-stored")
        for item in items:
            expect(
                not any(two.scene.word(name) in item.text for name in foreign),
                "`items.list` of one thread shows a message of the other.",
                at=outcome.value.serial,
                hint="items",
            )


@criterion("threads-stay-apart", case="what the model is asked")
async def test_model_hears_only_of_its_thread(two: TwoThreads) -> None:
    for said, foreign in zip(two.follow_ups, (("second",), ("first", "third")), strict=True):
        if not any(call.contains(said.word) for call in said.calls):
            raise Finding(
                "The model was not asked what the user said, so nothing shows what it hears of.",
                mark=said.mark,
                needs=("agent-runs", "asked-what-user-said", "follow-up-answered"),
            )
        for call in said.calls:
            expect(
                not any(call.contains(two.scene.word(name)) for name in foreign),
                "The model was asked about one thread and got words of the other.",
                at=said.mark,
                hint="model",
            )


@criterion("threads-stay-apart", case="the list of threads")
async def test_list_names_both_threads(two: TwoThreads) -> None:
    needed(_gives_an_object(two.threads), "`threads.list` gave no JSON object.", by="json-object")
    reply = two.threads.value
    ids = thread_ids_of(reply)
    counts = [ids.count(thread_id) for thread_id in two.ids]
    expect(
        any(counts) or not ids,
        f"`threads.list` has other ids than the client was told: {ids[0] if ids else ''!r}.",
        at=reply.serial,
        hint="ids",
    )
    expect(
        counts == [1, 1],
        f"`threads.list` names the two threads {counts[0]} and {counts[1]} times.",
        at=reply.serial,
        hint="list",
    )
