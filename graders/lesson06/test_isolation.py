"""Whose is what: each operation on another user's thread answers as if it did not exist."""

from __future__ import annotations

import pytest

from graders.engine.harness import Finding, criterion, expect, needed
from graders.lesson06.fabricated_ids import bare
from graders.lesson06.intrusions import (
    LIST,
    OWNERS,
    Intrusions,
    expect_feedback_unheard,
    expect_refused,
    expect_refused_after_restart,
    what_it_is,
)
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
from graders.lesson06.ownership import Listed, Owner, Way, ids_of, page_of
from graders.lesson06.people import ANSWERED, Thread, WholeAnswer


@criterion("own-threads")
async def test_owner_may_use_own_threads(owner: Owner) -> None:
    expect(
        owner.follow_up.answered,
        f"Alice's follow-up in her own thread was not answered (status {owner.follow_up.status}).",
        at=owner.follow_up.mark,
        hint="follow-up",
    )
    for answer, what in ((owner.items, "`items.list`"), (owner.loaded, "`threads.get_by_id`")):
        for word in (owner.thread.message, owner.thread.answer, *owner.second):
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


@criterion("list-own", case="while all are there")
async def test_list_holds_own_threads_only(listed: Listed) -> None:
    for way, pages in listed.among.items():
        lists = (
            f"Alice and Bob start threads in turns; Bob lists his (`threads.list`, {_asked(way)})"
        )
        for page in pages:
            for thread in listed.alice:
                secret = thread.leaked(page, listed.bob)
                expect(
                    secret is None,
                    f"{lists}; Bob sees `{secret}`, {_in_list(secret or '', thread)}.",
                    at=page.mark,
                )
            expect(
                listed.title not in page.shown,
                f"{lists}; Bob sees `{listed.title}`, the title of a thread of Alice's.",
                at=page.mark,
            )
    _need_a_list(listed)


@criterion("list-own", case="after a restart")
async def test_list_holds_own_threads_only_after_a_restart(
    listed: Listed, intrusion: Intrusions
) -> None:
    # The conversation that is shown is that of the last argument.
    page, thread = intrusion.returned[LIST], intrusion.undisturbed.thread
    secret = thread.leaked(page, intrusion[GET].bob)
    expect(
        secret is None,
        "Alice starts a thread; the server is started again; Bob lists his threads "
        f"(`threads.list`) and sees `{secret}`, {_in_list(secret or '', thread)}.",
        at=page.mark,
        # Nothing was forgotten where nothing was known before either.
        hint=None if _shows_others(listed) else "restart",
    )
    needed(
        intrusion.undisturbed.opened or intrusion.undisturbed.listed,
        "Alice cannot see her own thread, so nothing shows whether Bob may.",
        by=OWNERS,
        at=page.mark,
    )


def _shows_others(listed: Listed) -> bool:
    pages = (page for pages in listed.among.values() for page in pages)
    return any(
        thread.leaked(page, listed.bob) is not None for page in pages for thread in listed.alice
    )


def _need_a_list(listed: Listed) -> None:
    page = listed.among["desc", 100][-1]
    needed(
        not listed.empty,
        "Bob has three threads, and `threads.list` shows none of them, so nothing shows whose it "
        f"holds (status {page.status}).",
        by=OWNERS,
        at=page.mark,
    )


def _asked(way: Way) -> str:
    order, limit = way
    return f"order {order}, {'no limit' if limit is None else f'limit {limit}'}"


def _in_list(secret: str, thread: Thread) -> str:
    if secret == thread.id:
        return "the id of a thread of Alice's"
    return what_it_is(secret, thread)


@criterion("list-pages")
async def test_pages_do_not_tell_of_others(listed: Listed) -> None:
    _need_a_list(listed)
    for way, pages in listed.among.items():
        among = [_shape(page) for page in pages]
        alone = [_shape(page) for page in listed.alone[way]]
        expect(
            among == alone,
            f"Bob has three threads, Alice four. Bob lists his ({_asked(way)}) and gets "
            f"{_told(among)}. Then Alice deletes hers; Bob asks again and gets {_told(alone)}.",
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


@criterion("message-refused", case="while the server runs")
async def test_message_in_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[MESSAGE])


@criterion("get-refused", case="while the server runs")
async def test_loading_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[GET])


@criterion("items-refused", case="while the server runs")
async def test_items_of_a_foreign_thread_are_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[ITEMS])


@criterion("get-refused", case="after a restart")
async def test_loading_is_refused_after_a_restart(intrusion: Intrusions) -> None:
    expect_refused_after_restart(intrusion, GET)


@criterion("items-refused", case="after a restart")
async def test_items_are_refused_after_a_restart(intrusion: Intrusions) -> None:
    expect_refused_after_restart(intrusion, ITEMS)


@criterion("message-refused", case="after a restart")
async def test_message_is_refused_after_a_restart(intrusion: Intrusions) -> None:
    expect_refused_after_restart(intrusion, MESSAGE)


@criterion("update-refused", case="for others")
async def test_renaming_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[UPDATE])


@criterion("update-refused", case="for the owner")
async def test_owner_may_rename(owner: Owner) -> None:
    needed(
        owner.loaded.status == 200,
        f"Alice cannot load her own thread (status {owner.loaded.status}), so she cannot rename "
        "it either.",
        by=OWNERS,
        at=owner.loaded.mark,
    )
    expect(
        owner.renamed.status == 200 and owner.title in owner.threads_renamed.body,
        f"Alice renames her own thread (status {owner.renamed.status}), and her list does not "
        "show the title.",
        at=owner.renamed.mark,
        hint="owner",
    )


@criterion("delete-refused", case="for others")
async def test_deleting_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[DELETE])


@criterion("delete-refused", case="for the owner")
async def test_owner_may_delete(owner: Owner) -> None:
    needed(
        owner.thread.id in owner.threads.strings,
        "Alice's list does not hold her thread, so it does not show what is deleted.",
        by=OWNERS,
        at=owner.threads.mark,
    )
    expect(
        owner.deleted_thread.id not in owner.threads_after.strings,
        f"Alice deletes a thread of her own (status {owner.deleted.status}), and it is still in "
        "her list.",
        at=owner.threads_after.mark,
        hint="owner",
    )


@criterion("retry-refused", case="for others")
async def test_retry_in_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[RETRY])


@criterion("retry-refused", case="for the owner")
async def test_owner_may_ask_again(owner: Owner) -> None:
    needed(
        owner.thread.begun.answered,
        "Alice's first message was not answered, so she cannot ask for another answer.",
        by=ANSWERED,
        at=owner.thread.begun.mark,
    )
    needed(
        owner.follow_up.answered,
        "Alice's follow-up in her own thread was not answered, so another answer cannot come.",
        by=OWNERS,
        at=owner.follow_up.mark,
    )
    expect(
        owner.retried.answered,
        "Alice asks for another answer in her own thread and gets none "
        f"(status {owner.retried.status}).",
        at=owner.retried.mark,
        hint="owner",
    )


@criterion("feedback-refused", case="what the agent hears")
async def test_agent_hears_no_foreign_feedback(intrusion: Intrusions) -> None:
    expect_feedback_unheard(intrusion)


@criterion("feedback-refused", case="what is answered")
async def test_feedback_in_a_foreign_thread_is_refused(intrusion: Intrusions) -> None:
    expect_refused(intrusion[FEEDBACK])
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
    expect_refused(intrusion[operation])


@criterion("answers-alike")
@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation is not FEEDBACK],
    ids=lambda operation: f"`{operation.kind}`",
)
async def test_refusal_does_not_tell_what_exists(
    operation: Operation, intrusion: Intrusions
) -> None:
    _need_refusal(intrusion, operation)
    _expect_alike(intrusion, operation)


_REFUSED_BY = {
    GET: "get-refused",
    ITEMS: "items-refused",
    MESSAGE: "message-refused",
    UPDATE: "update-refused",
    DELETE: "delete-refused",
    RETRY: "retry-refused",
}


def _need_refusal(intrusions: Intrusions, operation: Operation) -> None:
    """Need a refusal: an answer that leaks differs from any other.

    For most operations the SDK loads the thread first, so they need a refusal of that too.
    """
    for each in {operation} if operation in (ITEMS, DELETE) else {GET, operation}:
        try:
            expect_refused(intrusions[each])
        except Finding as leak:
            judge = _REFUSED_BY.get(each, "actions-refused")
            needed(False, leak.seen, by=judge, at=leak.mark)


def _expect_alike(intrusions: Intrusions, operation: Operation) -> None:
    """Expect the same for a foreign thread as for one that does not exist, of which there are two.

    What differs between these two is chance.
    """
    seen = intrusions[operation]
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
        bare(
            answer.body, (target.thread_id, target.message_id, target.answer_id, seen.unknown_word)
        )
        for answer, target in zip(unknown, seen.unknown_targets, strict=True)
    ]
    own = bare(foreign.body, sent)
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
