"""Pages of threads and of items as a client walks through them, told apart from what is right.

A :class:`Listing` is one list that can be paged: all threads, or the items of one thread. Must not
know criteria.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from graders.engine.harness import (
    Finding,
    Outcome,
    Reply,
    Scene,
    attempt,
    expect,
    items_of,
    recorded_as,
)
from graders.engine.harness.chat import Order
from graders.lesson05.talking import Said, begin, briefly, ids_in, tell

MOST_PAGES = 60


@dataclass(frozen=True)
class Page:
    """One page: the ids on it, and what it says of those behind it."""

    reply: Reply
    ids: list[str]
    has_more: bool
    after: str | None


@dataclass(frozen=True)
class Listing:
    """A list of ``what``, page by page."""

    what: str
    ask: Callable[[int, Order, str | None], Awaitable[Reply]]
    read: Callable[[Reply], list[str]]

    async def page(self, limit: int, order: Order, after: str | None = None) -> Page:
        """Read one page; raises a :class:`Finding` if it is none."""
        reply = await self.ask(limit, order, after)
        ids = self.read(reply)
        following = reply.object.get("after")
        return Page(
            reply,
            ids,
            has_more=reply.object.get("has_more") is True,
            after=following if type(following) is str else None,
        )

    async def walk(self, limit: int, order: Order) -> list[Page]:
        """Read all pages, as far as `has_more` leads."""
        pages = [await self.page(limit, order)]
        while pages[-1].has_more and len(pages) < MOST_PAGES:
            pages.append(await self.page(limit, order, behind(pages[-1])))
        return pages


def behind(page: Page) -> str:
    """Give what a client sends as `after` to get the next page."""
    if page.after is not None:
        return page.after
    if page.ids:
        return page.ids[-1]
    raise Finding(
        "A page says `has_more: true`, but has no `after` and no entries.", mark=page.reply.serial
    )


def threads_of(scene: Scene) -> Listing:
    """Give the list of all threads."""
    chat = scene.chat
    return Listing(
        "thread",
        lambda limit, order, after: chat.list(limit=limit, order=order, after=after),
        ids_in,
    )


def items_in(scene: Scene, thread_id: str) -> Listing:
    """Give the list of a thread's items."""
    chat = scene.chat
    return Listing(
        "item",
        lambda limit, order, after: chat.items(thread_id, limit=limit, order=order, after=after),
        lambda reply: [item.id for item in items_of(reply)],
    )


LIMIT = 2
_THREADS = 4
_MESSAGES = 3


@dataclass(frozen=True)
class CursorGone:
    """A page, and the page behind it after the last entry of the first was deleted.

    ``expected`` are the ids that come behind, if the server can go on there.
    """

    first: Page
    second: Outcome[Page]
    expected: list[str]


@dataclass(frozen=True)
class Pages:
    """Pages of threads and of items; then what comes behind an entry that was deleted."""

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
        thread_pages=await attempt(threads_of(scene).walk(LIMIT, "desc")),
        item_pages=await attempt(items_in(scene, thread_id).walk(LIMIT, "asc")),
        one_page=await attempt(threads_of(scene).page(_THREADS, "desc")),
        item_cursor=await attempt(_item_cursor_gone(scene, thread_id, in_last)),
        thread_cursor=await attempt(_thread_cursor_gone(scene, said)),
    )


async def _threads_and_messages(scene: Scene) -> tuple[list[Said], list[Said]]:
    """Begin threads; give their first messages, and all messages of the last of them."""
    names = [f"thread {number}" for number in range(_THREADS)]
    said = [await begin(scene, name, briefly(scene, name)) for name in names]
    more = [f"message {number}" for number in range(1, _MESSAGES)]
    follow_ups = [await tell(scene, n, said[-1].thread_id, briefly(scene, n)) for n in more]
    return said, [said[-1], *follow_ups]


async def _thread_cursor_gone(scene: Scene, said: list[Said]) -> CursorGone:
    """Read a page of threads, delete the last of them, and read the next page."""
    newest_first = [each.thread_id for each in said][::-1]
    listing = threads_of(scene)
    first = await listing.page(LIMIT, "desc")
    await scene.chat.delete(newest_first[LIMIT - 1])
    second = await attempt(listing.page(LIMIT, "desc", behind(first)))
    return CursorGone(first, second, newest_first[LIMIT : 2 * LIMIT])


async def _item_cursor_gone(scene: Scene, thread_id: str, said: list[Said]) -> CursorGone:
    """Read the newest item, let a retry replace it, and read the page behind it."""
    listing = items_in(scene, thread_id)
    first = await listing.page(1, "desc")
    message, _ = item_ids_of(said[-1])
    await (await scene.chat.retry(thread_id, message)).finish()
    second = await attempt(listing.page(1, "desc", behind(first)))
    return CursorGone(first, second, [message])


def item_ids_of(said: Said) -> list[str]:
    """Give the ids of the message and of its answer, as they came in the stream."""
    items = (said.stream.user_item, said.stream.assistant_item)
    ids = [item.item_id for item in items if item is not None]
    if len(ids) < len(items):
        raise Finding("A message has no finished item, or no finished answer.", mark=said.mark)
    return ids


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
        threads={o: await attempt(threads_of(scene).walk(LIMIT, o)) for o in orders},
        items={o: await attempt(items_in(scene, thread_id).walk(LIMIT, o)) for o in orders},
        thread_ids=[each.thread_id for each in said],
        item_ids=[name for each in in_last for name in item_ids_of(each)],
    )


def expect_page_form(pages: list[Page], limit: int, what: str) -> None:
    """Expect that no page is longer than ``limit``."""
    for number, page in enumerate(pages, 1):
        expect(
            len(page.ids) <= limit,
            f"Page {number} of {what}s has {len(page.ids)} entries, with `limit: {limit}`.",
            at=page.reply.serial,
            hint="limit",
        )
