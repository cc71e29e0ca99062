"""Pages: what they hold, what they say of the rest, and that none is lost or comes twice."""

from __future__ import annotations

from graders.engine.harness import (
    Order,
    Outcome,
    Page,
    Scene,
    Trace,
    criterion,
    expect,
    lacking,
    needed,
    thread_ids_of,
)
from graders.lesson05.deletion import Deleted
from graders.lesson05.expiry import Expired
from graders.lesson05.paging import LIMIT, MANY, CursorGone, LongThread, Pages, SameTime
from graders.lesson05.shortest import WITH_CHANGES, judge_walks
from graders.lesson05.survival import Hundred
from graders.lesson05.threads import rests_on
from graders.lesson05.walks import walk_items, walk_threads


@criterion("page-form", case="`limit`")
async def test_no_page_is_longer_than_its_limit(pages: Pages) -> None:
    for outcome, what in ((pages.thread_pages, "threads"), (pages.item_pages, "items")):
        needed(
            sum(len(page.ids) for page in outcome.value) >= LIMIT,
            f"All pages of {what} hold less than one page can.",
            by="session-answers",
        )
        for number, page in enumerate(outcome.value, 1):
            expect(
                len(page.ids) <= LIMIT,
                f"Page {number} of {what} has {len(page.ids)} entries, with `limit: {LIMIT}`.",
                at=page.reply.serial,
                hint="limit",
            )


@criterion("page-form", case="`has_more`")
async def test_has_more_tells_the_truth(pages: Pages) -> None:
    for outcome, what in ((pages.thread_pages, "threads"), (pages.item_pages, "items")):
        first = outcome.value[0]
        expect(
            first.has_more,
            f"The first page of {what} holds {len(first.ids)} of more, and says `has_more: false`.",
            at=first.reply.serial,
            hint="false",
        )
    page = pages.one_page.value
    expect(
        not page.has_more,
        f"A page with all {len(page.ids)} threads says `has_more: true`.",
        at=page.reply.serial,
        hint="true",
    )


@criterion("thread-pages", case="while threads come and go")
async def test_walks_through_threads_miss_nothing(scene: Scene, trace: Trace) -> None:
    with rests_on("page-form", "deleted-is-gone"):
        await judge_walks(scene, trace, walk_threads, *WITH_CHANGES)


@criterion("thread-pages", case="after expired threads")
async def test_walk_goes_on_after_expired_threads(expired: Expired) -> None:
    name = expired.renewed.thread_id
    with rests_on("kept-until-ttl"):
        needed(
            name in thread_ids_of(expired.renewed_views.threads.value),
            "A thread that was renewed in time is gone.",
            by="activity-renews",
        )
    pages = expired.walk.value
    needed(
        any(name in page.ids for page in pages),
        "There is a living thread, and newer ones that have expired. Read by 1 from the newest, "
        f"`threads.list` says `has_more: false` after page {len(pages)}, and it never came.",
        by="page-form",
        at=pages[-1].reply.serial,
        hint="expired",
    )


@criterion("thread-pages", case="a hundred threads")
async def test_a_hundred_threads_are_listed(hundred: Hundred) -> None:
    needed(bool(hundred.alive), "No thread could be begun.", by="ids-unique")
    with rests_on("page-form", "deleted-is-gone"):
        _expect_all_listed(hundred)


def _expect_all_listed(hundred: Hundred) -> None:
    for limit, outcome in hundred.walks.items():
        pages = outcome.value
        listed = [name for page in pages for name in page.ids]
        missing = [name for name in hundred.alive if name not in listed]
        twice = [name for name in hundred.alive if listed.count(name) > 1]
        seen = (
            f"There are {len(hundred.alive)} threads. {_read_by(limit)}, `threads.list` says "
            f"`has_more: false` after {len(pages)} pages, and "
        )
        at = pages[-1].reply.serial
        # The server was killed half-way: what was lost then is no matter of pages.
        needed(
            not missing,
            f"{seen}{len(missing)} never came.",
            by="threads-survive",
            at=at,
            hint="long",
        )
        expect(not twice, f"{seen}{len(twice)} came twice.", at=at, hint="long")


def _read_by(limit: int | None) -> str:
    return "Read without a `limit`" if limit is None else f"Read with `limit: {limit}`"


@criterion("item-pages", case="while messages come")
async def test_walks_through_items_miss_nothing(scene: Scene, trace: Trace) -> None:
    with rests_on("page-form"):
        await judge_walks(scene, trace, walk_items)


@criterion("item-pages", case="a long thread")
async def test_a_long_thread_is_read_whole(long_thread: LongThread) -> None:
    needed(len(long_thread.ids) == MANY, "Messages have no items.", by="session-answers")
    for (limit, order), outcome in long_thread.walks.items():
        pages = outcome.value
        came = [name for page in pages for name in page.ids if name in long_thread.ids]
        expected = long_thread.ids if order == "asc" else long_thread.ids[::-1]
        needed(
            came == expected,
            f"A thread has {len(expected)} items. {_read_by(limit)} and `order: {order}`, "
            f"`items.list` says `has_more: false` after {len(pages)} pages, and they did not come "
            f"once each in order: {len(set(expected) - set(came))} never came.",
            by="page-form",
            at=pages[-1].reply.serial,
            hint="long",
        )


@criterion("item-pages", case="of one thread only")
async def test_items_of_other_threads_are_not_given(deleted: Deleted) -> None:
    needed(deleted.deleted.complete, "A message was not answered.", by="session-answers")
    for said, outcome in deleted.before:
        reply = outcome.value
        others = [each for each in deleted.all if each is not said]
        strange = [each for each in others if len(lacking(reply, each.words)) < len(each.words)]
        expect(
            not strange,
            f"There are {len(deleted.all)} threads, and `items.list` of one gives messages of "
            f"{len(strange)} others.",
            at=reply.serial,
            hint="other",
        )


@criterion("same-timestamp", case="threads")
async def test_threads_of_one_moment_come_once_each(same_time: SameTime) -> None:
    with rests_on("page-form", "thread-pages"):
        _expect_complete(same_time.threads, same_time.thread_ids, "thread")


@criterion("same-timestamp", case="items")
async def test_items_of_one_moment_come_once_each(same_time: SameTime) -> None:
    with rests_on("page-form", "item-pages"):
        _expect_complete(same_time.items, same_time.item_ids, "item")


def _expect_complete(walks: dict[Order, Outcome[list[Page]]], ids: list[str], what: str) -> None:
    seen: dict[str, list[str]] = {}
    for order, outcome in walks.items():
        pages = outcome.value
        seen[order] = [name for page in pages for name in page.ids if name in ids]
        counts = [seen[order].count(name) for name in ids]
        expect(
            counts == [1] * len(ids),
            f"Of {len(ids)} {what}s with the same `created_at`, read by {LIMIT} with "
            f"`order: {order}`, {counts.count(0)} never came"
            + (f" and {sum(n > 1 for n in counts)} came twice." if max(counts) > 1 else "."),
            at=pages[-1].reply.serial,
        )
    expect(
        seen["desc"] == seen["asc"][::-1],
        f"{what.capitalize()}s with the same `created_at` come in one order with `order: asc`, and "
        "not in the opposite one with `order: desc`.",
        at=walks["desc"].value[-1].reply.serial,
        hint="order",
    )


@criterion("cursor-deleted", case="threads")
async def test_page_after_a_deleted_thread(deleted: Deleted, pages: Pages) -> None:
    needed(
        deleted.deleted.thread_id not in thread_ids_of(deleted.views.threads.value),
        "A deleted thread is still in `threads.list`.",
        by="deleted-is-gone",
    )
    with rests_on("page-form", "thread-pages", "deleted-is-gone"):
        _expect_no_new_beginning(pages.thread_cursor.value, "thread")


@criterion("cursor-deleted", case="items")
async def test_page_after_a_deleted_item(pages: Pages) -> None:
    with rests_on("page-form", "item-pages"):
        _expect_no_new_beginning(pages.item_cursor.value, "item")


def _expect_no_new_beginning(gone: CursorGone, what: str) -> None:
    needed(bool(gone.first.ids), "The first page is empty.", by="session-answers")
    if gone.second.finding is not None:
        return  # refused, or broken: a client stops here
    page = gone.second.value
    again = bool(set(page.ids) & set(gone.first.ids))
    expect(
        page.ids in ([], gone.expected[: len(page.ids)]) and not again,
        f"The {what} that `after` names was deleted, and the next page "
        + ("is the first one again." if again or what == "item" else "is not the one after it."),
        at=page.reply.serial,
    )
