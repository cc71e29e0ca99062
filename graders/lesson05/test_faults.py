"""Two tabs, damaged rows, outages of the storage: nothing is lost, and all works afterwards."""

from __future__ import annotations

import pytest

from graders.engine.harness import (
    Finding,
    Outcome,
    ProtocolBroken,
    RanAway,
    Reply,
    Said,
    ServerDied,
    Stalled,
    criterion,
    expect,
    found,
    item_ids_of,
    lacking,
    texts_of,
    thread_ids_of,
)
from graders.lesson05.damage import Damaged
from graders.lesson05.faults import STORAGE_FAULTS, Outage, TwoTabs
from graders.lesson05.threads import expect_reply, mark_of

_FATAL = (Stalled, RanAway, ServerDied, ProtocolBroken)
RECORDINGS = dict(zip(STORAGE_FAULTS, ("locked", "read_only", "moved"), strict=True))


@criterion("two-tabs")
async def test_messages_of_two_tabs_are_stored(tabs: TwoTabs) -> None:
    reply = tabs.items.value
    for said, which in zip(tabs.tabs, ("first", "second"), strict=True):
        expect(
            sum(said.word in text for text in texts_of(reply)) == 1,
            f"The message of the {which} tab is in `items.list` "
            f"{sum(said.word in text for text in texts_of(reply))} times.",
            at=reply.serial,
            hint="message",
        )
        expect(
            _answer_of(said) is None or _answer_of(said) in item_ids_of(reply),
            f"The {which} tab got its whole answer, and `items.list` lacks it.",
            at=reply.serial,
            hint="answer",
        )
    ids = item_ids_of(reply)
    expect(len(set(ids)) == len(ids), "Two items have the same id.", at=reply.serial, hint="answer")
    expect(
        not lacking(reply, tabs.first.words),
        "After two tabs wrote at once, earlier messages of the thread are gone.",
        at=reply.serial,
    )


def _answer_of(said: Said) -> str | None:
    """Return the id of the answer that a tab got whole, if it did."""
    if said.begun.finding is not None or said.stream.error or said.stream.assistant_item is None:
        return None
    return said.stream.assistant_item.item_id


@criterion("two-tabs-answered")
async def test_two_tabs_get_answers_and_no_errors(tabs: TwoTabs) -> None:
    for said, which in zip(tabs.tabs, ("first", "second"), strict=True):
        cut_short = which == "first" and said.turn.cancelled
        failed = said.begun.finding is not None or said.stream.status != 200 or said.stream.error
        expect(
            not failed and said.ends and (_answer_of(said) is not None or cut_short),
            f"Two tabs wrote in one thread at once, and the {which} got {said.how}.",
            at=said.mark,
        )
    expect(
        tabs.next.complete,
        f"After two tabs wrote at once, the next message got {tabs.next.how}.",
        at=tabs.next.mark,
        hint="next",
    )


@criterion("damage-contained", case="its messages")
async def test_other_thread_can_be_read(damaged: Damaged) -> None:
    _expect_started(damaged)
    words = damaged.healthy.words
    views = damaged.views
    for outcome, what in ((views.thread, "`threads.get_by_id`"), (views.items, "`items.list`")):
        reply = expect_reply(outcome, f"With a damaged row in another thread, {what}")
        expect(
            not lacking(reply, words),
            f"With a damaged row in another thread, {what} lacks messages of a healthy one.",
            at=reply.serial,
        )


@criterion("damage-contained", case="the list")
async def test_other_thread_is_listed(damaged: Damaged) -> None:
    _expect_started(damaged)
    reply = expect_reply(damaged.views.threads, "With a damaged thread, `threads.list`", "list")
    expect(
        damaged.healthy.thread_id in thread_ids_of(reply),
        "With a damaged thread, `threads.list` lacks a healthy one.",
        at=reply.serial,
        hint="list",
    )


@criterion("damage-contained", case="new messages")
async def test_other_threads_go_on(damaged: Damaged) -> None:
    _expect_started(damaged)
    for said, which in ((damaged.follow_up, "a healthy thread"), (damaged.new, "a new thread")):
        if said is damaged.new and damaged.has_old_id:
            continue  # another criterion judges ids
        expect(
            said.complete,
            f"With damaged rows in other threads, a message in {which} got {said.how}.",
            at=said.mark,
        )


def _expect_started(damaged: Damaged) -> None:
    if damaged.started.finding is not None:
        found("With damaged rows in its database, the server does not start.", hint="start")


@criterion("damage-answered")
async def test_damaged_threads_get_an_answer(damaged: Damaged) -> None:
    for views in (damaged.bad_item, damaged.bad_thread):
        for outcome in (views.thread, views.items):
            _expect_bounded(outcome.finding, "A request for a damaged thread")
    for said in damaged.into_bad:
        _expect_said_bounded(said, "A message in a damaged thread")
    expect(
        not damaged.erased,
        "A row of a thread was damaged, and the server has erased the thread's sound messages.",
        at=mark_of(damaged.bad_item.items),
        hint="erased",
    )
    expect(
        not damaged.hides_answer,
        "One message of a thread was damaged, and `items.list` shows no items and no error.",
        at=mark_of(damaged.bad_item.items),
        hint="hidden",
    )


def _expect_bounded(finding: Finding | None, what: str) -> None:
    if isinstance(finding, _FATAL):
        found(f"{what} was never answered: {finding.seen}.", at=finding.mark, hint="hang")


def _expect_said_bounded(said: Said, what: str) -> None:
    _expect_bounded(said.begun.finding, what)
    if said.begun.finding is None:
        _expect_bounded(said.stream.broke, what)
        expect(said.ends, f"{what} got a stream that did not end.", at=said.mark, hint="hang")


@pytest.fixture
def outage(request: pytest.FixtureRequest) -> Outage:
    """Return the recording that a case names."""
    recording: Outage = request.getfixturevalue(RECORDINGS[request.param])
    return recording


def each_case(name: str) -> pytest.MarkDecorator:
    """Return the cases of a criterion, one for each kind of outage."""
    return pytest.mark.parametrize(
        "outage",
        [pytest.param(case, marks=criterion(name, case=case)) for case in STORAGE_FAULTS],
        indirect=True,
    )


@each_case("away-bounded")
async def test_requests_end_while_the_storage_cannot_be_used(outage: Outage) -> None:
    when = f"While {outage.what.replace('had locked', 'locked')}"
    _expect_bounded(outage.read.finding, f"{when}, a request")
    for said in outage.tries:
        _expect_said_bounded(said, f"{when}, a message")


@each_case("away-recovers")
async def test_all_works_again_afterwards(outage: Outage) -> None:
    when = f"After {outage.what} for a while"
    expect_reply(outage.items, f"{when}, `items.list`")
    for said, where in ((outage.back, "the thread"), (outage.new, "a new thread")):
        expect(
            said.complete,
            f"{when}, a message in {where} got {said.how}, also a minute later.",
            at=said.mark,
        )


@each_case("away-nothing-lost")
async def test_nothing_confirmed_is_lost(outage: Outage) -> None:
    for said, outcome in outage.kept:
        if not said.confirmed:
            continue
        reply = expect_reply(outcome, f"After {outage.what} and a new start, `items.list`")
        missing = lacking(reply, said.confirmed)
        expect(
            not missing,
            f"The client got a finished message {_when(outage, said)}, and after a new start "
            "`items.list` lacks it.",
            at=reply.serial,
            hint="meanwhile" if said in outage.tries else None,
        )


def _when(outage: Outage, said: Said) -> str:
    if said in outage.tries:
        return f"while {outage.what}"
    return f"before {outage.what}" if said is outage.before else f"after {outage.what}"


@criterion("clean-errors", case="storage away")
async def test_errors_in_an_outage_are_clean(
    locked: Outage, read_only: Outage, moved: Outage
) -> None:
    for outage in (locked, read_only, moved):
        _expect_clean(outage.read, f"While {outage.what}, `items.list`")
        for said in outage.tries:
            _expect_said_clean(said, f"While {outage.what}, a message")


@criterion("clean-errors", case="damaged rows")
async def test_errors_of_damaged_rows_are_clean(damaged: Damaged) -> None:
    for views in (damaged.bad_item, damaged.bad_thread):
        _expect_clean(views.thread, "`threads.get_by_id` of a damaged thread")
        _expect_clean(views.items, "`items.list` of a damaged thread")
    for said in damaged.into_bad:
        _expect_said_clean(said, "A message in a damaged thread")


def _expect_clean(outcome: Outcome[Reply], what: str) -> None:
    if outcome.finding is not None:
        found(f"{what}: {outcome.finding.seen}.", at=outcome.finding.mark)
    reply = outcome.value
    expect(
        reply.status == 200 or type(_json(reply)) is dict,
        f"{what} got the status {reply.status} with a body that is no JSON object: {reply.excerpt}",
        at=reply.serial,
        hint="json",
    )


def _json(reply: Reply) -> object:
    try:
        return reply.json
    except Finding:
        return None


def _expect_said_clean(said: Said, what: str) -> None:
    stream = said.stream
    expect(
        stream.broke is None,
        f"{what} got a stream that broke off without an `error` event.",
        at=said.mark,
        hint="stream",
    )
