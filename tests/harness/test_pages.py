"""Pages as a client walks through them: what it sends to go on, and where it stops."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from graders.engine.core.errors import Finding
from graders.engine.harness import (
    MOST_PAGES,
    Listing,
    Reply,
    item_ids_of,
    lacking,
    texts_of,
    thread_ids_of,
    walk_pages,
)


def reply(**body: Any) -> Reply:
    """Return an answer with this JSON object."""
    return Reply(200, httpx.Headers(), json.dumps(body).encode(), 3)


def items(*texts: str) -> list[dict[str, Any]]:
    """Return items: one of the user, then one of the assistant, and so on."""
    kinds = ("user_message", "assistant_message")
    return [
        {"id": f"i{n}", "type": kinds[n % 2], "content": [{"text": text}]}
        for n, text in enumerate(texts)
    ]


class Server:
    """Gives pages of threads, as told."""

    def __init__(self, *pages: Reply) -> None:
        self._pages = list(pages)
        self.asked: list[str | None] = []

    async def ask(self, _limit: int | None, _order: str, after: str | None) -> Reply:
        """Return the next page."""
        self.asked.append(after)
        return self._pages.pop(0)

    @property
    def listing(self) -> Listing:
        """The list of threads."""
        return Listing("thread", self.ask, thread_ids_of)


async def test_walk_goes_on_after_what_the_page_says_or_its_last_entry() -> None:
    server = Server(
        reply(data=[{"id": "a"}], has_more=True, after="cursor"),
        reply(data=[{"id": "b"}, {"id": "c"}], has_more=True),
        reply(data=[{"id": "d"}], has_more=False, after="d"),
    )
    pages = await server.listing.walk(2, "asc")
    assert [page.ids for page in pages] == [["a"], ["b", "c"], ["d"]]
    assert server.asked == [None, "cursor", "c"]
    assert (pages[-1].next, pages[-1].end) == (None, "d")


async def test_page_that_has_more_and_no_end_is_a_finding() -> None:
    server = Server(reply(data=[], has_more=True))
    with pytest.raises(Finding, match="no `after` and no entries"):
        await server.listing.walk(2, "asc")


async def test_walk_without_end_stops() -> None:
    async def read(_after: str | None) -> str:
        return "page"

    assert await walk_pages(read, lambda page: page) == ["page"] * MOST_PAGES
    assert await walk_pages(read, lambda page: page, 2) == ["page"] * 2


def test_items_are_read_by_type() -> None:
    page = reply(data=items("hello", "hi", "bye"))
    assert texts_of(page) == ["hello", "hi", "bye"]
    assert texts_of(page, "user_message") == ["hello", "bye"]
    assert item_ids_of(page) == ["i0", "i1", "i2"]
    assert lacking(page, ["ell", "no"]) == ["no"]


def test_threads_that_are_no_list_are_a_finding() -> None:
    assert thread_ids_of(reply(data=[{"id": "a"}, "b"])) == ["a"]
    with pytest.raises(Finding, match="no list `data`") as raised:
        thread_ids_of(reply(data=None))
    assert raised.value.mark == 3
