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
_LIMITS = (1, 2, None, 100)
"""How many threads a page may have; ``None`` leaves it to the server."""
_MOST_PAGES = 8
_WAYS = tuple((order, limit) for order in _ORDERS for limit in _LIMITS)
_BEGINNERS = "AABABBA"
"""Who begins a thread, in this order: Alice's are the oldest, the newest, and some between."""

Way = tuple[Order, int | None]
"""An order and a size of pages."""


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
    """Bob's list of threads, page by page in each way: among threads of Alice's, then alone.

    ``after_hers`` is his page after a thread of Alice's, ``after_deleted`` the same when she has
    deleted it. It is the same cursor, so what differs is what her thread did.
    """

    alice: tuple[Thread, ...]
    bob: Person
    title: str
    among: Mapping[Way, list[WholeAnswer]]
    alone: Mapping[Way, list[WholeAnswer]]
    after_hers: Mapping[Order, WholeAnswer]
    after_deleted: Mapping[Order, WholeAnswer]

    @property
    def empty(self) -> bool:
        """Whether Bob's list shows not even his own threads."""
        shown = [page.strings for pages in self.among.values() for page in pages]
        return self.bob.own.isdisjoint(frozenset[str]().union(*shown))


@recorded_as("listed")
async def play_lists(scene: Scene) -> Listed:
    """Let Alice and Bob begin threads in turns; list Bob's, let Alice delete hers, list again."""
    alice, bob = Person(scene, "Alice"), Person(scene, "Bob")
    hers = []
    for n, who in enumerate(_BEGINNERS):
        thread = await begin(alice if who == "A" else bob, f"list {n}")
        hers += [thread] if who == "A" else []
    title, middle = scene.canary.word("title of alice"), hers[2]
    await alice.send(lambda chat: chat.update(middle.id, title))
    among = {way: await _pages(bob, way) for way in _WAYS}
    after_hers = await _pages_after(bob, middle)
    for thread in hers:
        await alice.send(_deletes(thread))
    alone = {way: await _pages(bob, way) for way in _WAYS}
    after_deleted = await _pages_after(bob, middle)
    return Listed(tuple(hers), bob, title, among, alone, after_hers, after_deleted)


def _deletes(thread: Thread) -> Sending:
    return lambda chat: chat.delete(thread.id)


async def _pages_after(person: Person, thread: Thread) -> dict[Order, WholeAnswer]:
    return {order: await person.send(_lists((order, 2), thread.id)) for order in _ORDERS}


async def _pages(person: Person, way: Way) -> list[WholeAnswer]:
    return await walk_pages(lambda after: person.send(_lists(way, after)), _next, _MOST_PAGES)


def _lists(way: Way, after: str | None) -> Sending:
    order, limit = way
    return lambda chat: chat.list(limit=limit, order=order, after=after)


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
