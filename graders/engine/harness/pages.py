"""Pages of threads and of items as a client walks through them.

A :class:`Listing` is one list that can be paged: all threads, or the items of one thread. Must not
know which entries ought to be there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from graders.engine.core.errors import Finding
from graders.engine.harness.chat import Chat, Order, Reply
from graders.engine.harness.items import item_ids_of, thread_ids_of

MOST_PAGES = 60
"""More pages than any list has here: a server that always has more must not be asked for ever."""
_Page = TypeVar("_Page")


async def walk_pages(
    read: Callable[[str | None], Awaitable[_Page]],
    following: Callable[[_Page], str | None],
    most: int = MOST_PAGES,
) -> list[_Page]:
    """Read page after page, ``most`` of them.

    ``read`` gets what the client sends as `after`, which ``following`` finds in the page before;
    it is ``None`` where no page follows.
    """
    pages = [await read(None)]
    while len(pages) < most and (after := following(pages[-1])) is not None:
        pages.append(await read(after))
    return pages


@dataclass(frozen=True)
class Page:
    """One page: the ids on it, and what it says of those after it."""

    reply: Reply
    ids: list[str]
    has_more: bool
    after: str | None

    @property
    def end(self) -> str:
        """What a client sends as `after` to go on after this page."""
        if self.after is not None:
            return self.after
        if self.ids:
            return self.ids[-1]
        raise Finding(
            "A page says `has_more: true`, but has no `after` and no entries.",
            mark=self.reply.serial,
        )

    @property
    def next(self) -> str | None:
        """What a client sends as `after` to get the next page; ``None`` if there is none."""
        return self.end if self.has_more else None


@dataclass(frozen=True)
class Listing:
    """A list of ``what``, page by page."""

    what: str
    ask: Callable[[int | None, Order, str | None], Awaitable[Reply]]
    read: Callable[[Reply], list[str]]

    async def page(self, limit: int | None, order: Order, after: str | None = None) -> Page:
        """Read one page, as long as the server's own without a ``limit``; a Finding if none."""
        reply = await self.ask(limit, order, after)
        ids = self.read(reply)
        following = reply.object.get("after")
        return Page(
            reply,
            ids,
            has_more=reply.object.get("has_more") is True,
            after=following if type(following) is str else None,
        )

    async def walk(self, limit: int | None, order: Order, most: int = MOST_PAGES) -> list[Page]:
        """Read all pages, as far as `has_more` leads, but not more than ``most``."""
        return await walk_pages(
            lambda after: self.page(limit, order, after), lambda page: page.next, most
        )


def threads_of(chat: Chat) -> Listing:
    """Return the list of all threads of a user."""
    return Listing(
        "thread",
        lambda limit, order, after: chat.list(limit=limit, order=order, after=after),
        thread_ids_of,
    )


def items_in(chat: Chat, thread_id: str) -> Listing:
    """Return the list of a thread's items."""
    return Listing(
        "item",
        lambda limit, order, after: chat.items(thread_id, limit=limit, order=order, after=after),
        item_ids_of,
    )
