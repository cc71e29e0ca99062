"""A deleted thread: gone with its items, and closed for new ones."""

from __future__ import annotations

from graders.engine.harness import criterion, expect, lacking, needed, texts_of, thread_ids_of
from graders.lesson05.deletion import Deleted, HalfWay
from graders.lesson05.threads import is_gone, mark_of, rests_on


@criterion("deleted-is-gone", case="the list")
async def test_deleted_thread_is_not_listed(deleted: Deleted) -> None:
    _expect_done(deleted)
    reply = deleted.views.threads.value
    ids = {*thread_ids_of(reply), *deleted.listed.value}
    expect(
        deleted.deleted.thread_id not in ids,
        "A deleted thread is still in `threads.list`.",
        at=reply.serial,
    )
    expect(
        all(said.thread_id in ids for said, _ in deleted.kept),
        "After two threads were deleted, another is no longer in `threads.list`.",
        at=reply.serial,
        hint="other",
    )


@criterion("deleted-is-gone", case="by its id")
async def test_deleted_thread_is_not_given(deleted: Deleted) -> None:
    _expect_done(deleted)
    outcome = deleted.views.thread
    answered = outcome.finding is None and outcome.value.status == 200
    gone = not answered or outcome.value.object.get("id") != deleted.deleted.thread_id
    expect(
        gone,
        "`threads.get_by_id` still gives a deleted thread.",
        at=outcome.value.serial if answered else None,
    )


def _expect_done(deleted: Deleted) -> None:
    needed(deleted.deleted.complete, "A message was not answered.", by="session-answers")
    reply = deleted.deletion.value
    expect(
        reply.status == 200,
        f"`threads.delete` was answered with status {reply.status}: {reply.excerpt}",
        at=reply.serial,
        hint="status",
    )


@criterion("deleted-items-gone")
async def test_items_of_a_deleted_thread_are_gone(deleted: Deleted) -> None:
    with rests_on("deleted-is-gone"):
        _expect_items_gone(deleted)
    listed = deleted.listed.value
    for said, items in deleted.kept:
        if said.thread_id not in listed:
            continue  # another criterion says so
        kept = items.value
        expect(
            not lacking(kept, said.words),
            "After two threads were deleted, messages of another are gone.",
            at=kept.serial,
            hint="other",
        )


def _expect_items_gone(deleted: Deleted) -> None:
    _expect_done(deleted)
    items = deleted.views.items
    if not is_gone(items):
        found = texts_of(items.value)
        expect(
            not found,
            "`items.list` still gives the items of a deleted thread.",
            at=items.value.serial,
            hint="list",
        )
    expect(
        not deleted.still_stored,
        "After a thread was deleted, its text is still in the "
        + " and in the ".join(deleted.still_stored)
        + ".",
    )


@criterion("deleted-stays-deleted")
async def test_deleted_thread_takes_no_message(deleted: Deleted) -> None:
    with rests_on("deleted-is-gone"):
        _expect_closed(deleted)


def _expect_closed(deleted: Deleted) -> None:
    _expect_done(deleted)
    into = deleted.into
    expect(
        not into.complete,
        "A message into a deleted thread was answered as if it were still there.",
        at=into.mark,
        hint="answered",
    )
    reply = deleted.later_views.threads.value
    expect(
        deleted.deleted.thread_id not in thread_ids_of(reply),
        "A message into a deleted thread brought it back into `threads.list`.",
        at=reply.serial,
    )
    items = deleted.later_views.items
    expect(
        is_gone(items) or bool(lacking(items.value, [into.word])),
        "A message into a deleted thread was stored.",
        at=mark_of(items),
    )
    half_way = deleted.half_way.value
    if half_way.is_deleted:
        _expect_not_back(half_way)
        if is_gone(deleted.views.items) and not deleted.still_stored:
            # Where items outlive their thread anyway, another criterion says so.
            _expect_answer_not_stored(half_way)


_HALF_WAY = "A thread was deleted while its answer was under way, and afterwards"


def _expect_not_back(half_way: HalfWay) -> None:
    reply = half_way.views.threads.value
    expect(
        half_way.thread_id not in thread_ids_of(reply),
        f"{_HALF_WAY} it was in `threads.list` again.",
        at=reply.serial,
        hint="answer",
    )
    thread = half_way.views.thread
    expect(
        is_gone(thread),
        f"{_HALF_WAY} `threads.get_by_id` gave it again.",
        at=mark_of(thread),
        hint="answer",
    )


def _expect_answer_not_stored(half_way: HalfWay) -> None:
    items = half_way.views.items
    mark = mark_of(items)
    expect(
        is_gone(items),
        f"{_HALF_WAY} `items.list` gave its messages.",
        at=mark,
        hint="answer",
    )
    expect(
        not half_way.still_stored,
        f"{_HALF_WAY} the answer was in the {' and in the '.join(half_way.still_stored)}.",
        at=mark,
        hint="answer",
    )
