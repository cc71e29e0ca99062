"""What is whose: what owners may do with their own threads, and the list of threads of each.

Must not know criteria.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graders.engine.harness import Order, Scene, recorded_as, walk_pages
from graders.lesson06.people import Person, Sending, Thread, WholeAnswer, begin

_ORDERS: tuple[Order, Order] = ("desc", "asc")
_LIMIT = 2
_MOST_PAGES = 8


@dataclass(frozen=True)
class Owner:
    """All that Alice does with threads of her own, in this order."""

    thread: Thread
    second: tuple[str, str]
    follow_up: WholeAnswer
    items: WholeAnswer
    loaded: WholeAnswer
    threads: WholeAnswer
    title: str
    renamed: WholeAnswer
    threads_renamed: WholeAnswer
    retried: WholeAnswer
    deleted: WholeAnswer
    threads_after: WholeAnswer
    deleted_thread: Thread


@recorded_as("owner")
async def play_owner(scene: Scene) -> Owner:
    """Use a thread as its owner may: read, go on, rename, ask again; delete another one."""
    alice = Person(scene, "Alice")
    thread = await begin(alice, "first")
    scene.script("second")
    title = scene.canary.word("title")
    follow_up = await alice.send(lambda chat: chat.say(thread.id, scene.message("second")))
    items = await alice.send(lambda chat: chat.items(thread.id))
    loaded = await alice.send(lambda chat: chat.get(thread.id))
    threads = await alice.send(lambda chat: chat.list())
    retried = await alice.send(lambda chat: chat.retry(thread.id, thread.message_id))
    renamed = await alice.send(lambda chat: chat.update(thread.id, title))
    threads_renamed = await alice.send(lambda chat: chat.list())
    other = await begin(alice, "other")
    return Owner(
        thread=thread,
        second=(scene.word("second"), scene.answer_word("second")),
        follow_up=follow_up,
        items=items,
        loaded=loaded,
        threads=threads,
        title=title,
        renamed=renamed,
        threads_renamed=threads_renamed,
        retried=retried,
        deleted=await alice.send(lambda chat: chat.delete(other.id)),
        threads_after=await alice.send(lambda chat: chat.list()),
        deleted_thread=other,
    )


@dataclass(frozen=True)
class Listed:
    """Bob's list of threads, page by page in both orders, before and after Alice has threads.

    ``after_hers`` is his page after a thread of Alice's, ``after_deleted`` the same when she has
    deleted that thread. It is the same cursor, so what differs is what her thread did.
    """

    alice: tuple[Thread, ...]
    bob: Person
    title: str
    before: Mapping[Order, list[WholeAnswer]]
    after: Mapping[Order, list[WholeAnswer]]
    after_hers: Mapping[Order, WholeAnswer]
    after_deleted: Mapping[Order, WholeAnswer]


@recorded_as("listed")
async def play_lists(scene: Scene) -> Listed:
    """List Bob's three threads; let Alice begin three, and delete one; list Bob's after each."""
    alice, bob = Person(scene, "Alice"), Person(scene, "Bob")
    for n in range(3):
        await begin(bob, f"bob {n}")
    before = {order: await _pages(bob, order) for order in _ORDERS}
    hers = [await begin(alice, f"alice {n}") for n in range(3)]
    title = scene.canary.word("title of alice")
    await alice.send(lambda chat: chat.update(hers[0].id, title))
    after = {order: await _pages(bob, order) for order in _ORDERS}
    after_hers = await _pages_after(bob, hers[0])
    await alice.send(lambda chat: chat.delete(hers[0].id))
    after_deleted = await _pages_after(bob, hers[0])
    return Listed(tuple(hers), bob, title, before, after, after_hers, after_deleted)


async def _pages_after(person: Person, thread: Thread) -> dict[Order, WholeAnswer]:
    return {order: await person.send(_lists(order, thread.id)) for order in _ORDERS}


async def _pages(person: Person, order: Order) -> list[WholeAnswer]:
    return await walk_pages(lambda after: person.send(_lists(order, after)), _next, _MOST_PAGES)


def _lists(order: Order, after: str | None) -> Sending:
    return lambda chat: chat.list(limit=_LIMIT, order=order, after=after)


def _next(answer: WholeAnswer) -> str | None:
    """Return the cursor of the page after this one; ``None`` if it is the last."""
    page = page_of(answer)
    after = page.get("after")
    return after if page.get("has_more") is True and isinstance(after, str) else None


def page_of(answer: WholeAnswer) -> dict[str, Any]:
    """Read an answer's JSON object; an empty one if it is none."""
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return value if answer.status == 200 and isinstance(value, dict) else {}


def ids_of(answer: WholeAnswer) -> list[str]:
    """Return the ids in a page's ``data``."""
    data = page_of(answer).get("data")
    rows = data if isinstance(data, list) else []
    return [str(row.get("id")) for row in rows if isinstance(row, dict)]
