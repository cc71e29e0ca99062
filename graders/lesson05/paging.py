"""Scenarios in which a client reads page by page, and entries are deleted or of one moment.

Must not know criteria.
"""

from __future__ import annotations

from dataclasses import dataclass

from graders.engine.harness import (
    Order,
    Outcome,
    Page,
    Said,
    Scene,
    attempt,
    items_in,
    recorded_as,
    threads_of,
)
from graders.lesson05.threads import begin, briefly, unhurried

LIMIT = 2
_THREADS = 4
_MESSAGES = 3
MANY = 52


@dataclass(frozen=True)
class CursorGone:
    """A page, and the next page when the last entry of the first was deleted.

    ``expected`` are the ids that come after it, if the server can go on there.
    """

    first: Page
    second: Outcome[Page]
    expected: list[str]


@dataclass(frozen=True)
class Pages:
    """Pages of threads and of items; then what comes after an entry that was deleted."""

    thread_pages: Outcome[list[Page]]
    item_pages: Outcome[list[Page]]
    one_page: Outcome[Page]
    thread_cursor: Outcome[CursorGone]
    item_cursor: Outcome[CursorGone]


@recorded_as("pages")
async def play_pages(scene: Scene) -> Pages:
    """Read four threads, and the items of three messages, two by two; all threads in one page."""
    said, in_last = await _threads_and_messages(scene)
    thread_id = said[-1].thread_id
    return Pages(
        thread_pages=await attempt(threads_of(scene.chat).walk(LIMIT, "desc")),
        item_pages=await attempt(items_in(scene.chat, thread_id).walk(LIMIT, "asc")),
        one_page=await attempt(threads_of(scene.chat).page(_THREADS, "desc")),
        item_cursor=await attempt(_item_cursor_gone(scene, thread_id, in_last)),
        thread_cursor=await attempt(_thread_cursor_gone(scene, said)),
    )


async def _threads_and_messages(scene: Scene) -> tuple[list[Said], list[Said]]:
    """Begin threads; return their first messages, and all messages of the last of them."""
    names = [f"thread {number}" for number in range(_THREADS)]
    said = [await begin(scene, name, briefly(scene, name)) for name in names]
    more = [f"message {number}" for number in range(1, _MESSAGES)]
    follow_ups = [await scene.say(n, said[-1].thread_id, briefly(scene, n)) for n in more]
    return said, [said[-1], *follow_ups]


async def _thread_cursor_gone(scene: Scene, said: list[Said]) -> CursorGone:
    """Read a page of threads, delete the last of them, and read the next page."""
    newest_first = [each.thread_id for each in said][::-1]
    listing = threads_of(scene.chat)
    first = await listing.page(LIMIT, "desc")
    await scene.chat.delete(newest_first[LIMIT - 1])
    second = await attempt(listing.page(LIMIT, "desc", first.end))
    return CursorGone(first, second, newest_first[LIMIT : 2 * LIMIT])


async def _item_cursor_gone(scene: Scene, thread_id: str, said: list[Said]) -> CursorGone:
    """Read the newest item, let a retry replace it, and read the page after it."""
    listing = items_in(scene.chat, thread_id)
    first = await listing.page(1, "desc")
    message, _ = said[-1].item_ids
    await (await scene.chat.retry(thread_id, message)).finish()
    second = await attempt(listing.page(1, "desc", first.end))
    return CursorGone(first, second, [message])


@dataclass(frozen=True)
class LongThread:
    """A thread with more items than a page that any server has by itself, read in pages of sizes.

    ``walks`` has for each `limit` (``None``: none was sent) and `order` the pages.
    """

    ids: list[str]
    walks: dict[tuple[int | None, Order], Outcome[list[Page]]]


@recorded_as("long_thread")
async def play_long_thread(scene: Scene) -> LongThread:
    """Say many messages in one thread, and read its items by 100, by 1, and as many as come."""
    first = await begin(scene, "long 1", briefly(scene, "long 1"))
    names = [f"long {number}" for number in range(2, MANY // 2 + 1)]
    said = [first] + [await scene.say(n, first.thread_id, briefly(scene, n)) for n in names]
    listing = unhurried(scene, items_in(scene.chat, first.thread_id))
    ways: tuple[tuple[int | None, Order], ...] = ((100, "asc"), (1, "desc"), (None, "desc"))
    return LongThread(
        ids=[name for each in said for name in each.item_ids],
        # A server may store more items of an answer than the two that are looked for.
        walks={way: await attempt(listing.walk(*way, most=4 * MANY)) for way in ways},
    )


@dataclass(frozen=True)
class SameTime:
    """All pages of threads and of items that were made while the clock stood still."""

    threads: dict[Order, Outcome[list[Page]]]
    items: dict[Order, Outcome[list[Page]]]
    thread_ids: list[str]
    item_ids: list[str]


@recorded_as("same_time")
async def play_same_time(scene: Scene) -> SameTime:
    """Make threads and items at one moment, and read them two by two, in both orders."""
    await scene.student.stop_clock()
    said, in_last = await _threads_and_messages(scene)
    thread_id = said[-1].thread_id
    orders: tuple[Order, Order] = ("asc", "desc")
    return SameTime(
        threads={o: await attempt(threads_of(scene.chat).walk(LIMIT, o)) for o in orders},
        items={o: await attempt(items_in(scene.chat, thread_id).walk(LIMIT, o)) for o in orders},
        thread_ids=[each.thread_id for each in said],
        item_ids=[name for each in in_last for name in each.item_ids],
    )
