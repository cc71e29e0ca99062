"""Bob names what is not his: ids of Alice's, ids that he makes up, her attachment.

Must not know criteria.
"""

from __future__ import annotations

from dataclasses import dataclass

from graders.engine.harness import Scene, recorded_as, say, user_input
from graders.lesson06.fabricated_ids import similar_id
from graders.lesson06.operations import GET, ITEMS, MESSAGE, Target, message_about
from graders.lesson06.ownership import page_of
from graders.lesson06.people import Person, Sending, Thread, WholeAnswer, begin


@dataclass(frozen=True)
class Tried:
    """One request of Bob's: what he does, told in words, and what came of it."""

    told: str
    answer: WholeAnswer


async def _try(person: Person, told: str, sending: Sending) -> Tried:
    # What a server does after an earlier answer, such as a title, is not this request's doing.
    await person.scene.student.rest()
    return Tried(told, await person.send(sending))


@dataclass(frozen=True)
class Mixed:
    """Bob's requests on a thread of his own that name Alice's items, and her items afterwards.

    ``lists`` are those of his threads, ``tried`` all the others. ``like_unknown`` are those that
    name an item to act on, each with what came of the same request for an item that does not exist.
    """

    threads: tuple[Thread, Thread]
    tried: tuple[Tried, ...]
    lists: tuple[Tried, ...]
    like_unknown: tuple[tuple[Tried, Tried], ...]
    items: WholeAnswer


@recorded_as("mixed")
async def play_foreign_items(scene: Scene) -> Mixed:
    """Let Bob name Alice's items and threads in requests on his own thread."""
    alice, bob = Person(scene, "Alice"), Person(scene, "Bob")
    own = await begin(bob, "bob")
    first, second = await begin(alice, "alice"), await begin(alice, "alice, another")
    target = Target(own.id, first.message_id, first.answer_id)
    listed = [await _try(bob, told, req) for told, req in _items_after(own.id, (first, second))]
    lists = [await _try(bob, told, req) for told, req in _threads_after(first, second)]
    acted = [await _try(bob, told, req) for told, req in _at_hers(target)]
    seed = scene.canary.seed
    never = Target(own.id, similar_id(first.message_id, seed), similar_id(first.answer_id, seed))
    unknown = [await _try(bob, told, req) for told, req in _at_hers(never)]
    # Where ids are counted in each thread, hers are those of items of his own.
    counted = not bob.own.isdisjoint({first.message_id, first.answer_id})
    return Mixed(
        threads=(first, second),
        tried=(*listed, *acted),
        lists=tuple(lists),
        like_unknown=() if counted else tuple(zip(acted, unknown, strict=True)),
        items=await alice.send(lambda chat: chat.items(first.id)),
    )


def _items_after(own: str, hers: tuple[Thread, Thread]) -> list[tuple[str, Sending]]:
    """Return lists of items of Bob's own thread, each to go on after an item of Alice's."""
    first, second = hers
    return [
        (
            "asks for items after hers",
            lambda chat: chat.items(own, order="asc", after=first.message_id),
        ),
        (
            "asks for items before hers",
            lambda chat: chat.items(own, order="desc", after=second.message_id),
        ),
    ]


def _threads_after(first: Thread, second: Thread) -> list[tuple[str, Sending]]:
    """Return lists of Bob's threads, each to go on after a thread of Alice's."""
    return [
        ("asks for threads after hers", lambda chat: chat.list(order="asc", after=first.id)),
        ("asks for threads before hers", lambda chat: chat.list(order="desc", after=second.id)),
    ]


def _at_hers(target: Target) -> list[tuple[str, Sending]]:
    """Return requests on Bob's own thread that name an item to act on."""
    own, message, answer = target.thread_id, target.message_id, target.answer_id
    action = {"type": "note_context", "payload": {"text": "note"}}
    form = {"thread_id": own, "item_id": answer, "input": {"status": "answered", "answers": {}}}
    pressed = {"thread_id": own, "item_id": answer, "action": action}
    return [
        ("asks for another answer to her message", lambda chat: chat.retry(own, message)),
        ("rates her answer", lambda chat: chat.feedback(own, [answer], "positive")),
        (
            "starts an action at her answer",
            lambda chat: chat.stream("threads.custom_action", pressed),
        ),
        (
            "starts an action at her answer",
            lambda chat: chat.ask("threads.sync_custom_action", pressed),
        ),
        (
            "answers a form at her answer",
            lambda chat: chat.stream("threads.add_structured_input", form),
        ),
    ]


QUERIES = ("' OR '1'='1", "x' OR 1=1 --", "%", "*", "..", '" OR ""="')
"""Ids that mean more than themselves, where they are put into a query or a path as they are."""


@dataclass(frozen=True)
class Fabricated:
    """What came of an id that no server gave out, of one named in a first message, of queries.

    ``word`` is what Bob said in the thread that does not exist; ``threads`` is his list afterwards.
    ``thread`` is not Alice's first one: Bob's first may have the same id as hers.
    """

    thread: Thread
    unknown_id: str
    word: str
    unknown: Tried
    threads: WholeAnswer
    named: Tried
    named_id: str
    items: WholeAnswer
    queries: tuple[Tried, ...]


@recorded_as("fabricated")
async def play_fabricated_ids(scene: Scene) -> Fabricated:
    """Say something in an unknown thread, name Alice's in a first message, ask for all."""
    alice, bob = Person(scene, "Alice"), Person(scene, "Bob")
    await begin(alice, "alice, another")
    thread = await begin(alice, "alice")
    unknown_id, word = similar_id(thread.id, scene.canary.seed), scene.canary.word("said to nobody")
    scene.model.on(message_about(word), say("So be it."))
    scene.script("bob")
    target = Target(unknown_id, "", "")
    unknown = await _try(bob, "says something in it", MESSAGE.sending(target, word))
    threads = await bob.send(lambda chat: chat.list())
    named = await _try(bob, "begins a thread and names hers", _names(scene.message("bob"), thread))
    queries = [
        await _try(bob, operation.tell("Bob", f"`{text}`"), operation.sending(_all(text), word))
        for operation in (GET, ITEMS)
        for text in QUERIES
    ]
    return Fabricated(
        thread=thread,
        unknown_id=unknown_id,
        word=word,
        unknown=unknown,
        threads=threads,
        named=named,
        named_id=named.answer.new_thread_id,
        items=await alice.send(lambda chat: chat.items(thread.id)),
        queries=tuple(queries),
    )


def _all(text: str) -> Target:
    return Target(text, text, text)


def _names(text: str, thread: Thread) -> Sending:
    """Begin a thread with the id of one that is there, in every place where it might be read."""
    params = {
        "input": user_input(text),
        "thread_id": thread.id,
        "id": thread.id,
        "thread": {"id": thread.id},
        "metadata": {"thread_id": thread.id},
    }
    metadata = {"thread_id": thread.id, "id": thread.id}
    return lambda chat: chat.stream("threads.create", params, metadata)


@dataclass(frozen=True)
class Attached:
    """An attachment of Alice's that Bob tries to use and to delete.

    ``offered``: the server takes attachments; ``usable``: Alice can put one into a message.
    """

    word: str
    offered: bool
    usable: bool = False
    used: Tried | None = None
    deleted: Tried | None = None
    afterwards: WholeAnswer | None = None


@recorded_as("attached")
async def play_attachments(scene: Scene) -> Attached:
    """Let Alice make attachments; let Bob use and delete one; let Alice use it."""
    alice, bob = Person(scene, "Alice"), Person(scene, "Bob")
    word = scene.canary.word("attachment")
    ids = [await _attach(alice, f"{word}-{n}.txt") for n in range(2)]
    if not all(ids):
        return Attached(word, offered=False)
    first, second = ids
    for key in ("alice tries", "bob uses", "alice uses"):
        scene.script(key)
    trial = await alice.send(_with(scene, "alice tries", first))
    used = await _try(bob, "puts it into a message", _with(scene, "bob uses", second))
    deleted = await _try(
        bob,
        "deletes it (`attachments.delete`)",
        lambda chat: chat.ask("attachments.delete", {"attachment_id": second}),
    )
    afterwards = await alice.send(_with(scene, "alice uses", second))
    usable = trial.stream is not None and trial.stream.user_item is not None
    return Attached(word, True, usable, used, deleted, afterwards)


def _with(scene: Scene, key: str, attachment_id: str) -> Sending:
    return lambda chat: chat.create(scene.message(key), attachments=(attachment_id,))


async def _attach(person: Person, name: str) -> str:
    params = {"name": name, "size": 10, "mime_type": "text/plain"}
    answer = await person.send(lambda chat: chat.ask("attachments.create", params))
    made = page_of(answer).get("id")
    return made if isinstance(made, str) else ""
