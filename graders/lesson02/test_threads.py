"""What is kept: the messages of a thread, follow-ups, and two threads side by side."""

from __future__ import annotations

from graders.engine.harness import (
    Item,
    Reply,
    Scene,
    criterion,
    expect,
    found,
    items_of,
    messages_of,
    texts_of,
    thread_ids_of,
)
from graders.lesson02.scenarios import TURNS, FirstMessage, ThreeTurns, TwoThreads


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
    stream = first.stream
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
    expect(
        stream.error is None,
        "The follow-up got an `error` event.",
        at=stream.mark_of(stream.error),
        hint="error-event",
    )
    created = [event for event in stream.events if event.type == "thread.created"]
    other = {event.thread_id for event in stream.events} - {"", three.thread_id}
    expect(
        not created and not other,
        "The follow-up made a new thread.",
        at=stream.mark_of(created[0] if created else None),
        hint="new-thread",
    )
    expect(stream.answered, "The follow-up got no assistant message.", at=stream.last_serial)
    newest = scene.word("second")
    calls = scene.model.calls[three.calls_before_follow_up :]
    # `agent-runs` judges whether the model is asked at all.
    expect(
        bool(calls) or three.calls_before_follow_up == 0,
        "The follow-up was answered, but the model was not asked.",
        at=stream.last_serial,
        hint="not-asked",
    )
    for call in calls:
        expect(
            call.contains(newest) or not call.contains(scene.word("first")),
            "For the follow-up the model was asked the first message again.",
            at=stream.last_serial,
            hint="old-message",
        )


@criterion("messages-once-in-order")
async def test_all_messages_are_there_once_in_order(three: ThreeTurns) -> None:
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
    reply = three.thread.value
    expect(
        reply.object.get("id") == three.thread_id,
        "`threads.get_by_id` gave another thread than the one that was asked for.",
        at=reply.serial,
    )
    _expect_conversation(three.scene, reply, "`threads.get_by_id`")


@criterion("thread-by-id", case="after a title was set")
async def test_thread_holds_its_title_and_messages(three: ThreeTurns) -> None:
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
    _expect_conversation(three.scene, reply, "`threads.get_by_id` after `threads.update`")


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


@criterion("threads-stay-apart", case="their items")
async def test_items_of_two_threads_stay_apart(two: TwoThreads) -> None:
    for outcome, foreign in zip(two.items, (("second", "fourth"), ("first", "third")), strict=True):
        reply = outcome.value
        for item in items_of(reply):
            expect(
                not any(two.scene.word(name) in item.text for name in foreign),
                "`items.list` of one thread shows a message of the other.",
                at=reply.serial,
                hint="items",
            )


@criterion("threads-stay-apart", case="what the model is asked")
async def test_model_hears_only_of_its_thread(two: TwoThreads) -> None:
    for own, foreign in (("third", ("second",)), ("fourth", ("first", "third"))):
        asked = [call for call in two.scene.model.calls if call.contains(two.scene.word(own))]
        for call in asked:
            expect(
                not any(call.contains(two.scene.word(name)) for name in foreign),
                "The model was asked about one thread and got words of the other.",
                hint="model",
            )


@criterion("threads-stay-apart", case="the list of threads")
async def test_list_names_both_threads(two: TwoThreads) -> None:
    reply = two.threads.value
    ids = thread_ids_of(reply)
    counts = [ids.count(thread_id) for thread_id in two.ids]
    expect(
        counts == [1, 1],
        f"`threads.list` names the two threads {counts[0]} and {counts[1]} times.",
        at=reply.serial,
        hint="list",
    )
