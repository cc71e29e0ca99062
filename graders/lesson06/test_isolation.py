"""Whose is what: each operation on another user's thread answers as if it did not exist."""

from __future__ import annotations

import pytest

from graders.engine.harness import criterion, expect
from graders.lesson06.fabricated_ids import bare
from graders.lesson06.intrusions import Intrusions, expect_refused, what_it_is
from graders.lesson06.operations import (
    CUSTOM_ACTION,
    DELETE,
    FEEDBACK,
    GET,
    ITEMS,
    MESSAGE,
    OPERATIONS,
    RETRY,
    STRUCTURED_INPUT,
    SYNC_ACTION,
    TOOL_OUTPUT,
    UPDATE,
    Operation,
)
from graders.lesson06.ownership import Listed, Owner, ids_of, page_of
from graders.lesson06.people import Thread, WholeAnswer


@criterion("own-threads")
async def test_owner_may_use_own_threads(owner: Owner) -> None:
    expect(
        owner.follow_up.answered,
        f"Alice's follow-up in her own thread was not answered (status {owner.follow_up.status}).",
        at=owner.follow_up.mark,
        hint="follow-up",
    )
    for answer, what in ((owner.items, "`items.list`"), (owner.loaded, "`threads.get_by_id`")):
        for word in (*owner.thread.words, *owner.second):
            expect(
                answer.status == 200 and word in answer.body,
                f"{what} of Alice's own thread got status {answer.status} and lacks `{word}`.",
                at=answer.mark,
            )
    expect(
        owner.thread.id in owner.threads.strings,
        "`threads.list` does not hold Alice's own thread.",
        at=owner.threads.mark,
    )


_LISTS = "Bob starts three threads; Alice starts three; Bob lists his threads (`threads.list`)"


@criterion("list-own")
async def test_list_holds_own_threads_only(listed: Listed) -> None:
    for pages in listed.after.values():
        for page in pages:
            for thread in listed.alice:
                secret = thread.leaked(page, listed.bob)
                expect(
                    secret is None,
                    f"{_LISTS}; Bob sees `{secret}`, {_in_list(secret or '', thread)}.",
                    at=page.mark,
                )
            expect(
                listed.title not in page.shown,
                f"{_LISTS}; Bob sees `{listed.title}`, the title of a thread of Alice's.",
                at=page.mark,
            )


def _in_list(secret: str, thread: Thread) -> str:
    if secret == thread.id:
        return "the id of a thread of Alice's"
    return what_it_is(secret, thread)


@criterion("list-pages")
async def test_pages_do_not_tell_of_others(listed: Listed) -> None:
    for order, pages in listed.after.items():
        before = [_shape(page) for page in listed.before[order]]
        after = [_shape(page) for page in pages]
        expect(
            before == after,
            f"Bob has three threads and asks for pages of two (order {order}): he gets "
            f"{_told(before)}. Then Alice starts three; Bob asks again and gets {_told(after)}.",
            at=pages[-1].mark,
        )
    for order, hers in listed.after_hers.items():
        none = listed.after_deleted[order]
        expect(
            (hers.status, _shape(hers)) == (none.status, _shape(none)),
            f"Bob lists his threads after the id of a thread of Alice's (order {order}) and gets "
            f"{_page(hers)}. Then Alice deletes it; Bob asks again and gets {_page(none)}.",
            at=none.mark,
            hint="cursor",
        )


def _shape(page: WholeAnswer) -> tuple[tuple[str, ...], bool]:
    return tuple(ids_of(page)), page_of(page).get("has_more") is True


def _page(answer: WholeAnswer) -> str:
    return _told([_shape(answer)]) if answer.status == 200 else f"status {answer.status}"


def _told(pages: list[tuple[tuple[str, ...], bool]]) -> str:
    return ", ".join(f"{len(ids)}{' and more' if more else ''}" for ids, more in pages)


@criterion("message-refused")
async def test_message_in_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[MESSAGE.kind])


@criterion("get-refused")
async def test_loading_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[GET.kind])


@criterion("items-refused")
async def test_items_of_a_foreign_thread_are_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[ITEMS.kind])


@criterion("update-refused", case="for others")
async def test_renaming_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[UPDATE.kind])


@criterion("update-refused", case="for the owner")
async def test_owner_may_rename(owner: Owner) -> None:
    expect(
        owner.renamed.status == 200 and owner.title in owner.threads_renamed.body,
        f"Alice renames her own thread (status {owner.renamed.status}), and her list does not "
        "show the title.",
        at=owner.renamed.mark,
        hint="owner",
    )


@criterion("delete-refused", case="for others")
async def test_deleting_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[DELETE.kind])


@criterion("delete-refused", case="for the owner")
async def test_owner_may_delete(owner: Owner) -> None:
    expect(
        owner.deleted_thread.id not in owner.threads_after.strings,
        f"Alice deletes a thread of her own (status {owner.deleted.status}), and it is still in "
        "her list.",
        at=owner.threads_after.mark,
        hint="owner",
    )


@criterion("retry-refused", case="for others")
async def test_retry_in_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[RETRY.kind])


@criterion("retry-refused", case="for the owner")
async def test_owner_may_ask_again(owner: Owner) -> None:
    expect(
        owner.retried.answered,
        "Alice asks for another answer in her own thread and gets none "
        f"(status {owner.retried.status}).",
        at=owner.retried.mark,
        hint="owner",
    )


@criterion("feedback-refused")
async def test_feedback_in_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[FEEDBACK.kind])
    _expect_alike(intrusion, FEEDBACK)


@criterion("actions-refused")
@pytest.mark.parametrize(
    "operation",
    [CUSTOM_ACTION, SYNC_ACTION, TOOL_OUTPUT, STRUCTURED_INPUT],
    ids=lambda operation: f"`{operation.kind}`",
)
async def test_action_in_a_foreign_thread_is_refused(
    operation: Operation, intrusion: Intrusions
) -> None:
    expect_refused(intrusion[operation.kind])


@criterion("answers-alike")
@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation is not FEEDBACK],
    ids=lambda operation: f"`{operation.kind}`",
)
async def test_refusal_does_not_tell_what_exists(
    operation: Operation, intrusion: Intrusions
) -> None:
    _expect_alike(intrusion, operation)


def _expect_alike(intrusions: Intrusions, operation: Operation) -> None:
    """Expect the same for a foreign thread as for one that does not exist, of which there are two.

    What differs between these two is chance.
    """
    seen = intrusions[operation.kind]
    foreign, unknown = seen.answer, seen.unknown
    expect(
        foreign.status == unknown[0].status or foreign.status == unknown[1].status,
        f"{operation.tell('Bob', 'a thread of Alice')}, and gets {_status(foreign)}. For an id "
        f"that does not exist he gets {_status(unknown[0])}.",
        at=foreign.mark,
        hint="status",
    )
    expect(
        foreign.kinds == unknown[0].kinds and foreign.broke == unknown[0].broke,
        f"{operation.tell('Bob', 'a thread of Alice')}, and gets {_events(foreign)}. For an id "
        f"that does not exist he gets {_events(unknown[0])}.",
        at=foreign.mark,
    )
    sent = (seen.thread.id, seen.thread.message_id, seen.thread.answer_id, seen.word)
    never = [
        bare(answer, (target.thread_id, target.message_id, target.answer_id, seen.unknown_word))
        for answer, target in zip(unknown, seen.unknown_targets, strict=True)
    ]
    own = bare(foreign, sent)
    expect(
        never[0] != never[1] or own == never[0],
        f"{operation.tell('Bob', 'a thread of Alice')}, and reads {own[:120]!r}. For an id that "
        f"does not exist he reads {never[0][:120]!r}.",
        at=foreign.mark,
    )


def _status(answer: WholeAnswer) -> str:
    return f"status {answer.status}" if answer.status else "no answer (the app raised)"


def _events(answer: WholeAnswer) -> str:
    events = ", ".join(f"`{kind}`" for kind in answer.kinds) or "no events"
    return f"{events}{', then the stream breaks' if answer.broke else ''}"
