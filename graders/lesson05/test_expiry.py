"""When a session ends: not before its time, wholly afterwards, and later when it was used.

Where a check takes several recordings, the transcript is that of the last: the one that it judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from graders.engine.harness import (
    Finding,
    Outcome,
    Reply,
    Said,
    criterion,
    expect,
    found,
    lacking,
    needed,
    thread_ids_of,
)
from graders.lesson05.expiry import TTL, Expired, OtherTtls, Resumed, StartedAgain, Untouched
from graders.lesson05.threads import Views, gives_thread, is_gone, mark_of, rests_on, shown_by


@criterion("resume-after-an-hour")
async def test_thread_goes_on_after_an_hour(pauses: Resumed) -> None:
    resumed = pauses.resumed
    expect(
        resumed.complete,
        f"An hour after the first message, the next one in the thread got {resumed.how}.",
        at=resumed.mark,
    )
    missing = [word for word in pauses.early.words if not resumed.turn.request.contains(word)]
    expect(
        not missing,
        "An hour later, the request to the model lacks what was said before.",
        at=resumed.mark,
        hint="history",
    )


@criterion("kept-until-ttl", case="in the list")
async def test_thread_is_listed_until_its_time(pauses: Resumed) -> None:
    with rests_on("resume-after-an-hour"):
        _expect_listed(pauses.views, f"{TTL - 1} hours after its last message")


@criterion("kept-until-ttl", case="its messages")
async def test_messages_are_there_until_their_time(pauses: Resumed) -> None:
    with rests_on("resume-after-an-hour"):
        _expect_there(pauses.views, pauses.left, f"{TTL - 1} hours after its last message")


@criterion("kept-until-ttl", case="a message in it")
async def test_thread_goes_on_until_its_time(pauses: Resumed) -> None:
    late = pauses.late
    needed(
        late.complete,
        f"{TTL - 1} hours after its last message, the next one in a thread got {late.how}.",
        by="resume-after-an-hour",
        at=late.mark,
    )


@criterion("kept-until-ttl", case="after a new start")
async def test_thread_outlives_a_start_until_its_time(started_again: StartedAgain) -> None:
    _need_start_that_keeps(started_again)
    when = f"{TTL - 1} hours after its last message, when the server had been started again"
    said, items = started_again.early
    with rests_on("resume-after-an-hour"):
        _expect_in(items, said, "`items.list`", when, "start")


def _need_start_that_keeps(started_again: StartedAgain) -> None:
    needed(
        started_again.keeps,
        "After a new start, `items.list` lacks the messages of a thread that was begun just before "
        "it, so nobody can see how long a session lives.",
        by="messages-survive",
    )


def _expect_listed(views: Views, when: str, hint: str | None = None) -> None:
    reply = views.threads.value
    expect(
        views.thread_id in thread_ids_of(reply),
        f"{when}, the thread is not in `threads.list`.",
        at=reply.serial,
        hint=hint,
    )


def _expect_there(views: Views, said: Said, when: str, hint: str | None = None) -> None:
    for outcome, what in ((views.thread, "`threads.get_by_id`"), (views.items, "`items.list`")):
        _expect_in(outcome, said, what, when, hint)


def _expect_in(
    outcome: Outcome[Reply], said: Said, what: str, when: str, hint: str | None = None
) -> None:
    if outcome.finding is not None:
        found(f"{when}, {what}: {outcome.finding.seen}.", at=outcome.finding.mark, hint=hint)
    reply = outcome.value
    expect(
        reply.status == 200 and not lacking(reply, said.words),
        f"{when}, {what} "
        + ("lacks messages." if reply.status == 200 else f"got the status {reply.status}."),
        at=reply.serial,
        hint=hint,
    )


_LATE = f"{TTL + 1} hours after its last message"


@criterion("gone-after-ttl", case="the list")
async def test_expired_thread_is_not_listed(pauses: Resumed, expired: Expired) -> None:
    _need_kept(pauses, "threads.list")
    pages = [] if expired.walk.finding is not None else expired.walk.value
    with _by_the_clock_of(expired):
        for reply in (*(page.reply for page in pages), expired.left_views.threads.value):
            _expect_not_listed(reply, expired.left)


@contextmanager
def _by_the_clock_of(expired: Expired) -> Iterator[None]:
    """Tell of the clock of a database server, where a statement has asked it for the time."""
    try:
        yield
    except Finding as finding:
        if expired.asked_database:
            finding.hint = "database-time"
            finding.seen += (
                " A statement of your server's asked PostgreSQL for the time (such as `now()` or "
                "`CURRENT_TIMESTAMP`), and its clock does not follow that of your process."
            )
        raise


def _need_kept(pauses: Resumed, request: str) -> None:
    needed(
        request in shown_by(pauses.views, pauses.left),
        f"{TTL - 1} hours after its last message, `{request}` does not give a thread, so nobody "
        "can see it end.",
        by="kept-until-ttl",
    )


def _expect_not_listed(reply: Reply, left: Said) -> None:
    expect(
        left.thread_id not in thread_ids_of(reply),
        f"{_LATE}, a thread is still in `threads.list`.",
        at=reply.serial,
        hint="list",
    )


@criterion("gone-after-ttl", case="by its id")
async def test_expired_thread_is_not_given(pauses: Resumed, expired: Expired) -> None:
    _need_kept(pauses, "threads.get_by_id")
    alone = expired.given.value
    with _by_the_clock_of(expired):
        _expect_gone(expired.left_views.thread, expired.left, "threads.get_by_id", "get")
        _expect_gone(alone.got, alone.said, "threads.get_by_id", "get-first")
        for outcome, said, hint in (
            (expired.left_views.thread, expired.left, "get"),
            (alone.got, alone.said, "get-first"),
        ):
            expect(
                not gives_thread(outcome, said.thread_id),
                f"{_LATE}, `threads.get_by_id` still gives the thread.",
                at=mark_of(outcome),
                hint=hint,
            )


@criterion("gone-after-ttl", case="its items")
async def test_expired_items_are_not_given(pauses: Resumed, expired: Expired) -> None:
    _need_kept(pauses, "items.list")
    alone = expired.read.value
    with _by_the_clock_of(expired):
        _expect_gone(expired.left_views.items, expired.left, "items.list", "items")
        _expect_gone(alone.got, alone.said, "items.list", "items-first")


def _expect_gone(outcome: Outcome[Reply], said: Said, what: str, hint: str) -> None:
    if is_gone(outcome):
        return
    reply = outcome.value
    expect(
        bool(lacking(reply, [said.word])) and bool(lacking(reply, [said.answer_word])),
        f"{_LATE}, `{what}` still gives the messages of the thread.",
        at=reply.serial,
        hint=hint,
    )


@criterion("gone-after-ttl", case="a message in it")
async def test_expired_thread_takes_no_message(pauses: Resumed, expired: Expired) -> None:
    needed(
        pauses.late.complete,
        f"{TTL - 1} hours after its last message, the next one in a thread got {pauses.late.how}.",
        by="kept-until-ttl",
        at=pauses.late.mark,
    )
    revived = expired.revived.value.got
    with _by_the_clock_of(expired):
        expect(
            not revived.complete,
            f"{_LATE}, a message in a thread was answered as if nothing had happened.",
            at=revived.mark,
            hint="message",
        )


@criterion("gone-after-ttl", case="after a new start")
async def test_a_start_does_not_renew_a_thread(
    pauses: Resumed, expired: Expired, started_again: StartedAgain
) -> None:
    _need_start_that_keeps(started_again)
    _need_kept(pauses, "items.list")
    said, views = started_again.left
    still = _still_shown(views, said, expired)
    expect(
        not still,
        f"{_LATE}, when the server had been started again two hours before, `{still}` still gives "
        "a thread.",
        at=views.mark,
        hint="start",
    )


def _still_shown(views: Views, said: Said, expired: Expired) -> str:
    """Name a request that shows a thread, though it shows none of that age that was left alone."""
    shown = shown_by(views, said) - shown_by(expired.left_views, expired.left)
    return min(shown, default="")


@criterion("expired-erased")
async def test_expired_text_is_erased(expired: Expired) -> None:
    needed(expired.left.complete, "A message was not answered.", by="session-answers")
    still = expired.still_stored
    if still:
        _ = expired.started.value  # a server that does not start had no chance there
    seen = (
        "A day after a thread had expired, and after a list, a message in another thread and a new "
        f"start, its text is still in the {_listed(still)}."
    )
    # A session that is still given has not ended.
    given = shown_by(expired.left_views, expired.left)
    needed(not (still and given), seen, by="gone-after-ttl")
    expect(not still, seen)


def _listed(places: list[str]) -> str:
    return " and in the ".join(places)


@criterion("activity-renews", case="a message")
async def test_activity_renews_a_session(expired: Expired) -> None:
    views = expired.renewed_views
    when = "Two hours after its last message, a day after its first"
    with rests_on("kept-until-ttl"):
        expect(
            expired.renewing.complete,
            f"{TTL - 1} hours after its last message, the next one in a thread got "
            f"{expired.renewing.how}.",
            at=expired.renewing.mark,
        )
        hint = _why_lost(expired)
        _expect_listed(views, when, hint)
        _expect_there(views, expired.renewed, when, hint)


@criterion("activity-renews", case="no message")
async def test_reading_does_not_renew_a_session(
    pauses: Resumed, expired: Expired, untouched: Untouched
) -> None:
    before = shown_by(pauses.views, pauses.left)
    needed(bool(before), "A thread does not live until its time is over.", by="kept-until-ttl")
    needed(
        _ends(expired, pauses),
        "A thread that was left alone does not end, so nobody can see what renews it.",
        by="gone-after-ttl",
    )
    for how, said, views in untouched.done:
        still = _still_shown(views, said, expired)
        expect(
            not still,
            f"{_LATE}, a thread that was {how} two hours before is still given by `{still}`; one "
            "that was left alone is not.",
            at=views.mark,
            hint="reading",
        )


@criterion("activity-renews", case="a new start")
async def test_a_start_forgets_no_message(started_again: StartedAgain) -> None:
    _need_start_that_keeps(started_again)
    when = (
        "Two hours after its last message, a day after its first, when the server had been started "
        "again"
    )
    said, items = started_again.renewed
    with rests_on("kept-until-ttl"):
        _expect_in(items, said, "`items.list`", when, "start")


def _ends(expired: Expired, pauses: Resumed) -> bool:
    """Whether any request stops to give a session when its time is over."""
    before = shown_by(pauses.views, pauses.left)
    return bool(before - shown_by(expired.left_views, expired.left))


def _why_lost(expired: Expired) -> str | None:
    """Name the hint for a server that does renew a thread, and loses it in another way."""
    views = expired.renewed_views
    listed = thread_ids_of(views.threads.value)
    if expired.young.complete and expired.young.thread_id not in listed:
        return "others"
    items = views.items
    if views.thread_id not in listed or items.finding is not None or items.value.status != 200:
        return None
    lacks_early = bool(lacking(items.value, [expired.renewed.word]))
    return "items" if lacks_early and not lacking(items.value, [expired.renewing.word]) else None


@criterion("ttl-from-environment", case="two hours")
async def test_a_short_ttl_is_obeyed(other_ttls: OtherTtls) -> None:
    short_ttl = other_ttls.short.value
    needed(short_ttl.left.complete, "A message was not answered.", by="session-answers")
    reply = short_ttl.views.threads.value
    listed = short_ttl.left.thread_id in thread_ids_of(reply)
    needed(
        not listed and is_gone(short_ttl.views.thread),
        f"With SESSION_TTL_HOURS={short_ttl.hours}, a thread is still there "
        f"{short_ttl.passed} hours after its last message.",
        by="gone-after-ttl",
        at=reply.serial,
    )


@criterion("ttl-from-environment", case="three days")
async def test_a_long_ttl_is_obeyed(
    pauses: Resumed, expired: Expired, other_ttls: OtherTtls
) -> None:
    needed(_ends(expired, pauses), "No thread ends when its time is over.", by="gone-after-ttl")
    long_ttl = other_ttls.long.value
    when = (
        f"With SESSION_TTL_HOURS={long_ttl.hours}, {long_ttl.passed} hours after its last message"
    )
    with rests_on("kept-until-ttl"):
        _expect_listed(long_ttl.views, when)
        _expect_there(long_ttl.views, long_ttl.left, when)
